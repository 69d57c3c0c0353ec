//! The daemon's rules: loaded at the start, loaded again on demand, the good set kept whatever happens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::bundles::{Bundles, Kept};
use crate::control::bundles::Candidate;
use crate::control::check::RuleSummary;
use crate::control::config::{Config, RuleFormat, RuleSource};
use crate::control::http::{ListStatus, RulesStatus};
use crate::export::metrics::{ListState, Metrics, RuleSetState};
use crate::matching::{
    Format, ListReport, ListSource, Problem, RuleHandle, RuleReader, RuleSet, SetError, describe, load_for_sensor,
};
use crate::model::{Jurisdiction, Timestamp};
use crate::telemetry::events;

/// The rules in force and how they are replaced.
pub(super) struct Rules {
    sources: Vec<ListSource>,
    served: Vec<Jurisdiction>,
    bundles: Bundles,
    handle: RuleHandle,
    metrics: Arc<Metrics>,
    told: Mutex<Told>,
}

/// What is told of the rules in `/status`.
struct Told {
    lists: Vec<ListStatus>,
    error: Option<String>,
}

fn format(format: RuleFormat) -> Format {
    match format {
        RuleFormat::Auto => Format::Auto,
        RuleFormat::Plain => Format::Plain,
        RuleFormat::Hosts => Format::Hosts,
        RuleFormat::AdBlock => Format::AdBlock,
        RuleFormat::UBlacklist => Format::UBlacklist,
        RuleFormat::Dnsmasq => Format::Dnsmasq,
        RuleFormat::Unbound => Format::Unbound,
        RuleFormat::Rpz => Format::Rpz,
        RuleFormat::PolishRegister => Format::PolishRegister,
    }
}

fn source(rule: &RuleSource) -> ListSource {
    ListSource {
        name: Arc::from(rule.list.as_str()),
        path: rule.path.clone(),
        format: format(rule.format),
        action: rule.action,
        provenance: rule.provenance.clone(),
    }
}

/// Loads one list, or one prebuilt set, and says what it holds, for `check`.
///
/// # Errors
/// Why it cannot be used.
pub fn check_source(rule: &RuleSource) -> Result<RuleSummary, String> {
    let reports = describe(&source(rule)).map_err(|e| e.problem.to_string())?;
    if let Some(report) = reports.iter().find(|report| report.source.provenance.is_none()) {
        return Err(Problem::NoProvenance { list: Arc::clone(&report.source.name) }.to_string());
    }
    let rules = reports.iter().map(|r| r.facts.counts.rules).sum::<u64>();
    // What was rejected when a set was built was told then, and cannot be mended here.
    let rejected = reports.iter().filter(|r| !r.prebuilt).map(|r| r.facts.counts.rejected).sum::<u64>();
    let first = reports.iter().flat_map(|r| &r.facts.rejections).next();
    Ok(RuleSummary {
        rules: usize::try_from(rules).unwrap_or(usize::MAX),
        rejected: usize::try_from(rejected).unwrap_or(usize::MAX),
        first_rejected: first.map(|r| format!("line {}: {}", r.line, r.reason)),
    })
}

impl Rules {
    /// Loads the configured lists for the first time.
    pub(super) fn load(config: &Config, metrics: Arc<Metrics>) -> Result<Rules, String> {
        let bundles = Bundles::of(config, Arc::clone(&metrics));
        let served = config.sensor.jurisdictions.clone();
        Rules::of(config.rules.iter().map(source).collect(), served, bundles, metrics)
    }

    fn of(
        sources: Vec<ListSource>,
        served: Vec<Jurisdiction>,
        bundles: Bundles,
        metrics: Arc<Metrics>,
    ) -> Result<Rules, String> {
        let mut candidates = bundles.at_start()?;
        let (set, reports) = load(&sources, &mut candidates, &served).map_err(|e| e.to_string())?;
        bundles.note(&mut candidates).map_err(|kept| kept.reason)?;
        bundles.in_force(&candidates);
        let handle = RuleHandle::new(Arc::new(set));
        let told = Mutex::new(Told { lists: list_status(&reports), error: None });
        metrics.rules_loaded(state(1, &reports));
        Ok(Rules { sources, served, bundles, handle, metrics, told })
    }

    /// Loads every list again; if one of them cannot be used, nothing changes but what is told.
    pub(super) fn reload(&self) {
        let started = Instant::now();
        match self.load_again() {
            Ok((set, reports, candidates)) => {
                let count = usize::try_from(set.len()).unwrap_or(usize::MAX);
                let generation = self.handle.publish(Arc::new(set));
                self.bundles.in_force(&candidates);
                self.metrics.rules_loaded(state(generation, &reports));
                *self.told() = Told { lists: list_status(&reports), error: None };
                events::rules_reloaded(generation, reports.len(), count, started.elapsed());
            }
            Err(Kept { list, reason }) => {
                self.metrics.rules_refused();
                events::rules_kept(self.handle.generation(), &list, &reason);
                self.told().error = Some(reason);
            }
        }
    }

