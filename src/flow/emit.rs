//! From what an extractor read to an observation: picks the client's side, counts, and keeps back what is not a name.

use super::Context;
use super::reader::Source;
use crate::extract::{dns, http, tls};
use crate::model::{Counter, Counters, Detail, DomainName, Kind, Observation, ObservationSink, Proto};

/// A DNS message from `from.sender`: a query's client is its sender, an answer's its receiver.
pub(crate) fn dns_message<S: ObservationSink>(message: &[u8], from: &Source, cx: &mut Context<'_, S>) {
    dns_names(message, from, cx.dns_scratch, cx.counters, cx.sink);
}

/// The same where there are no flows: a resolver hands over whole messages.
pub(crate) fn dns_names<S: ObservationSink>(
    message: &[u8],
    from: &Source,
    scratch: &mut dns::DnsScratch,
    counters: &mut Counters,
    sink: &mut S,
) {
    let parsed = match dns::parse(message, scratch) {
        Ok(parsed) => parsed,
        Err(error) => {
            counters.bump(error.counter());
            return;
        }
    };
    let (kind, client, server) = if parsed.is_response {
        (Kind::Answer, from.receiver, from.sender)
    } else {
        (Kind::Query, from.sender, from.receiver)
    };
    if parsed.answers_damaged {
        counters.bump(Counter::DnsAnswersDamaged);
    }
    counters.add(Counter::DnsOverLimit, u64::from(parsed.over_limit));
    let first = (parsed.qname, parsed.qtype);
    for (name, qtype) in std::iter::once(first).chain(parsed.more_questions.iter().map(|q| (&q.qname, q.qtype))) {
        if name.is_root() {
            continue;
        }
        counters.bump(Counter::NamesDns);
        sink.observe(&Observation {
            ts: from.ts,
            proto: Proto::Dns,
            kind,
            name,
            client,
            server,
            encap: from.encap,
            detail: Detail::Dns {
                qtype,
                rcode: parsed.rcode,
                cname: parsed.cnames,
                addrs: parsed.addrs,
                ech: parsed.ech,
            },
        });
    }
}

/// A ClientHello from `from.sender`. `version` is TLS's over TCP and QUIC's over QUIC.
pub(crate) fn hello<S: ObservationSink>(
    hello: &tls::ClientHello<'_>,
    proto: Proto,
    version: u32,
    from: &Source,
    cx: &mut Context<'_, S>,
) {
    match hello.read_name(cx.name_scratch) {
        Ok(()) => {
            cx.counters.bump(if proto == Proto::Quic { Counter::NamesQuic } else { Counter::NamesTls });
            cx.sink.observe(&Observation {
                ts: from.ts,
                proto,
                kind: Kind::Sni,
                name: cx.name_scratch,
                client: from.sender,
                server: from.receiver,
                encap: from.encap,
                detail: Detail::Hello { version, alpn: hello.alpn, ech: hello.ech },
            });
        }
        Err(tls::NoName::Absent) => cx.counters.bump(Counter::HellosWithoutSni),
        Err(tls::NoName::Bad) => cx.counters.bump(Counter::HellosBadSni),
        Err(tls::NoName::IpLiteral) => cx.counters.bump(Counter::HellosAddressSni),
    }
}

/// An HTTP/1 request head from `from.sender`.
pub(crate) fn request<S: ObservationSink>(head: &http::RequestHead<'_>, from: &Source, cx: &mut Context<'_, S>) {
    // An address is not a name, and may be a subscriber's.
    for name in [head.host, head.other_host].into_iter().flatten().filter_map(|h| h.name()) {
        host(&name, head.version, from, cx);
    }
}

fn host<S: ObservationSink>(name: &DomainName, version: u32, from: &Source, cx: &mut Context<'_, S>) {
    cx.counters.bump(Counter::NamesHttp);
    cx.sink.observe(&Observation {
        ts: from.ts,
        proto: Proto::Http,
        kind: Kind::Host,
        name,
        client: from.sender,
        server: from.receiver,
        encap: from.encap,
        detail: Detail::Http { version },
    });
}
