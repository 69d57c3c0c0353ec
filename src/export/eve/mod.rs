//! Findings as alerts in Suricata's EVE JSON, which most SIEMs parse already. One alert a finding, when it is opened.
//!
//! EVE is about flows and wants `src_ip`; a finding has no subscriber's address, so there is none. `dest_ip` is there
//! where the site's own address is known. `docs/event-schema.md` lists the fields.

use std::net::IpAddr;

use serde::Serialize;

use super::{FileConfig, LineSink, SinkError};
use crate::model::{Kind, Proto, Timestamp};
use crate::record::{Event, EventKind};

/// Signature number of the alert for DNS; TLS, QUIC and HTTP follow. From the range that is free for local use
/// (1,000,000 to 1,999,999 by the Snort and Suricata convention).
pub const SIGNATURE_BASE: u32 = 1_795_001;

/// Opens the file, mending its last line if a crash tore it.
///
/// # Errors
/// If the file cannot be opened, locked or mended.
pub fn open(config: FileConfig) -> Result<LineSink, SinkError> {
    LineSink::open("eve", write_alert, config)
}

#[derive(Serialize)]
struct Alert<'a> {
    timestamp: String,
    flow_id: u64,
    event_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_ip: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proto: Option<&'a str>,
    app_proto: &'a str,
    host: &'a str,
    alert: Signature<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<Dns<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Sni<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quic: Option<Sni<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http: Option<Http<'a>>,
    stakeout: Own,
}

#[derive(Serialize)]
struct Signature<'a> {
    action: &'a str,
    gid: u32,
    signature_id: u32,
    rev: u32,
    signature: String,
    category: &'a str,
    severity: u32,
    metadata: Metadata<'a>,
}

/// Suricata's metadata: every value is an array of strings.
#[derive(Serialize)]
struct Metadata<'a> {
    list: [&'a str; 1],
    rule: [String; 1],
    /// The place whose verdict it is, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    jurisdiction: Option<[&'a str; 1]>,
}

#[derive(Serialize)]
struct Dns<'a> {
    version: u32,
    r#type: &'a str,
    rrname: &'a str,
}

#[derive(Serialize)]
struct Sni<'a> {
    sni: &'a str,
}

#[derive(Serialize)]
struct Http<'a> {
    hostname: &'a str,
}

/// The way back to the full events.
#[derive(Serialize)]
struct Own {
    event_id: String,
    finding_id: String,
    subscriber: Option<String>,
}

fn write_alert(event: &Event, to: &mut Vec<u8>) {
    if event.kind != EventKind::Opened {
        return;
    }
    let about = &*event.subject;
    let name = about.name.to_string();
    let name = name.as_str();
    let pattern = about.rule.pattern.to_string();
    let of = |proto| about.proto == proto;
    let alert = Alert {
        timestamp: timestamp(event.ts),
        flow_id: about.finding_id.counter(),
        event_type: "alert",
        dest_ip: event.servers.first().map(|s| s.ip()),
        proto: match about.proto {
            // DNS runs over both, and a finding does not say which.
            Proto::Dns => None,
            Proto::Tls | Proto::Http => Some("TCP"),
            Proto::Quic => Some("UDP"),
        },
        app_proto: about.proto.name(),
        host: &about.sensor,
        alert: Signature {
            action: "allowed",
            gid: 1,
            signature_id: SIGNATURE_BASE + about.proto as u32,
            rev: 1,
            signature: format!("STAKEOUT listed gambling name in {}", about.proto.name().to_ascii_uppercase()),
            category: "Illegal gambling site",
            severity: 2,
            metadata: Metadata {
                list: [&about.rule.list.name],
                rule: [pattern],
                jurisdiction: about.rule.jurisdiction.as_ref().map(|place| [place.as_str()]),
            },
        },
        dns: of(Proto::Dns).then(|| Dns {
            version: 2,
            r#type: if about.kind == Kind::Answer { "answer" } else { "query" },
            rrname: name,
        }),
        tls: of(Proto::Tls).then_some(Sni { sni: name }),
        quic: of(Proto::Quic).then_some(Sni { sni: name }),
        http: of(Proto::Http).then_some(Http { hostname: name }),
        stakeout: Own {
            event_id: event.event_id.to_string(),
            finding_id: about.finding_id.to_string(),
            subscriber: about.subscriber.map(|s| s.to_string()),
        },
    };
    // Every part serialises, and writing to a vector cannot fail.
    let _ = serde_json::to_writer(&mut *to, &alert);
    to.push(b'\n');
}

/// EVE's form of a time: `2026-11-24T09:46:35.123456+0000`.
fn timestamp(ts: Timestamp) -> String {
    let mut text = ts.to_string();
    text.truncate("2026-11-24T09:46:35.123456".len());
    text.push_str("+0000");
    text
}

#[cfg(test)]
mod tests;