    /// Everything that is to come into force together. Nothing is noted of a bundle unless all of it can.
    fn load_again(&self) -> Result<(RuleSet, Vec<ListReport>, Vec<Candidate>), Kept> {
        let mut candidates = self.bundles.again()?;
        let (set, reports) = load(&self.sources, &mut candidates, &self.served).map_err(|error| {
            let list = match &error {
                SetError::Lists(errors) => errors
                    .iter()
                    .filter_map(|e| self.sources.iter().find(|s| s.path == e.path))
                    .map(|s| s.name.to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
                SetError::Build(_) => String::from("all"),
            };
            Kept { list, reason: error.to_string() }
        })?;
        self.bundles.note(&mut candidates)?;
        Ok((set, reports, candidates))
    }

    /// Says which bundles expire soon.
    pub(super) fn remind(&self) {
        self.bundles.remind();
    }

    /// Frees replaced rule sets that no worker holds any more.
    pub(super) fn collect(&self) {
        self.handle.collect();
    }

    /// A worker's view of the rules.
    pub(super) fn reader(&self) -> RuleReader {
        self.handle.reader()
    }

    /// Rules in force.
    pub(super) fn count(&self) -> usize {
        usize::try_from(self.handle.current().len()).unwrap_or(usize::MAX)
    }

    /// What `/status` says.
    pub(super) fn status(&self) -> RulesStatus {
        let told = self.told();
        RulesStatus {
            generation: self.handle.generation(),
            rules: self.count(),
            age_seconds: self.handle.age().as_secs(),
            lists: told.lists.clone(),
            bundles: self.bundles.status(),
            reload_error: told.error.clone(),
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(
    sources: &[ListSource],
    candidates: &mut [Candidate],
    served: &[Jurisdiction],
) -> Result<(RuleSet, Vec<ListReport>), SetError> {
    load_for_sensor(sources, candidates.iter_mut().filter_map(Candidate::take_set).collect(), served)
}

fn list_status(reports: &[ListReport]) -> Vec<ListStatus> {
    let status = |r: &ListReport| {
        let rules = usize::try_from(r.facts.counts.rules).unwrap_or(usize::MAX);
        ListStatus::new(&*r.source.name, r.source.action, rules)
    };
    reports.iter().map(status).collect()
}

fn state(generation: u64, reports: &[ListReport]) -> RuleSetState {
    let lists = reports.iter().map(|r| ListState {
        name: Arc::clone(&r.source.name),
        rules: r.facts.counts.rules,
        rejected: r.facts.counts.rejected,
    });
    RuleSetState { generation, loaded: Timestamp::now(), lists: lists.collect() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::control::config::BundleSource;
    use crate::matching::bundle::samples::{Key, Sample};
    use crate::matching::bundle::{Keyring, Scope};
    use crate::matching::{ListSource, load_set, save};
    use crate::model::{Action, DomainName, Provenance};

    fn ordered(path: &Path) -> ListSource {
        let provenance = Provenance::new("an authority", "an act", "order 1", poland()).unwrap();
        ListSource { provenance: Some(Arc::new(provenance)), ..ListSource::of_file(path, Action::Block) }
    }

    fn poland() -> Vec<Jurisdiction> {
        vec!["PL".parse().unwrap()]
    }

    fn build(list: &Path, text: &str, out: &Path) {
        std::fs::write(list, text).unwrap();
        let (set, _) = load_set(&[ordered(list)]).unwrap();
        save(&set, out).unwrap();
    }

    fn found(reader: &mut RuleReader, name: &str) -> Option<String> {
        reader.refresh();
        let name = DomainName::from_text(name.as_bytes()).unwrap();
        reader.rules().lookup(&name).rule().map(|rule| rule.list().to_string())
    }

    #[test]
    fn a_prebuilt_set_is_reloaded_and_a_damaged_one_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (list, set, extra) = (dir.path().join("pl.txt"), dir.path().join("set"), dir.path().join("extra.txt"));
        build(&list, "a.example\nb.example\n12 wrong.example\n", &set);
        std::fs::write(&extra, "extra.example\n").unwrap();
        let sources = vec![ListSource::of_file(&set, Action::Block), ordered(&extra)];
        let metrics = Arc::new(Metrics::new().unwrap());
        let start = |sources: &[ListSource]| {
            Rules::of(
                sources.to_vec(),
                poland(),
                Bundles::new(Vec::new(), Keyring::default(), Arc::clone(&metrics)),
                Arc::clone(&metrics),
            )
        };
        let rules = start(&sources).unwrap();
        let mut reader = rules.reader();
        assert_eq!(found(&mut reader, "www.a.example").as_deref(), Some("pl.txt"));
        assert_eq!(found(&mut reader, "www.extra.example").as_deref(), Some("extra.txt"));
        let names = |status: &RulesStatus| format!("{:?}", status.lists);
        assert_eq!((rules.status().rules, rules.status().lists.len()), (3, 2), "{}", names(&rules.status()));

        build(&list, "b.example\nc.example\n", &set);
        rules.reload();
        assert_eq!((rules.status().generation, rules.status().reload_error), (2, None));
        assert_eq!(found(&mut reader, "a.example"), None);
        assert_eq!(found(&mut reader, "c.example").as_deref(), Some("pl.txt"));

        let mut octets = std::fs::read(&set).unwrap();
        *octets.last_mut().unwrap() ^= 1;
        std::fs::write(&set, octets).unwrap();
        rules.reload();
        let status = rules.status();
        assert!(status.reload_error.unwrap().contains("damaged prebuilt rule set"));
        assert_eq!((status.generation, found(&mut reader, "c.example").as_deref()), (2, Some("pl.txt")));
        assert!(start(&sources).is_err(), "nor does the daemon start with it");

        let refused = start(&[ListSource::of_file(&extra, Action::Block)]).err().unwrap();
        assert!(refused.contains("extra.txt does not say on whose order it stands"), "{refused}");
    }

    #[test]
    fn a_prebuilt_set_is_checked() {
        let dir = tempfile::tempdir().unwrap();
        let (list, set) = (dir.path().join("pl.txt"), dir.path().join("set"));
        build(&list, "a.example\nb.example\n12 wrong.example\n", &set);
        let mut rule = RuleSource {
            list: "all".into(),
            path: set.clone(),
            format: RuleFormat::Auto,
            action: Action::Block,
            provenance: None,
        };
        let summary = check_source(&rule).unwrap();
        assert_eq!((summary.rules, summary.rejected), (2, 0), "what was rejected was told when it was built");
        rule.action = Action::Allow;
        assert!(check_source(&rule).unwrap_err().contains("list pl.txt blocks"));
        rule.action = Action::Block;
        rule.format = RuleFormat::Plain;
        assert!(check_source(&rule).unwrap_err().contains("a prebuilt rule set"));
        std::fs::write(&set, b"\x89STKSET\n").unwrap();
        rule.format = RuleFormat::Auto;
        assert!(check_source(&rule).unwrap_err().contains("damaged"));
    }

    #[test]
    fn two_bundles_come_into_force_together_or_not_at_all() {
        let (dir, key) = (tempfile::tempdir().unwrap(), Key::new());
        let de = Sample { channel: "de", names: ["de-block", "de-allow"], ..Sample::default() };
        let pl = Sample { channel: "pl", ..Sample::default() };
        let source = |sample: &Sample| {
            let path = sample.write(dir.path(), &format!("{}.stkbundle", sample.channel), &key);
            BundleSource { channel: sample.channel.into(), path, state: dir.path().into() }
        };
        // Their files and their copies in one directory would be the same.
        let state = dir.path().join("state");
        std::fs::create_dir(&state).unwrap();
        let sources = [&de, &pl].map(|sample| BundleSource { state: state.clone(), ..source(sample) });
        let keys = Keyring { trusted: vec![key.trusted("ours", Scope::everything())], revoked: Vec::new() };
        let metrics = Arc::new(Metrics::new().unwrap());
        let bundles = Bundles::new(sources.to_vec(), keys, Arc::clone(&metrics));
        let rules = Rules::of(Vec::new(), poland(), bundles, metrics).unwrap();
        let versions = || rules.status().bundles.iter().map(|bundle| bundle.version).collect::<Vec<_>>();
        assert_eq!((rules.status().rules, versions()), (6, vec![7, 7]));

        // One that is newer, and one that is spoilt: neither is taken, and the newer is not used up.
        let lists = ["new.example\n", "help.casino.example\n"];
        source(&Sample { version: 8, lists, ..de.clone() });
        std::fs::write(&sources[1].path, "spoilt").unwrap();
        rules.reload();
        let status = rules.status();
        assert_eq!((status.generation, versions()), (1, vec![7, 7]));
        let refused: Vec<_> = status.bundles.iter().map(|bundle| bundle.refused.is_some()).collect();
        assert_eq!((refused, status.reload_error.is_some()), (vec![false, true], true));
        let mut reader = rules.reader();
        assert_eq!(found(&mut reader, "new.example"), None);

        source(&Sample { version: 8, ..pl });
        rules.reload();
        let status = rules.status();
        assert_eq!((status.generation, versions(), status.reload_error), (2, vec![8, 8], None));
        assert!(status.bundles.iter().all(|bundle| bundle.refused.is_none()));
        assert_eq!(found(&mut reader, "new.example").as_deref(), Some("de-block"));
    }
}
