//! `[findings]`: how visits are gathered into findings.

use super::reader::Table;
use crate::control::units::Span;

/// What a finding says about the subscriber.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SubscriberMode {
    /// Nothing; distinct subscribers are counted by a sketch that holds no address.
    #[default]
    None,
    /// A pseudonym under a key that is replaced and destroyed every day.
    Pseudonym,
}

/// How visits are gathered into findings.
#[derive(Clone, PartialEq, Debug)]
pub struct FindingsConfig {
    /// Visits of the same kind within this time are one finding, 1s to 7d. Default `"1h"`.
    pub window: Span,
    /// A finding that goes on is told again at most this often, 1s to 7d and no longer than `window`. Default `"60s"`.
    pub update_interval: Span,
    /// Findings held open at once, 1000 to 10000000; beyond that the oldest are closed early. Default 100000.
    pub max_open: u32,
    /// Findings open at once for names below a listed one, by rule, 10 to 1000000; what is beyond is told under the
    /// listed name. Default 1000.
    pub max_names_per_rule: u32,
    /// `"none"` (default) or `"pseudonym"`. No setting records a subscriber's address.
    pub subscriber: SubscriberMode,
}

impl Default for FindingsConfig {
    fn default() -> Self {
        FindingsConfig {
            window: Span::hours(1),
            update_interval: Span::secs(60),
            max_open: 100_000,
            max_names_per_rule: 1_000,
            subscriber: SubscriberMode::None,
        }
    }
}

impl FindingsConfig {
    pub(super) fn read(t: &mut Table<'_, '_>) -> Self {
        let d = Self::default();
        let bounds = Span::secs(1)..=Span::days(7);
        let window = t.span("window", bounds.clone()).unwrap_or(d.window);
        // A window below the default interval shortens the interval that nobody set.
        let update_interval = t.span("update_interval", bounds).unwrap_or(d.update_interval.min(window));
        if update_interval > window {
            let message =
                format!("`findings.update_interval` ({update_interval}) is longer than the window ({window})");
            t.error_at("update_interval", message, "make it shorter than `findings.window`");
        }
        let modes = [("none", SubscriberMode::None), ("pseudonym", SubscriberMode::Pseudonym)];
        FindingsConfig {
            window,
            update_interval,
            max_open: t.number("max_open", 1_000..=10_000_000).unwrap_or(d.max_open),
            max_names_per_rule: t.number("max_names_per_rule", 10..=1_000_000).unwrap_or(d.max_names_per_rule),
            subscriber: t.choice("subscriber", &modes).unwrap_or_default(),
        }
    }
}
