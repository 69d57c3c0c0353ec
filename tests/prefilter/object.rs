//! The compiled eBPF programs that are committed are those of the sources beside them.

use std::path::PathBuf;
use std::process::Command;

/// The compiler's version with which the objects were made; another makes other code of the same source.
const CLANG: &str = "14.0.6";

#[test]
fn the_objects_are_those_of_the_sources() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let version = Command::new("clang").arg("--version").output();
    let said = version.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    if !said.contains(CLANG) {
        let found = said.lines().next().unwrap_or("none");
        crate::skip(&format!("needs clang {CLANG} to compile the eBPF programs again, and there is {found}"));
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (made, redirect) = (dir.path().join("prefilter.bpf.o"), dir.path().join("redirect.bpf.o"));
    // The same call as everybody's.
    let output = Command::new("make")
        .current_dir(&root)
        .args(["--no-print-directory", "bpf"])
        .args([format!("BPF_OBJECT={}", made.display()), format!("XDP_OBJECT={}", redirect.display())])
        .output()
        .expect("make");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for (made, committed) in
        [(made, "src/capture/prefilter/ebpf/prefilter.bpf.o"), (redirect, "src/capture/ring/xdp/redirect.bpf.o")]
    {
        let there = std::fs::read(root.join(committed)).expect("the object");
        assert!(std::fs::read(&made).expect("an object") == there, "run `make bpf` and commit {committed}");
    }
}
