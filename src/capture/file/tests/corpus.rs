//! Real captures, where the corpus is there: as many packets of each file as its manifest says.

// A test that skips says so.
#![allow(clippy::print_stderr)]

use super::FileReader;
use std::path::Path;

/// Where the manifest, made by tshark, counts otherwise, and what is right; `None` for a file that must be refused.
/// tshark counts a Custom Block as a packet (capinfos does not), and knows nothing of some link types that libpcap has.
const OTHERWISE: &[(&str, Option<usize>)] = &[
    ("gopacket__pcapgo__tests__be__test202.pcapng", Some(8)),
    ("gopacket__pcapgo__tests__le__test017.pcapng", Some(0)),
    ("gopacket__pcapgo__tests__le__test018.pcapng", Some(4)),
    ("gopacket__pcapgo__tests__le__test102.pcapng", Some(5)),
    ("gopacket__pcapgo__tests__le__test202.pcapng", Some(8)),
    ("libpcap__filter__brcm-tag-stp.pcap", Some(4)),
    ("libpcap__filter__brcm-tag.pcap", Some(15)),
    ("libpcap__pcap-invalid-version-1.pcap", None),
    ("tcpdump__dsa-high-vid.pcap", Some(4)),
    ("tcpdump__edsa.pcap", Some(10)),
    ("tcpdump__juniper_es_oobr.pcap", Some(1)),
    ("tcpdump__juniper_monitor_invalid_cookie_length.pcap", Some(1)),
    ("tcpdump__vtp_asan-2.pcap", Some(1)),
    // Of the five that tcpdump counts, the third is a record of zeros and two more follow from reading on in it.
    ("tcpdump__vtp_asan.pcap", Some(2)),
];

#[test]
fn packet_counts_of_the_corpus() {
    let base = std::env::var("CARGO_MANIFEST_DIR").expect("set by cargo");
    let corpus = Path::new(&base).join("../shared/corpus/dev");
    let Ok(manifest) = std::fs::read_to_string(corpus.join("MANIFEST.tsv")) else {
        eprintln!("SKIPPED: no corpus at {}", corpus.display());
        return;
    };
    let mut lines = manifest.lines();
    let header: Vec<&str> = lines.next().expect("a header").split('\t').collect();
    let packets = header.iter().position(|c| *c == "packets").expect("column");
    let (mut files, mut wrong) = (0, Vec::new());
    for line in lines {
        let columns: Vec<&str> = line.split('\t').collect();
        let manifest: usize = columns[packets].parse().expect("a count");
        let want = OTHERWISE.iter().find(|(file, _)| *file == columns[0]).map_or(Some(manifest), |(_, n)| *n);
        let counted = FileReader::open(&corpus.join("captures").join(columns[0])).and_then(|mut reader| {
            let mut n = 0;
            while reader.next_frame()?.is_some() {
                n += 1;
            }
            Ok((n, reader.damage().messages.clone()))
        });
        files += 1;
        match counted {
            Ok((n, _)) if Some(n) == want => {}
            Err(_) if want.is_none() => {}
            other => wrong.push(format!("{}: {want:?} packets, read {other:?}", columns[0])),
        }
    }
    assert!(files > 1000, "only {files} files");
    assert!(wrong.is_empty(), "{} of {files}:\n{}", wrong.len(), wrong.join("\n"));
}
