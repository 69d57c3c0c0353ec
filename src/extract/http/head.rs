//! A request's head: its lines, and of those the few that say whose site it is for and where its body ends.

use super::body::{Body, Framing};
use super::error::HttpError;
use super::host::{Host, HostSource};
use super::probe::MAX_EMPTY_LINES;
use super::request_line::RequestLine;

/// The longest head that is read, in octets. Common servers accept 8 to 32 KiB, with large cookies in front of the Host.
pub const MAX_HEAD: usize = 64 * 1024;

/// A request's head.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestHead<'a> {
    /// Whose site the request is for: the target's authority if it has one, else the first Host field (RFC 9112
    /// section 3.3). May be an IP literal; see [`Host::name`].
    pub host: Option<Host<'a>>,
    /// A second host that the request names and that is not the same: a Host field against the target, or against an
    /// earlier Host field. Servers differ in which they serve.
    pub other_host: Option<Host<'a>>,
    /// Major times ten plus minor, as claimed: 10, 11, or anything else from a strange client; 9 without a version.
    pub version: u32,
    /// The method is CONNECT: what follows is another protocol, if the proxy agrees.
    pub is_connect: bool,
    /// There is an Upgrade field: what follows may be another protocol, if the server agrees.
    pub wants_upgrade: bool,
    /// Octets of the head, with the empty line at its end and any in front.
    pub head_len: usize,
    /// What follows the head.
    pub body: Body,
}

/// What the octets of a stream are so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Parsed<'a> {
    /// The start of a head.
    NeedMore,
    /// A whole head, and perhaps more behind it.
    Head(RequestHead<'a>),
    /// None that can be read.
    Reject(HttpError),
}

/// Finds the end of a head in a stream that grows, without looking at any octet twice.
///
/// One scanner serves one head: make a new one for the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadScanner {
    /// Where the line under way begins.
    line_start: usize,
    /// How far its end has been sought.
    searched: usize,
    /// Empty lines before the request line.
    empty_lines: usize,
    /// The request line has been passed.
    in_fields: bool,
}

impl HeadScanner {
    /// At the start of a head.
    pub const fn new() -> Self {
        HeadScanner { line_start: 0, searched: 0, empty_lines: 0, in_fields: false }
    }

    /// Looks at what has come since the last call. `stream` begins with the head's first octet every time, and has only
    /// grown in between.
    ///
    /// Lines may end in LF alone, and empty lines in front of the head are let through (RFC 9112 section 2.2).
    pub fn parse<'a>(&mut self, stream: &'a [u8]) -> Parsed<'a> {
        let bounded = stream.get(..MAX_HEAD).unwrap_or(stream);
        while let Some(newline) = memchr::memchr(b'\n', bounded.get(self.searched..).unwrap_or_default()) {
            let end = self.searched + newline;
            let line = without_cr(bounded.get(self.line_start..end).unwrap_or_default());
            self.line_start = end + 1;
            self.searched = end + 1;
            match (line.is_empty(), self.in_fields) {
                (true, true) => {
                    return match read(bounded.get(..=end).unwrap_or_default()) {
                        Some(head) => Parsed::Head(head),
                        None => Parsed::Reject(HttpError::NotHttp),
                    };
                }
                (true, false) if self.empty_lines == MAX_EMPTY_LINES => return Parsed::Reject(HttpError::NotHttp),
                (true, false) => self.empty_lines += 1,
                (false, true) => {}
                (false, false) if RequestLine::parse(line).is_none() => return Parsed::Reject(HttpError::NotHttp),
                (false, false) => self.in_fields = true,
            }
        }
        // Text that turns binary before its first line ends is given up at once, not after 64 KiB.
        let seen = std::mem::replace(&mut self.searched, bounded.len());
        let unseen = bounded.get(seen..).unwrap_or_default();
        if !self.in_fields && unseen.iter().any(|b| b.is_ascii_control() && !matches!(b, b'\t' | b'\r')) {
            return Parsed::Reject(HttpError::NotHttp);
        }
        if stream.len() >= MAX_HEAD { Parsed::Reject(HttpError::TooLong) } else { Parsed::NeedMore }
    }
}

