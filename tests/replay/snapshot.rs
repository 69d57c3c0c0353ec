//! One small capture's names as they were once looked at and found good. A change of the output shows here first.
//!
//! `STAKEOUT_BLESS=1 cargo test --test replay snapshot` writes the file anew; look at the difference before you commit it.

use std::path::Path;

use stakeout::traffic::Profile;

use super::{output_of, pcap, text, traffic};

#[test]
fn the_names_of_a_small_capture() {
    let dir = tempfile::tempdir().unwrap();
    let (frames, _) = traffic(Profile::names().frames(250).listed_share(0.2), 7);
    let capture = dir.path().join("small.pcap");
    std::fs::write(&capture, pcap(&frames)).unwrap();
    let said = output_of(&["observe", text(&capture)]);

    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/replay/small.observed.jsonl");
    if std::env::var_os("STAKEOUT_BLESS").is_some() {
        std::fs::write(&kept, &said).unwrap();
    }
    let kept = std::fs::read_to_string(&kept).unwrap();
    for (line, (said, kept)) in said.lines().zip(kept.lines()).enumerate() {
        assert_eq!(said, kept, "line {}", line + 1);
    }
    assert_eq!(said.lines().count(), kept.lines().count());
}
