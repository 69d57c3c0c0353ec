//! `stakeout observe`: every name in capture files, one JSON object a line.
//!
//! It reads files only. There is no command that prints the names of live traffic: that would be a list of what
//! people do, and this program is about sites.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::exit::Exit;
use super::input;
use super::rrtype;
use crate::flow::Reading;
use crate::model::{Detail, Observation, ObservationSink, Proto};
use crate::pipeline::{Limits, Worker};

const EXAMPLES: &str = r#"Fields of a line:
  ts             time of the packet that completed the message, RFC 3339 in UTC
  proto, kind    dns query or answer, tls sni, quic sni, http host
  name           lower case, without trailing dot or port; odd bytes as \DDD
  client         the side that asked or opened, whichever way the packet went
  server         the other side
  encap          what the packet was wrapped in, outermost first
  qtype          dns
  rcode, cname, addrs
                 dns answers; ech: true if an HTTPS or SVCB record offers it
  version        tls, quic, http
  alpn, ech      tls, quic

Examples:
  $ stakeout observe capture.pcapng | head
  $ stakeout observe day.pcap.zst | jq -r .name | sort | uniq -c | sort -rn
  $ ssh sensor cat capture.pcap.gz | stakeout observe -"#;

/// Print every name seen in capture files, one JSON object a line.
///
/// Reads pcap and pcapng, also compressed with gzip or zstd; `-` is standard input. It reads files only: no command
/// prints the names of live traffic.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ObserveArgs {
    /// Capture files; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &ObserveArgs) -> Exit {
    let mut lines = JsonLines::new(io::stdout().lock());
    let mut exit = Exit::Done;
    for file in &args.files {
        let mut worker = Worker::new(&Limits::default(), Reading::default());
        let mut unread = input::UnreadLinkTypes::default();
        exit = exit.or(input::replay(file, None, |frames| {
            worker.frames(frames.iter().inspect(|frame| unread.note(frame.linktype)), &mut lines);
            lines.is_open()
        }));
        worker.finish(&mut lines);
        exit = exit.or(input::report_link_types(file, unread.counts()));
    }
    exit.or(super::write_ended(lines.finish()))
}

/// Writes observations as JSON lines through one buffer.
struct JsonLines<W> {
    out: W,
    buffer: Vec<u8>,
    failed: Option<io::Error>,
}

impl<W: Write> JsonLines<W> {
    const FLUSH_AT: usize = 64 * 1024;

    fn new(out: W) -> Self {
        JsonLines { out, buffer: Vec::with_capacity(Self::FLUSH_AT + 8192), failed: None }
    }

    /// Whether anybody still reads.
    fn is_open(&self) -> bool {
        self.failed.is_none()
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(&self.buffer).err();
        }
        self.buffer.clear();
    }

    fn finish(mut self) -> io::Result<()> {
        self.flush();
        self.failed.map_or_else(|| self.out.flush(), Err)
    }
}

impl<W: Write> ObservationSink for JsonLines<W> {
    fn observe(&mut self, o: &Observation<'_>) {
        // Writing to a Vec cannot fail.
        let _ = write_line(&mut self.buffer, o);
        if self.buffer.len() >= Self::FLUSH_AT {
            self.flush();
        }
    }
}

