//! The configuration: one TOML file, read whole, with every mistake told.
//!
//! Each section has a file of its own that holds its struct (the field comments are the reference; `docs/operators.md`
//! and `packaging/stakeout.toml` follow them, and tests hold them to it), its defaults, its bounds and the code that
//! reads it. Unknown fields are errors: a misspelt limit must not silently be the default.

mod bundles;
mod capture;
mod dnstap;
mod findings;
mod general;
mod http;
mod legal;
mod limits;
mod networks;
mod output;
mod prefilter;
pub(super) mod problem;
pub(super) mod reader;
mod rules;
mod suggest;
mod syntax;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::de::DeTable;

pub use bundles::BundleSource;
pub use capture::CaptureConfig;
pub use dnstap::DnstapConfig;
pub use findings::{FindingsConfig, SubscriberMode};
pub use general::{LogConfig, SensorConfig};
pub use http::HttpConfig;
pub use limits::LimitsConfig;
pub use networks::NetworksConfig;
pub use output::{EventFileConfig, OutputConfig};
pub use prefilter::PrefilterConfig;
pub use problem::{Problem, Severity};
use problem::{Problems, WHOLE_FILE};
pub use rules::{RuleFormat, RuleSource};

use super::legal::LegalBlock;
use crate::matching::bundle::Keyring;
use reader::{Reading, Table};

/// Everything the daemon is told by its configuration file.
#[derive(Clone, PartialEq, Debug)]
pub struct Config {
    /// `[sensor]`: who is speaking.
    pub sensor: SensorConfig,
    /// `[legal]`: the ground on which traffic is inspected. Required.
    pub legal: LegalBlock,
    /// `[capture]`: where packets come from.
    pub capture: CaptureConfig,
    /// `[dnstap]`: where resolvers tell what they are asked. Off unless it is in the file.
    pub dnstap: Option<DnstapConfig>,
    /// `[prefilter]`: what the kernel keeps from the workers.
    pub prefilter: PrefilterConfig,
    /// `[[rules]]`: the lists, at least one unless there is a bundle.
    pub rules: Vec<RuleSource>,
    /// `[[bundles]]`: signed rule sets.
    pub bundles: Vec<BundleSource>,
    /// `[[trusted_keys]]` and `[[revoked_keys]]`: who may sign them, and who may not.
    pub keys: Keyring,
    /// `[networks]`: whose addresses are whose.
    pub networks: NetworksConfig,
    /// `[findings]`: how visits are gathered into findings.
    pub findings: FindingsConfig,
    /// `[output.…]`: where events go.
    pub output: OutputConfig,
    /// `[http]`: metrics, health and status.
    pub http: HttpConfig,
    /// `[limits]`: the sizes of everything that could grow.
    pub limits: LimitsConfig,
    /// `[log]`: what is logged, and how.
    pub log: LogConfig,
}

/// A configuration as far as it could be read: fields that are wrong have their defaults, and the problems say so.
pub(super) struct Draft<'t> {
    sections: Sections,
    /// Octet offset of each field that is in the file, by its path, such as `rules[2].path`.
    spots: BTreeMap<String, usize>,
    /// The lines that are not valid TOML.
    broken_lines: BTreeSet<usize>,
    /// What is wrong so far.
    pub(in crate::control) problems: Problems<'t>,
    /// The fields that exist, such as `rules[].path`.
    #[cfg(test)]
    known: BTreeSet<String>,
}

/// [`Config`] with `legal` still in doubt.
pub(super) struct Sections {
    pub(super) sensor: SensorConfig,
    pub(super) legal: Option<LegalBlock>,
    pub(super) capture: CaptureConfig,
    pub(super) dnstap: Option<DnstapConfig>,
    pub(super) prefilter: PrefilterConfig,
    pub(super) rules: Vec<RuleSource>,
    pub(super) bundles: Vec<BundleSource>,
    pub(super) keys: Keyring,
    pub(super) networks: NetworksConfig,
    pub(super) findings: FindingsConfig,
    pub(super) output: OutputConfig,
    pub(super) http: HttpConfig,
    pub(super) limits: LimitsConfig,
    pub(super) log: LogConfig,
}

impl<'t> Draft<'t> {
    /// Reads `text`; relative paths in it start from the directory `base`.
    pub(super) fn read(text: &'t str, base: &Path) -> Draft<'t> {
        let mut problems = Problems::new(text);
        let mended = syntax::mend(text, &mut problems);
        let (root, _) = DeTable::parse_recoverable(&mended.text);
        let mut reading = Reading::new(&mended.text);
        let sections = reading.document(root.get_ref(), |t| Sections::read(t, base));
        let broken_lines = problems.lines();
        problems.absorb(reading.problems, |at| mended.original(at), &broken_lines);
        Draft {
            sections,
            spots: reading.spots.into_iter().map(|(path, at)| (path, mended.original(at))).collect(),
            broken_lines,
            problems,
            #[cfg(test)]
            known: reading.known,
        }
    }

    /// What was read.
    pub(super) fn sections(&self) -> &Sections {
        &self.sections
    }

    /// Where to tell a problem of a field: at its value, or for the whole file if it is not there. `None` if its line
    /// has a syntax error, so that the value may be nonsense.
    pub(super) fn spot(&self, path: &str) -> Option<usize> {
        let at = self.spots.get(path).copied().unwrap_or(WHOLE_FILE);
        (at == WHOLE_FILE || !self.broken_lines.contains(&self.problems.place(at).0)).then_some(at)
    }

    /// The problems in the order of the file, and the configuration if none of them is an error.
    pub(super) fn finish(self) -> (Vec<Problem>, Option<Config>) {
        let problems = self.problems.into_sorted();
        let good = problems.iter().all(|p| p.severity != Severity::Error);
        let s = self.sections;
        let config = s.legal.filter(|_| good).map(|legal| Config {
            sensor: s.sensor,
            legal,
            capture: s.capture,
            dnstap: s.dnstap,
            prefilter: s.prefilter,
            rules: s.rules,
            bundles: s.bundles,
            keys: s.keys,
            networks: s.networks,
            findings: s.findings,
            output: s.output,
            http: s.http,
            limits: s.limits,
            log: s.log,
        });
        (problems, config)
    }
}

impl Sections {
    fn read(t: &mut Table<'_, '_>, base: &Path) -> Sections {
        let legal = legal::read(t);
        let scope = legal.as_ref().map(|legal| legal.scope);
        let has_dnstap = t.has("dnstap");
        Sections {
            sensor: SensorConfig::read(t),
            legal,
            capture: t.table("capture", |t| CaptureConfig::read(t, has_dnstap)),
            dnstap: t.table("dnstap", |t| DnstapConfig::read(t, base, scope)),
            prefilter: t.table("prefilter", PrefilterConfig::read),
            rules: rules::read(t, base),
            bundles: bundles::read(t, base),
            keys: bundles::read_keys(t),
            networks: t.table("networks", NetworksConfig::read),
            findings: t.table("findings", FindingsConfig::read),
            output: t.table("output", |t| OutputConfig::read(t, base)),
            http: t.table("http", HttpConfig::read),
            limits: t.table("limits", LimitsConfig::read),
            log: t.table("log", LogConfig::read),
        }
    }
}