/// Reads the head at the start of `stream` in one go; see [`HeadScanner`] for a stream that grows.
pub fn parse_head(stream: &[u8]) -> Parsed<'_> {
    HeadScanner::new().parse(stream)
}

/// What can be said of a head that will not be whole, because the stream ended or it is [`HttpError::TooLong`]: its
/// whole lines only, so that no host is cut short. `None` if not even the request line is whole. The body is unknown,
/// and `head_len` counts the whole lines.
pub fn partial_head(stream: &[u8]) -> Option<RequestHead<'_>> {
    let bounded = stream.get(..MAX_HEAD).unwrap_or(stream);
    let end = memchr::memrchr(b'\n', bounded)?;
    let head = read(bounded.get(..=end)?)?;
    Some(RequestHead { body: Body::Unknown, ..head })
}

/// Reads whole lines. `None` if the first that is not empty is no request line.
fn read(head: &[u8]) -> Option<RequestHead<'_>> {
    let mut lines = head.split_inclusive(|b| *b == b'\n').map(without_newline);
    let request = RequestLine::parse(lines.find(|line| !line.is_empty())?)?;
    let mut hosts = Hosts::default();
    if let Some((authority, source)) = request.authority() {
        hosts.add(authority, source);
    }
    let mut framing = Framing::default();
    let mut wants_upgrade = false;
    let mut field = Field::Other;
    for line in lines {
        if let [b' ' | b'\t', ..] = line {
            // A folded line continues the field before it (RFC 9112 section 5.2). A host lies on one line, be it the
            // first or a later one; a body's length should not be folded by anyone who means well.
            match field {
                Field::HostWithoutValue => {
                    if hosts.add(line, HostSource::HostHeader) {
                        field = Field::Other;
                    }
                }
                Field::Framing => framing.doubt(),
                Field::Other => {}
            }
            continue;
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            field = Field::Other;
            continue;
        };
        let (name, value) = line.split_at(colon);
        let (name, value) = (name.trim_ascii_end(), value.get(1..).unwrap_or_default().trim_ascii());
        field = Field::Other;
        if name.eq_ignore_ascii_case(b"host") {
            if !hosts.add(value, HostSource::HostHeader) {
                field = Field::HostWithoutValue;
            }
        } else if name.eq_ignore_ascii_case(b"content-length") {
            framing.content_length(value);
            field = Field::Framing;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            framing.transfer_encoding(value);
            field = Field::Framing;
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            wants_upgrade = true;
        }
    }
    Some(RequestHead {
        host: hosts.first,
        other_host: hosts.second,
        version: request.version,
        is_connect: request.is_connect(),
        wants_upgrade,
        head_len: head.len(),
        body: if request.is_connect() { Body::Tunnel } else { framing.body() },
    })
}

/// What a folded line would continue.
enum Field {
    HostWithoutValue,
    Framing,
    Other,
}

/// The first two hosts that differ.
#[derive(Default)]
struct Hosts<'a> {
    first: Option<Host<'a>>,
    second: Option<Host<'a>>,
}

impl<'a> Hosts<'a> {
    /// Takes the host in `authority`; tells whether there is one.
    fn add(&mut self, authority: &'a [u8], source: HostSource) -> bool {
        let Some(host) = Host::parse(authority, source) else { return false };
        match &self.first {
            None => self.first = Some(host),
            Some(first) if self.second.is_none() && !first.is_same(&host) => self.second = Some(host),
            Some(_) => {}
        }
        true
    }
}

fn without_newline(line: &[u8]) -> &[u8] {
    without_cr(line.strip_suffix(b"\n").unwrap_or(line))
}

fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
