//! Metrics of signed rule bundles: what is in force, until when, and what was refused and why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::table::{Samples, Table, counter, gauge};
use super::{control, locked};
use crate::matching::bundle::CAUSES;

/// The longest time before a bundle expires in which that is told.
const WARNED_BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The bundle of a channel that is in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BundleState {
    /// Its channel.
    pub channel: String,
    /// Its version.
    pub version: u64,
    /// The operator's name for the key that signed it.
    pub key: String,
    /// Whether that key is retired.
    pub is_key_retired: bool,
    /// When it was signed.
    pub created: Timestamp,
    /// From when on it should have been replaced.
    pub expires: Timestamp,
    /// Whether it is the sensor's own copy, because the file was refused at the start.
    pub is_copy: bool,
}

impl BundleState {
    /// Whether it expires within a week, or within the last quarter of its life if that is shorter; or has expired. One that is
    /// made anew every hour and good for a day is thus nothing to be alarmed about.
    pub fn expires_soon(&self, now: Timestamp) -> bool {
        let quarter = self.expires.duration_since(self.created) / 4;
        self.expires.duration_since(now) <= quarter.min(WARNED_BEFORE)
    }
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

pub(super) fn table(state: Arc<State>, control: Arc<control::State>) -> Result<Table, prometheus::Error> {
    let families = vec![
        gauge("bundle_version", &["channel"], "Version of the signed rule bundle in force."),
        gauge(
            "bundle_expiry_timestamp_seconds",
            &["channel"],
            "When the signed rule bundle in force expires, in seconds since the epoch.",
        ),
        gauge(
            "bundle_expires_soon",
            &["channel"],
            "Whether the signed rule bundle in force expires within a week or the last quarter of its life, or has.",
        ),
        gauge(
            "bundle_key_retired",
            &["channel"],
            "Whether the signed rule bundle in force was signed by a key that is retired by now.",
        ),
        gauge(
            "bundle_from_copy",
            &["channel"],
            "Whether the sensor's own copy of the bundle is in force, because the file was refused at the start.",
        ),
        counter("bundle_refusals_total", &["channel", "cause"], "Signed rule bundles that were refused, by cause."),
    ];
    Table::new(families, move |samples| {
        let now = Timestamp::from_nanosecond(control.lock().now.as_nanos().into()).unwrap_or(Timestamp::MAX);
        for (channel, known) in locked(&state.0).iter() {
            fill(channel, known, now, samples);
        }
    })
}

fn fill(channel: &str, known: &Channel, now: Timestamp, samples: &mut Samples) {
    if let Some(bundle) = &known.in_force {
        samples.add("bundle_version", &[channel], bundle.version);
        samples.add_float("bundle_expiry_timestamp_seconds", &[channel], bundle.expires.as_second() as f64);
        samples.add("bundle_expires_soon", &[channel], bundle.expires_soon(now).into());
        samples.add("bundle_key_retired", &[channel], bundle.is_key_retired.into());
        samples.add("bundle_from_copy", &[channel], bundle.is_copy.into());
    }
    for (cause, n) in CAUSES.iter().zip(known.refusals) {
        samples.add("bundle_refusals_total", &[channel, cause], n);
    }
}
