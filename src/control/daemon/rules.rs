//! The daemon's rules: loaded at the start, loaded again on demand, the good set kept whatever happens.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::control::check::RuleSummary;
use crate::control::config::{Config, RuleFormat, RuleSource};
use crate::control::http::{ListStatus, RulesStatus};
use crate::export::metrics::{ListState, Metrics, RuleSetState};
use crate::matching::{Format, ListReport, ListSource, RuleHandle, RuleReader, RuleSet, SetError, describe, load_set};
use crate::model::Timestamp;
use crate::telemetry::events;

/// The rules in force and how they are replaced.
pub(super) struct Rules {
    sources: Vec<ListSource>,
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
    }
}

/// Loads one list, or one prebuilt set, and says what it holds, for `check`.
///
/// # Errors
/// Why it cannot be used.
pub fn check_source(rule: &RuleSource) -> Result<RuleSummary, String> {
    let reports = describe(&source(rule)).map_err(|e| e.problem.to_string())?;
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
        Rules::of(config.rules.iter().map(source).collect(), metrics)
    }

    fn of(sources: Vec<ListSource>, metrics: Arc<Metrics>) -> Result<Rules, String> {
        let (set, reports) = load_set(&sources).map_err(|e| e.to_string())?;
        let handle = RuleHandle::new(Arc::new(set));
        let told = Mutex::new(Told { lists: list_status(&reports), error: None });
        metrics.rules_loaded(state(1, &reports));
        Ok(Rules { sources, handle, metrics, told })
    }

    /// Loads every list again; if one of them cannot be used, nothing changes but what is told.
    pub(super) fn reload(&self) {
        let started = Instant::now();
        let loaded: Result<(RuleSet, Vec<ListReport>), SetError> = load_set(&self.sources);
        match loaded {
            Ok((set, reports)) => {
                let count = usize::try_from(set.len()).unwrap_or(usize::MAX);
                let generation = self.handle.publish(Arc::new(set));
                self.metrics.rules_loaded(state(generation, &reports));
                *self.told() = Told { lists: list_status(&reports), error: None };
                events::rules_reloaded(generation, reports.len(), count, started.elapsed());
            }
            Err(error) => {
                self.metrics.rules_refused();
                let list = match &error {
                    SetError::Lists(errors) => errors
                        .iter()
                        .filter_map(|e| self.sources.iter().find(|s| s.path == e.path))
                        .map(|s| s.name.to_string())
                        .collect::<Vec<_>>()
                        .join(", "),
                    SetError::Build(_) => String::from("all"),
                };
                let reason = error.to_string();
                events::rules_kept(self.handle.generation(), &list, &reason);
                self.told().error = Some(reason);
            }
        }
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
            reload_error: told.error.clone(),
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    use crate::matching::{ListSource, save};
    use crate::model::{Action, DomainName};

    fn build(list: &Path, text: &str, out: &Path) {
        std::fs::write(list, text).unwrap();
        let (set, _) = load_set(&[ListSource::of_file(list, Action::Block)]).unwrap();
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
        let sources = vec![ListSource::of_file(&set, Action::Block), ListSource::of_file(&extra, Action::Block)];
        let rules = Rules::of(sources.clone(), Arc::new(Metrics::new().unwrap())).unwrap();
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
        assert!(Rules::of(sources, Arc::new(Metrics::new().unwrap())).is_err(), "nor does the daemon start with it");
    }

    #[test]
    fn a_prebuilt_set_is_checked() {
        let dir = tempfile::tempdir().unwrap();
        let (list, set) = (dir.path().join("pl.txt"), dir.path().join("set"));
        build(&list, "a.example\nb.example\n12 wrong.example\n", &set);
        let mut rule =
            RuleSource { list: "all".into(), path: set.clone(), format: RuleFormat::Auto, action: Action::Block };
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
}
