//! The compiled eBPF program that is committed is that of the source beside it.

use std::path::PathBuf;
use std::process::Command;

/// The compiler's version with which `prefilter.bpf.o` was made; another makes other code of the same source.
const CLANG: &str = "14.0.6";

#[test]
fn the_object_is_that_of_the_source() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let version = Command::new("clang").arg("--version").output();
    let said = version.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_default();
    if !said.contains(CLANG) {
        let found = said.lines().next().unwrap_or("none");
        crate::skip(&format!("needs clang {CLANG} to compile the eBPF program again, and there is {found}"));
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let made = dir.path().join("prefilter.bpf.o");
    // The same call as everybody's.
    let output = Command::new("make")
        .current_dir(&root)
        .args(["--no-print-directory", "bpf", &format!("BPF_OBJECT={}", made.display())])
        .output()
        .expect("make");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let committed = std::fs::read(root.join("src/capture/prefilter/ebpf/prefilter.bpf.o")).expect("the object");
    assert!(std::fs::read(&made).expect("an object") == committed, "run `make bpf` and commit the object");
}