fn write_line(out: &mut Vec<u8>, o: &Observation<'_>) -> io::Result<()> {
    write!(out, "{{\"ts\":\"{}\",\"proto\":\"{}\",\"kind\":\"{}\",\"name\":", o.ts, o.proto.name(), o.kind.name())?;
    string(out, o.name.to_string().as_bytes());
    write!(out, ",\"client\":\"{}\",\"server\":\"{}\"", o.client.in_clear(), o.server.in_clear())?;
    list(out, "encap", o.encap.as_slice(), |out, e| string(out, e.name().as_bytes()));
    match o.detail {
        Detail::Dns { qtype, rcode, cname, addrs, ech } => {
            write!(out, ",\"qtype\":\"{}\"", rrtype::TypeName(qtype))?;
            if o.kind == crate::model::Kind::Answer {
                write!(out, ",\"rcode\":\"{}\"", rrtype::RcodeName(rcode))?;
                list(out, "cname", cname, |out, n| string(out, n.to_string().as_bytes()));
                list(out, "addrs", addrs, |out, a| string(out, a.in_clear().to_string().as_bytes()));
                if ech {
                    out.extend_from_slice(b",\"ech\":true");
                }
            }
        }
        Detail::Hello { version, alpn, ech } => {
            let version = if o.proto == Proto::Quic { quic_version(version) } else { tls_version(version) };
            write!(out, ",\"version\":\"{version}\"")?;
            let mut rest = alpn;
            let protocols = std::iter::from_fn(|| {
                let (len, tail) = rest.split_first()?;
                let (protocol, tail) = tail.split_at_checked(usize::from(*len))?;
                rest = tail;
                Some(protocol)
            });
            list(out, "alpn", protocols, string);
            write!(out, ",\"ech\":{ech}")?;
        }
        Detail::Http { version } => write!(out, ",\"version\":\"{}.{}\"", version / 10, version % 10)?,
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

fn tls_version(version: u32) -> String {
    match version {
        0x0300 => "SSL 3.0".into(),
        0x0301 => "1.0".into(),
        0x0302 => "1.1".into(),
        0x0303 => "1.2".into(),
        0x0304 => "1.3".into(),
        other => format!("0x{other:04x}"),
    }
}

fn quic_version(version: u32) -> String {
    match version {
        1 => "v1".into(),
        0x6b33_43cf => "v2".into(),
        0xff00_0000..=0xff00_00ff => format!("draft-{:02}", version & 0xff),
        other => format!("0x{other:08x}"),
    }
}

fn list<T>(out: &mut Vec<u8>, field: &str, items: impl IntoIterator<Item = T>, write_item: impl Fn(&mut Vec<u8>, T)) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(field.as_bytes());
    out.extend_from_slice(b"\":[");
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_item(out, item);
    }
    out.push(b']');
}

/// A JSON string; bytes outside printable ASCII as `\DDD`, as in names.
fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &b in text {
        match b {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', b]),
            0x20..=0x7e => out.push(b),
            _ => out.extend_from_slice(format!("\\\\{b:03}").as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Addr, DomainName, Encap, EncapChain, Endpoint, Kind, Timestamp};

    fn line(o: &Observation<'_>) -> serde_json::Value {
        let mut lines = JsonLines::new(Vec::new());
        lines.observe(o);
        let text = String::from_utf8(lines.buffer.clone()).unwrap();
        assert!(text.ends_with("}\n"), "{text}");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn lines_are_json_with_the_documented_fields() {
        let mut name = DomainName::root();
        name.push_label(b"od\"d\\.\x01").unwrap();
        name.push_label(b"Example").unwrap();
        let mut encap = EncapChain::new();
        assert!(encap.push(Encap::Qinq) && encap.push(Encap::Vlan));
        let o = Observation {
            ts: Timestamp::from_parts(1_795_513_595, 42),
            proto: Proto::Dns,
            kind: Kind::Answer,
            name: &name,
            client: Endpoint::new(Addr::v6([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), 4000),
            server: Endpoint::new(Addr::v4([192, 0, 2, 1]), 53),
            encap,
            detail: Detail::Dns {
                qtype: 65,
                rcode: 3,
                cname: &[DomainName::from_text(b"cdn.example").unwrap()],
                addrs: &[Addr::v4([192, 0, 2, 9])],
                ech: false,
            },
        };
        assert_eq!(
            line(&o),
            serde_json::json!({
                "ts": "2026-11-24T09:46:35.000000042Z", "proto": "dns", "kind": "answer",
                "name": "od\"d\\092\\046\\001.example", "client": "[2001:db8::1]:4000", "server": "192.0.2.1:53",
                "encap": ["qinq", "vlan"], "qtype": "HTTPS", "rcode": "NXDOMAIN",
                "cname": ["cdn.example"], "addrs": ["192.0.2.9"],
            })
        );
        let hello = Observation {
            proto: Proto::Quic,
            kind: Kind::Sni,
            detail: Detail::Hello { version: 1, alpn: b"\x02h3\x03\xff\"x", ech: true },
            ..o
        };
        let shown = line(&hello);
        assert_eq!(shown["alpn"], serde_json::json!(["h3", "\\255\"x"]));
        assert_eq!((&shown["ech"], &shown["version"]), (&serde_json::json!(true), &serde_json::json!("v1")));
    }
}
