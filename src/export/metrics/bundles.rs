//! Metrics of signed rule bundles: what is in force, until when, and what was refused and why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::locked;
use super::table::{Samples, Table, counter, gauge};
use crate::matching::bundle::CAUSES;

/// The bundle of a channel that is in force.
#[derive(Clone, Debug)]
pub struct BundleState {
    /// Its channel.
    pub channel: String,
    /// Its version.
    pub version: u64,
    /// From when on it should have been replaced.
    pub expires: Timestamp,
    /// Whether it is the sensor's own copy, because the file was refused at the start.
    pub is_copy: bool,
}

/// What was published last, by channel.
#[derive(Default)]
pub(super) struct State(Mutex<BTreeMap<String, Channel>>);

#[derive(Default)]
struct Channel {
    in_force: Option<BundleState>,
    refusals: [u64; CAUSES.len()],
}

impl State {
    /// Makes a channel known, so that its series are there from the start.
    pub(super) fn add(&self, channel: &str) {
        locked(&self.0).entry(channel.to_owned()).or_default();
    }

    pub(super) fn in_force(&self, bundle: BundleState) {
        let channel = bundle.channel.clone();
        locked(&self.0).entry(channel).or_default().in_force = Some(bundle);
    }

    pub(super) fn refused(&self, channel: &str, cause: &str) {
        let mut channels = locked(&self.0);
        let refusals = &mut channels.entry(channel.to_owned()).or_default().refusals;
        for (_, n) in CAUSES.iter().zip(refusals).filter(|(known, _)| **known == cause) {
            *n += 1;
        }
    }
}

pub(super) fn table(state: Arc<State>) -> Result<Table, prometheus::Error> {
    let families = vec![
        gauge("bundle_version", &["channel"], "Version of the signed rule bundle in force."),
        gauge(
            "bundle_expiry_timestamp_seconds",
            &["channel"],
            "When the signed rule bundle in force expires, in seconds since the epoch.",
        ),
        gauge(
            "bundle_from_copy",
            &["channel"],
            "Whether the sensor's own copy of the bundle is in force, because the file was refused at the start.",
        ),
        counter("bundle_refusals_total", &["channel", "cause"], "Signed rule bundles that were refused, by cause."),
    ];
    Table::new(families, move |samples| {
        for (channel, known) in locked(&state.0).iter() {
            fill(channel, known, samples);
        }
    })
}

fn fill(channel: &str, known: &Channel, samples: &mut Samples) {
    if let Some(bundle) = &known.in_force {
        samples.add("bundle_version", &[channel], bundle.version);
        samples.add_float("bundle_expiry_timestamp_seconds", &[channel], bundle.expires.as_second() as f64);
        samples.add("bundle_from_copy", &[channel], bundle.is_copy.into());
    }
    for (cause, n) in CAUSES.iter().zip(known.refusals) {
        samples.add("bundle_refusals_total", &[channel, cause], n);
    }
}
