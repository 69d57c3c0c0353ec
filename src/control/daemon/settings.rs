//! From the configuration's words to each layer's own settings.

use std::sync::Arc;
use std::time::Duration;

use jiff::ToSpan;
use jiff::tz::TimeZone;

use crate::capture::prefilter::{Prefilter, PrefilterSettings};
#[cfg(feature = "xdp")]
use crate::capture::ring::xdp::{Port, XdpConfig};
use crate::capture::ring::{Group, RingConfig, SocketPool};
use crate::capture::{InputConfig, LiveConfig};
use crate::control::config::{
    CaptureConfig, Config, DnstapConfig, EventFileConfig, LimitsConfig, NetworksConfig, SubscriberMode,
};
use crate::control::legal::LegalBlock;
use crate::export::FileConfig;
use crate::flow::Reading;
use crate::model::Timestamp;
use crate::pipeline::{DnstapReading, TcpSocketConfig, UnixSocketConfig};
use crate::record::{AggregateConfig, Networks, Role, SubscriberPolicy};
use crate::{decode, flow, pipeline};

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn octets(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Packet sockets kept for each worker, for interfaces that vanish and return when new ones may no longer be opened.
const SPARE_SOCKETS: usize = 8;

/// How each of an interface's workers reads it, the first one first.
pub(super) fn inputs(config: &CaptureConfig, interface: &str, prefilter: &Arc<Prefilter>) -> Vec<InputConfig> {
    let workers = config.workers as usize;
    let group = (workers > 1).then(|| Arc::new(Group::default()));
    // Whether capturing is permitted is told when the interface is opened.
    let sockets = Arc::new(SocketPool::with_spare(SPARE_SOCKETS * workers).unwrap_or_default());
    #[cfg(feature = "xdp")]
    let port = Arc::new(Port::new(config.workers));
    (0..workers)
        .map(|number| InputConfig {
            backend: config.backend,
            ring: RingConfig {
                live: live(config, interface),
                group: group.clone(),
                counts_interface_drops: number == 0,
                filter: prefilter.filter(interface),
                sockets: Arc::clone(&sockets),
            },
            first: number == 0,
            #[cfg(feature = "xdp")]
            xdp: XdpConfig {
                live: live(config, interface),
                port: Arc::clone(&port),
                queue: u32::try_from(number).unwrap_or(u32::MAX),
            },
        })
        .collect()
}

/// What the kernel keeps from the workers of each interface.
pub(super) fn prefilter(config: &Config) -> PrefilterSettings {
    let prefilter = &config.prefilter;
    PrefilterSettings {
        choice: prefilter.mode,
        profile: prefilter.profile,
        dns_ports: config.capture.dns_ports.clone(),
        tcp_ports: prefilter.tcp_ports.clone(),
        flows: prefilter.flows,
        stream_octets: u32::try_from(prefilter.stream_budget.bytes()).unwrap_or(u32::MAX),
        reply_octets: u32::try_from(prefilter.reply_budget.bytes()).unwrap_or(u32::MAX),
        snaplen: config.capture.snaplen,
    }
}

fn live(config: &CaptureConfig, interface: &str) -> LiveConfig {
    LiveConfig {
        interface: interface.to_owned(),
        snaplen: config.snaplen,
        buffer_bytes: u32::try_from(config.buffer.bytes()).unwrap_or(u32::MAX),
        timeout: config.timeout.duration(),
        promiscuous: config.promiscuous,
    }
}

pub(super) fn reading(config: &Config) -> Reading {
    Reading { scope: config.legal.scope, dns_ports: config.capture.dns_ports.clone() }
}

pub(super) fn dnstap(config: &DnstapConfig) -> pipeline::DnstapConfig {
    let unix = config.socket.as_ref().map(|path| UnixSocketConfig {
        path: path.clone(),
        mode: config.socket_mode,
        group: config.socket_group.clone(),
    });
    pipeline::DnstapConfig {
        unix,
        tcp: config.listen.map(|listen| TcpSocketConfig { listen, allow: config.allow.clone() }),
        max_connections: config.max_connections as usize,
        max_frame: octets(config.max_frame.bytes()),
    }
}

pub(super) fn dnstap_reading(config: &Config, dnstap: &DnstapConfig) -> DnstapReading {
    DnstapReading::new(config.legal.scope, &dnstap.message_types, &dnstap.protocols)
}

pub(super) fn limits(config: &LimitsConfig) -> pipeline::Limits {
    pipeline::Limits {
        decode: decode::Limits {
            max_bytes: octets(config.fragment_memory.bytes()),
            timeout_ns: nanos(config.fragment_timeout.duration()),
            ..decode::Limits::default()
        },
        flow: flow::Limits {
            flows: config.flows as usize,
            flow_idle_ns: nanos(config.flow_timeout.duration()),
            stream_octets: octets(config.stream_memory.bytes()),
            ..flow::Limits::default()
        },
    }
}

pub(super) fn aggregate(config: &Config) -> AggregateConfig {
    AggregateConfig {
        sensor: Arc::from(config.sensor.name.as_str()),
        window: nanos(config.findings.window.duration()),
        update_interval: nanos(config.findings.update_interval.duration()),
        max_open: config.findings.max_open as usize,
        max_names_per_rule: config.findings.max_names_per_rule as usize,
        ..AggregateConfig::default()
    }
}

pub(super) fn policy(config: &Config) -> SubscriberPolicy {
    match config.findings.subscriber {
        SubscriberMode::None => SubscriberPolicy::None,
        SubscriberMode::Pseudonym => SubscriberPolicy::Pseudonym,
    }
}

pub(super) fn networks(config: &NetworksConfig) -> Networks {
    let lists = [
        (Role::Subscriber, &config.subscribers),
        (Role::Resolver, &config.resolvers),
        (Role::Cgnat, &config.cgnat),
        (Role::Forwarder, &config.forwarders),
    ];
    Networks::new(lists.into_iter().flat_map(|(role, ranges)| ranges.iter().map(move |range| (role, *range))))
}

pub(super) fn event_file(config: &EventFileConfig) -> FileConfig {
    FileConfig {
        path: config.path.clone(),
        max_bytes: Some(config.rotate_size.bytes()),
        max_age: Some(config.rotate_age.duration()),
        keep: config.keep as usize,
    }
}

/// The moment from which the review is overdue: the end of its day where the sensor stands.
pub(super) fn review_due(legal: &LegalBlock) -> Timestamp {
    let due = legal.review_date.checked_add(1.day()).unwrap_or(legal.review_date);
    let seconds = due.at(0, 0, 0, 0).to_zoned_datetime(TimeZone::system()).map_or(0, |z| z.timestamp().as_second());
    Timestamp::from_parts(u64::try_from(seconds).unwrap_or(0), 0)
}
