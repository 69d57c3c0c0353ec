//! HTTP/1: requests to servers and to proxies, and tunnels through proxies.

use crate::model::{Kind, Proto};
use crate::traffic::flows::tls;
use crate::traffic::plan::{Plan, Subscriber, server_addr};
use crate::traffic::script::{Act, Bulk, Pause, Role};

/// The ways in which names are sent here.
pub(super) const WAYS: [&str; 7] = ["get", "keep-alive", "split", "late-host", "post", "absolute", "connect"];

/// How the request is made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Get,
    /// The line of the Host header is cut between two segments.
    Split,
    /// The Host header stands behind a cookie that fills the first segment.
    LateHost,
    /// The request has a body that looks like another request: its Host is none.
    Post,
    /// To a proxy, with the whole URI.
    Absolute,
    /// To a proxy, for a tunnel.
    Connect,
}

/// A subscriber asks the name's server, or a proxy, for a page.
pub(in super::super) fn visit(plan: &mut Plan<'_>, subscriber: Subscriber, name: &str, listed: bool) {
    let way = plan.rng.weighted(&[
        (50, Way::Get),
        (8, Way::Split),
        (6, Way::LateHost),
        (8, Way::Post),
        (14, Way::Absolute),
        (14, Way::Connect),
    ]);
    let proxied = matches!(way, Way::Absolute | Way::Connect);
    let port = match proxied {
        true => plan.rng.pick(&[3128, 8080]),
        false => plan.rng.weighted(&[(8, 80), (1, 8080), (1, 8000)]),
    };
    let server = if proxied { "proxy.example" } else { name };
    let leg = plan.leg(subscriber, server_addr(server, subscriber.v6), port);
    plan.tcp_open(leg);
    match way {
        Way::Connect => {
            let text =
                format!("CONNECT {name}:443 HTTP/1.1\r\nHost: {name}:443\r\nProxy-Connection: keep-alive\r\n\r\n");
            request(plan, leg, &text, None);
            note(plan, leg, "connect", name, listed);
            let agreed = plan.script.keep(b"HTTP/1.1 200 Connection established\r\n\r\n");
            plan.tcp_data(leg, false, Role::Control, Pause::Turn, agreed);
            tls::after_connect(plan, leg, name, listed);
            return;
        }
        Way::Absolute => {
            let text = format!(
                "GET http://{name}/index.html HTTP/1.1\r\nHost: {name}\r\nUser-Agent: invented/1.0\r\nAccept: */*\r\n\r\n"
            );
            request(plan, leg, &text, None);
            note(plan, leg, "absolute", name, listed);
        }
        Way::LateHost => {
            let cookie = "c00kie-".repeat(plan.path(leg).segment_room() / 7);
            let text = format!("GET / HTTP/1.1\r\nCookie: id={cookie}\r\nhost: {name}\r\n\r\n");
            request(plan, leg, &text, None);
            note(plan, leg, "late-host", name, listed);
        }
        Way::Post => {
            let inner = "GET /inner HTTP/1.1\r\nHost: not-a-visit.invalid\r\n\r\n";
            let text = format!(
                "POST /submit HTTP/1.1\r\nHost: {name}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{inner}",
                inner.len()
            );
            request(plan, leg, &text, None);
            note(plan, leg, "post", name, listed);
        }
        Way::Get | Way::Split => {
            let host = spelt(plan, name, port);
            let text = format!("GET /{:x} HTTP/1.1\r\n{host}\r\nAccept: text/html\r\n\r\n", plan.rng.below(1 << 20));
            // Within the name, wherever the header is.
            let cut =
                (way == Way::Split).then(|| text.find("\r\nAccept").unwrap_or(text.len() / 2) - name.len() / 2 - 1);
            request(plan, leg, &text, cut);
            note(plan, leg, if way == Way::Split { "split" } else { "get" }, name, listed);
        }
    }
    response(plan, leg);
    if plan.rng.chance(0.4) {
        again(plan, leg, name, listed, proxied);
        response(plan, leg);
    }
    plan.tcp_close(leg);
}

/// A second request on the same connection; through a proxy it may be for another site.
fn again(plan: &mut Plan<'_>, leg: u8, name: &str, listed: bool, proxied: bool) {
    let (mut second, mut second_listed) = (name.to_owned(), listed);
    if proxied {
        second_listed = plan.names.visit(plan.rng, &mut second);
    }
    let target = if proxied { format!("http://{second}/next") } else { "/next".to_owned() };
    request(plan, leg, &format!("GET {target} HTTP/1.1\r\nHost: {second}\r\nAccept: image/*\r\n\r\n"), None);
    note(plan, leg, "keep-alive", &second, second_listed);
}

/// The Host header as clients write it: the case of its name and the port vary.
fn spelt(plan: &mut Plan<'_>, name: &str, port: u16) -> String {
    let header = plan.rng.pick(&["Host: ", "Host: ", "host:", "HOST: "]);
    if port == 80 { format!("{header}{name}") } else { format!("{header}{name}:{port}") }
}

fn request(plan: &mut Plan<'_>, leg: u8, text: &str, cut: Option<usize>) {
    let span = plan.script.keep(text.as_bytes());
    match cut {
        Some(cut) => {
            let cut = span.start + cut as u32;
            plan.tcp_data(leg, true, Role::Name, Pause::Turn, span.start..cut);
            plan.tcp_data(leg, true, Role::Name, Pause::Turn, cut..span.end);
        }
        None => plan.tcp_send(leg, true, Role::Name, span),
    }
}

/// A response whose body has as many octets as its head says; nothing in profiles without such frames.
fn response(plan: &mut Plan<'_>, leg: u8) {
    if !plan.profile.is_whole() {
        return;
    }
    let frames = 1 + plan.bulk_frames() / 2;
    let len = frames as usize * plan.path(leg).segment_room();
    let head = format!(
        "HTTP/1.1 200 OK\r\nServer: invented\r\nContent-Type: application/octet-stream\r\nContent-Length: {len}\r\n\r\n"
    );
    let head = plan.script.keep(head.as_bytes());
    plan.tcp_data(leg, false, Role::Control, Pause::Turn, head);
    plan.script.step(leg, false, Role::Bulk, Pause::Turn, Act::Bulk { kind: Bulk::Body, frames });
}

fn note(plan: &mut Plan<'_>, leg: u8, how: &'static str, name: &str, listed: bool) {
    plan.script.note(leg, Proto::Http, Kind::Host, how, name, listed);
}
