//! Every event that the daemon logs, by name. The parameters are all that an event can say: none takes an address of a
//! subscriber or a name from traffic.
//!
//! Each carries a field `event` with a fixed name, so that a log search does not depend on the wording.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tracing::{error, info, warn};

/// The daemon is up: its configuration was accepted and its workers run.
pub fn started(version: &str, sensor: &str, interfaces: usize, rules: usize) {
    info!(event = "started", version, sensor, interfaces, rules, "started");
}

/// The daemon was told to stop.
pub fn stopping() {
    info!(event = "stopping", "stopping: writing what is still open");
}

/// A new rule set is in force.
pub fn rules_reloaded(generation: u64, lists: usize, rules: usize, took: Duration) {
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    info!(event = "rules_reloaded", generation, lists, rules, took_ms, "rules reloaded");
}

/// A rule file could not be used, so the rules of `generation` stay in force. `reason` names the file and line.
pub fn rules_kept(generation: u64, list: &str, reason: &str) {
    error!(event = "rules_kept", generation, list, reason, "rules not reloaded: the old ones stay in force");
}

/// A signed rule bundle is in force, at the start or newly; `key` is the operator's name for the key that signed it.
pub fn bundle_in_force(channel: &str, version: u64, expires: &str, key: &str) {
    info!(event = "bundle_in_force", channel, version, expires, key, "rule bundle in force");
}

/// A signed rule bundle was refused; `cause` is the word of the metric.
pub fn bundle_refused(channel: &str, file: &Path, cause: &str, reason: &str) {
    let file = file.display();
    error!(event = "bundle_refused", channel, %file, cause, reason, "rule bundle refused");
}

/// The file was refused at the start, so the copy of the bundle taken last is used.
pub fn bundle_copy_in_force(channel: &str, version: u64) {
    error!(
        event = "bundle_copy_in_force",
        channel,
        version,
        "starting with the copy of the rule bundle that was in force before: put a good one in its place"
    );
}

/// The bundle in force expires soon, or has expired: its rules stay in force all the same.
pub fn bundle_expires(channel: &str, version: u64, expires: &str, has_expired: bool) {
    if has_expired {
        error!(
            event = "bundle_expired",
            channel,
            version,
            expires,
            "the rule bundle in force has expired and stays in force: a newer one is overdue"
        );
    } else {
        warn!(event = "bundle_expires", channel, version, expires, "the rule bundle in force expires soon");
    }
}

/// The bundle in force was signed by a key that is retired by now: nothing will follow from that key.
pub fn bundle_key_retired(channel: &str, version: u64, key: &str) {
    warn!(
        event = "bundle_key_retired",
        channel, version, key, "the rule bundle in force is signed by a retired key: have it signed by another"
    );
}

/// A reload was asked for, and the configuration file has changed: that takes effect at the next start only.
pub fn config_not_taken_up(file: &Path) {
    let file = file.display();
    warn!(
        event = "config_not_taken_up",
        %file,
        "the configuration file has changed since the start: a reload takes up rules and output files only; run `stakeout check`, \
         then restart"
    );
}

/// The review date in `[legal]` has passed.
pub fn review_overdue(review_date: &str) {
    warn!(
        event = "review_overdue",
        review_date, "the legal ground is due for review: confirm it and set a new legal.review_date"
    );
}

/// An interface cannot be read; it is tried again.
pub fn capture_down(interface: &str, worker: usize, reason: &str) {
    error!(event = "capture_down", interface, worker, reason, "interface lost: trying again");
}

/// An interface is being read, at the start or again.
pub fn capture_up(interface: &str, worker: usize) {
    info!(event = "capture_up", interface, worker, "reading interface");
}

/// An interface cannot be read any more by this process, whatever comes: the daemon stops, to be started again.
pub fn capture_stuck(interface: &str) {
    error!(
        event = "capture_stuck",
        interface,
        "the interface is there, but no packet socket is left for it and CAP_NET_RAW is lacking: stopping in good order with exit \
         code 4; the service manager must start this again"
    );
}

/// The ring cannot read an interface, so libpcap does.
pub fn capture_fallback(interface: &str, reason: &str) {
    warn!(
        event = "capture_fallback",
        interface, reason, "reading this interface through libpcap, not through the ring"
    );
}

/// A worker could not be bound to its processor; it runs wherever the kernel puts it.
pub fn worker_not_pinned(interface: &str, worker: usize, cpu: u32, reason: &str) {
    warn!(event = "worker_not_pinned", interface, worker, cpu, reason, "cannot bind the worker to its processor");
}

/// Resolvers can connect, at the start or again, to our own socket `at`.
pub fn dnstap_up(at: &str) {
    info!(event = "dnstap_up", at, "waiting for resolvers");
}

/// The socket for resolvers was removed and cannot be made again; that is tried every second.
pub fn dnstap_down(reason: &str) {
    error!(event = "dnstap_down", reason, "resolvers cannot connect: trying again");
}

/// A resolver's connection is over; `reason` is one of this program's words.
pub fn dnstap_ended(reason: &str) {
    warn!(event = "dnstap_ended", reason, "the connection of a resolver did not end well");
}

/// What the kernel keeps from the workers of an interface, and why it is not what was asked for.
pub fn prefilter_active(interface: &str, mode: &str, profile: &str, trouble: Option<&str>) {
    match trouble {
        None => info!(event = "prefilter_active", interface, mode, profile, "kernel prefilter"),
        Some(reason) => warn!(
            event = "prefilter_active",
            interface, mode, profile, reason, "kernel prefilter: another than the one wanted"
        ),
    }
}

/// Frames of an interface have a link type that is not read, so nothing can be found on it.
pub fn link_type_unread(interface: &str, link_type: &str) {
    error!(event = "link_type_unread", interface, link_type, "this link type is not read: its frames are skipped");
}

/// An output does not take events; they are held as far as there is room, and counted beyond that.
pub fn output_failed(output: &str, reason: &str) {
    error!(event = "output_failed", output, reason, "cannot write events: readiness is off until it works again");
}

/// The output takes events again.
pub fn output_recovered(output: &str) {
    info!(event = "output_recovered", output, "writing events again");
}

/// The HTTP server listens at our own address `at`.
pub fn http_listening(at: SocketAddr) {
    info!(event = "http_listening", %at, "HTTP is up");
}

/// The HTTP server cannot take connections for now (out of file descriptors, as a rule).
pub fn http_accept_failed(reason: &str) {
    warn!(event = "http_accept_failed", reason, "HTTP cannot take a connection: trying again in a second");
}

/// Change notices for `directory` are not to be had; its files are looked at every `poll` instead.
pub fn watch_degraded(directory: &Path, reason: &str, poll: Duration) {
    let (directory, poll_s) = (directory.display(), poll.as_secs());
    warn!(event = "watch_degraded", %directory, reason, poll_s, "no change notices for this directory: polling only");
}

/// The endpoint for pushed registers listens at our own address `at`.
pub fn push_listening(at: SocketAddr) {
    info!(event = "push_listening", %at, "waiting for pushed registers");
}

/// The endpoint cannot take connections for now (out of file descriptors, as a rule).
pub fn push_accept_failed(reason: &str) {
    warn!(event = "push_accept_failed", reason, "cannot take a push: trying again in a second");
}

/// A push of `source` was taken.
pub fn push_accepted(source: &str, bytes: u64) {
    info!(event = "push_accepted", source, bytes, "a register was pushed");
}

/// A push was refused; `source` is empty if the path is of none, `cause` is one of this program's words.
pub fn push_refused(source: &str, cause: &str) {
    warn!(event = "push_refused", source, cause, "a push was refused");
}
