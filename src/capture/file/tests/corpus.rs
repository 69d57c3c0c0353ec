//! Real captures, where the corpus is there: as many packets of each file as its manifest says.

use super::FileReader;
use std::path::Path;

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
        let want: usize = columns[packets].parse().expect("a count");
        let counted = FileReader::open(&corpus.join("captures").join(columns[0])).and_then(|mut reader| {
            let mut n = 0;
            while reader.next_frame()?.is_some() {
                n += 1;
            }
            Ok((n, reader.damage().messages.clone()))
        });
        files += 1;
        match counted {
            Ok((n, _)) if n == want => {}
            other => wrong.push(format!("{}: {want} packets, read {other:?}", columns[0])),
        }
    }
    assert!(files > 1000, "only {files} files");
    assert!(wrong.is_empty(), "{} of {files}:\n{}", wrong.len(), wrong.join("\n"));
}
