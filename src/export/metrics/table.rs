//! A collector made of a table of families and a function that fills them when asked.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// Description of one family; names are without the `stakeout_` prefix.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: MetricType,
    pub(super) labels: Vec<&'static str>,
    pub(super) help: &'static str,
}

/// A counter family.
pub(super) fn counter(name: &'static str, labels: &[&'static str], help: &'static str) -> Family {
    Family { name, kind: MetricType::COUNTER, labels: labels.to_vec(), help }
}

/// A gauge family.
pub(super) fn gauge(name: &'static str, labels: &[&'static str], help: &'static str) -> Family {
    Family { name, kind: MetricType::GAUGE, labels: labels.to_vec(), help }
}

type Fill = Box<dyn Fn(&mut Samples) + Send + Sync>;

/// Families and what fills them.
pub(super) struct Table {
    families: Vec<Family>,
    descs: Vec<Desc>,
    fill: Fill,
}

impl Table {
    pub(super) fn new(
        families: Vec<Family>,
        fill: impl Fn(&mut Samples) + Send + Sync + 'static,
    ) -> Result<Self, prometheus::Error> {
        let desc = |f: &Family| {
            let labels = f.labels.iter().map(|l| (*l).to_owned()).collect();
            Desc::new(format!("stakeout_{}", f.name), f.help.to_owned(), labels, HashMap::new())
        };
        let descs = families.iter().map(desc).collect::<Result<_, _>>()?;
        Ok(Table { families, descs, fill: Box::new(fill) })
    }

    #[cfg(test)]
    pub(super) fn families(&self) -> &[Family] {
        &self.families
    }
}

/// Values being collected, by family.
#[derive(Default)]
pub(super) struct Samples(HashMap<&'static str, Vec<(Vec<String>, f64)>>);

impl Samples {
    /// Adds a value of the family `name`, with its label values in the order of the family's labels.
    pub(super) fn add(&mut self, name: &'static str, labels: &[&str], value: u64) {
        self.add_float(name, labels, value as f64);
    }

    /// As [`Samples::add`].
    pub(super) fn add_float(&mut self, name: &'static str, labels: &[&str], value: f64) {
        let labels = labels.iter().map(|l| (*l).to_owned()).collect();
        self.0.entry(name).or_default().push((labels, value));
    }
}

impl Collector for Table {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut samples = Samples::default();
        (self.fill)(&mut samples);
        let family = |family: &Family| {
            let mut out = MetricFamily::default();
            out.set_name(format!("stakeout_{}", family.name));
            out.set_help(family.help.to_owned());
            out.set_field_type(family.kind);
            let samples = samples.0.remove(family.name).unwrap_or_default();
            out.set_metric(samples.into_iter().map(|(values, value)| metric(family, values, value)).collect());
            out
        };
        self.families.iter().map(family).collect()
    }
}

fn metric(family: &Family, values: Vec<String>, value: f64) -> Metric {
    let pair = |(name, value): (&&str, String)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value(value);
        pair
    };
    let mut metric = Metric::from_label(family.labels.iter().zip(values).map(pair).collect());
    if family.kind == MetricType::COUNTER {
        let mut counter = Counter::default();
        counter.set_value(value);
        metric.set_counter(counter);
    } else {
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        metric.set_gauge(gauge);
    }
    metric
}
