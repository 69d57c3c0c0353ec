//! What HTTP may see of the daemon.

use jiff::civil::Date;
use serde::Serialize;

use crate::control::legal::LegalBlock;
use crate::model::Action;

/// The daemon as HTTP sees it. Each method is called on the HTTP thread for each request, so it must be quick and must
/// not wait for a worker.
pub trait DaemonView: Send + Sync + 'static {
    /// All metrics in the Prometheus text format.
    fn metrics(&self) -> String;

    /// Which parts make no progress, in words; empty if all do. A restart may help.
    fn stalled(&self) -> Vec<String>;

    /// What does not work, in words (an interface that is gone, an output that takes no events); empty if all does. A
    /// restart will not help.
    fn unready(&self) -> Vec<String>;

    /// The answer to `/status`.
    fn status(&self) -> Status;
}

/// The answer to `/status`. Nothing in it comes from traffic.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Status {
    /// Version of the program.
    pub version: &'static str,
    /// `sensor.name`.
    pub sensor: String,
    /// When the daemon started, in RFC 3339.
    pub started: String,
    /// Seconds since then.
    pub uptime_seconds: u64,
    /// The legal ground.
    pub legal: LegalStatus,
    /// The rules in force.
    pub rules: RulesStatus,
    /// The interfaces.
    pub interfaces: Vec<InterfaceStatus>,
}

/// The legal ground, as the operator stated it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LegalStatus {
    /// The law.
    pub basis: String,
    /// The order or mandate.
    pub reference: String,
    /// Who answers for it.
    pub contact: String,
    /// As `2027-06-30`.
    pub review_date: String,
    /// Whether that day has passed.
    pub review_overdue: bool,
    /// The protocols that are inspected.
    pub scope: Vec<&'static str>,
}

impl LegalStatus {
    /// The block as it stands on the local date `today`.
    pub fn new(legal: &LegalBlock, today: Date) -> Self {
        LegalStatus {
            basis: legal.basis.clone(),
            reference: legal.reference.clone(),
            contact: legal.contact.clone(),
            review_date: legal.review_date.to_string(),
            review_overdue: legal.is_review_overdue(today),
            scope: legal.scope_names(),
        }
    }
}

/// The rule set in force.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct RulesStatus {
    /// Counts up with every rule set; 1 is the first.
    pub generation: u64,
    /// Distinct rules in all lists.
    pub rules: usize,
    /// Seconds since it was loaded.
    pub age_seconds: u64,
    /// Its lists.
    pub lists: Vec<ListStatus>,
    /// The signed bundles among them.
    pub bundles: Vec<BundleStatus>,
    /// Why the last reload was refused, if it was: list, file and line, and no listed name.
    pub reload_error: Option<String>,
}

/// One list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ListStatus {
    /// Its name in the configuration, or in its prebuilt rule set.
    pub list: String,
    /// `block` or `allow`.
    pub action: &'static str,
    /// Distinct rules in it.
    pub rules: usize,
}

impl ListStatus {
    /// All parts.
    pub fn new(list: impl Into<String>, action: Action, rules: usize) -> Self {
        ListStatus { list: list.into(), action: action.name(), rules }
    }
}

/// One channel of signed rule bundles.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct BundleStatus {
    /// Its channel.
    pub channel: String,
    /// Version in force.
    pub version: u64,
    /// When it expires, in RFC 3339.
    pub expires: String,
    /// The operator's name for the key that signed it.
    pub key: String,
    /// Whether that key is retired.
    pub key_retired: bool,
    /// Whether the sensor's own copy is in force.
    pub from_copy: bool,
    /// Why the file was refused when it was last looked at, if it was.
    pub refused: Option<String>,
}

/// One interface.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct InterfaceStatus {
    /// Its name.
    pub name: String,
    /// Whether packets can be read from it now.
    pub up: bool,
}
