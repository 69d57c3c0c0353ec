//! Whole files through the reader: every variant, every way of being cut, and bytes that are no file at all.

mod build;
mod compressed;
mod corpus;
mod hostile;
mod pcap;
mod pcapng;

use super::{DamageReport, FileReader};
use crate::capture::CaptureError;
use std::io::{self, Cursor, Read};

/// A frame, owned, so that tests can compare.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Got {
    nanos: u64,
    linktype: u32,
    interface: u32,
    orig_len: u32,
    data: Vec<u8>,
}

fn drain(mut reader: FileReader) -> (Vec<Got>, DamageReport) {
    let mut got = Vec::new();
    while let Some(f) = reader.next_frame().expect("reads") {
        got.push(Got {
            nanos: f.ts.as_nanos(),
            linktype: f.linktype,
            interface: f.interface,
            orig_len: f.orig_len,
            data: f.data.to_vec(),
        });
    }
    assert!(reader.next_frame().expect("stays at the end").is_none());
    (got, reader.damage().clone())
}

fn open(bytes: &[u8]) -> Result<FileReader, CaptureError> {
    FileReader::from_reader(Cursor::new(bytes.to_vec()))
}

fn read(bytes: &[u8]) -> (Vec<Got>, DamageReport) {
    drain(open(bytes).expect("opens"))
}

/// All frames of a file that must be sound.
fn read_clean(bytes: &[u8]) -> Vec<Got> {
    let (got, damage) = read(bytes);
    assert!(damage.is_clean(), "{damage:?}");
    got
}

fn error(bytes: &[u8]) -> String {
    open(bytes).err().expect("must not open").to_string()
}

/// Gives one octet a call, as a slow pipe may, and is interrupted before each.
struct Dribble {
    bytes: Cursor<Vec<u8>>,
    interrupted: bool,
}

impl Dribble {
    fn new(bytes: &[u8]) -> Self {
        Dribble { bytes: Cursor::new(bytes.to_vec()), interrupted: false }
    }
}

impl Read for Dribble {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let n = buf.len().min(1);
        self.bytes.read(&mut buf[..n])
    }
}
