//! What a test needs of the machine, and the word that is said where it is missing.

use std::env;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Says that a test is skipped. Not through `eprintln!`, which the test runner swallows when a test passes.
pub(crate) fn skip(reason: &str) {
    let thread = std::thread::current();
    // In one piece, since tests run side by side.
    let text = format!("SKIPPED: {}: {reason}\n", thread.name().unwrap_or("a test"));
    // If standard error is closed there is nobody to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Whether the tool is in the search path.
pub(crate) fn has(tool: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(tool).is_file())
}

/// What is missing of these tools, and of root, in words.
pub(crate) fn missing(tools: &[&str]) -> Option<String> {
    if !Path::new("/proc/self").metadata().is_ok_and(|m| m.uid() == 0) {
        return Some("needs root, to make network namespaces".to_owned());
    }
    let missing: Vec<&str> = tools.iter().copied().filter(|tool| !has(tool)).collect();
    (!missing.is_empty()).then(|| format!("{} not installed; tools/setup.sh test does that", missing.join(", ")))
}
