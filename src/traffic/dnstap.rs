//! A resolver's side of dnstap: the frames that it would send for a client's query and for the answer to it.
//!
//! For tests and benches, which push the octets through a socket, a file or the decoder itself. Fields come in the order
//! of their numbers and as the resolvers in use fill them.

use std::net::{IpAddr, SocketAddr};

use super::dns::{Message, Section, kind};
use crate::capture::dnstap::{CONTENT_TYPE, MessageType, SocketProtocol};
use crate::model::Timestamp;

/// A query and the answer to it.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// Who asks.
    pub client: SocketAddr,
    /// The resolver.
    pub server: SocketAddr,
    /// How the messages are carried.
    pub protocol: SocketProtocol,
    /// When the query comes; the answer goes out a millisecond later.
    pub ts: Timestamp,
    /// Whose address is asked for.
    pub name: &'a str,
}

/// READY, with which a sender begins that waits for answers.
pub fn ready(out: &mut Vec<u8>) {
    control(out, 4, Some(CONTENT_TYPE));
}

/// START.
pub fn start(out: &mut Vec<u8>) {
    control(out, 2, Some(CONTENT_TYPE));
}

/// STOP.
pub fn stop(out: &mut Vec<u8>) {
    control(out, 3, None);
}

/// Any control frame.
pub fn control(out: &mut Vec<u8>, number: u32, content_type: Option<&[u8]>) {
    let length = 4 + content_type.map_or(0, |c| 8 + c.len());
    for word in [0, length as u32, number] {
        out.extend_from_slice(&word.to_be_bytes());
    }
    if let Some(content_type) = content_type {
        for word in [1, content_type.len() as u32] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(content_type);
    }
}

/// Any data frame.
pub fn data(out: &mut Vec<u8>, payload: &[u8]) {
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    out.extend_from_slice(payload);
}

/// The data frame about the query.
pub fn query(out: &mut Vec<u8>, what: &Exchange<'_>) {
    data(out, &payload(what, MessageType::ClientQuery, &question(what.name)));
}

/// The data frame about the answer, which is one address.
pub fn response(out: &mut Vec<u8>, what: &Exchange<'_>) {
    data(out, &payload(what, MessageType::ClientResponse, &answer(what.name, 0)));
}

/// A query for the IPv4 address of `name`.
pub fn question(name: &str) -> Vec<u8> {
    let mut message = Vec::new();
    let mut query = Message::query(&mut message, 7);
    query.question(name, kind::A);
    query.edns(1232, &[]);
    message
}

/// The answer to it.
pub fn answer(name: &str, rcode: u16) -> Vec<u8> {
    let mut message = Vec::new();
    let mut response = Message::response(&mut message, 7, rcode, false);
    response.question(name, kind::A);
    if rcode == 0 {
        response.record(Section::Answer, name, kind::A, 300, &[192, 0, 2, 80]);
    }
    response.edns(1232, &[]);
    message
}

/// The protocol buffer of a data frame that holds `message`.
pub fn payload(what: &Exchange<'_>, about: MessageType, message: &[u8]) -> Vec<u8> {
    let mut inner = Vec::with_capacity(message.len() + 96);
    varint(&mut inner, 1, about as u64);
    varint(&mut inner, 2, if what.client.is_ipv4() { 1 } else { 2 });
    varint(&mut inner, 3, what.protocol as u64);
    bytes(&mut inner, 4, &octets(what.client.ip()));
    bytes(&mut inner, 5, &octets(what.server.ip()));
    varint(&mut inner, 6, what.client.port().into());
    varint(&mut inner, 7, what.server.port().into());
    time(&mut inner, 8, what.ts);
    if about.is_query() {
        bytes(&mut inner, 10, message);
    } else {
        time(&mut inner, 12, Timestamp::from_nanos(what.ts.as_nanos() + 1_000_000));
        bytes(&mut inner, 14, message);
    }
    let mut outer = Vec::with_capacity(inner.len() + 32);
    bytes(&mut outer, 1, b"resolver-1.example");
    bytes(&mut outer, 14, &inner);
    varint(&mut outer, 15, 1);
    outer
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(four) => four.octets().to_vec(),
        IpAddr::V6(six) => six.octets().to_vec(),
    }
}

/// Seconds in field `number`, nanoseconds in the next one.
fn time(out: &mut Vec<u8>, number: u64, ts: Timestamp) {
    varint(out, number, ts.as_nanos() / 1_000_000_000);
    push(out, (number + 1) << 3 | 5);
    out.extend_from_slice(&((ts.as_nanos() % 1_000_000_000) as u32).to_le_bytes());
}

/// A field of wire type 0.
pub fn varint(out: &mut Vec<u8>, number: u64, value: u64) {
    push(out, number << 3);
    push(out, value);
}

/// A field of wire type 2.
pub fn bytes(out: &mut Vec<u8>, number: u64, value: &[u8]) {
    push(out, number << 3 | 2);
    push(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn push(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
