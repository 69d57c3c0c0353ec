//! The clients, and the visits that they make.

use std::process::Command;

use crate::common::Lab;
use crate::common::lab::RESOLVER;
use crate::common::namespace::Namespace;
use crate::common::process::run;

/// One question after another, each asked once; arguments as for `dig`, which say to which server it goes.
pub(crate) fn dig(from: &Namespace, arguments: &[&str]) -> String {
    let mut dig = from.command(30, "dig");
    dig.args(["+tries=1", "+time=10"]).args(arguments);
    let output = run(&mut dig).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The same, to the provider's resolver.
pub(crate) fn ask(lab: &Lab, arguments: &[&str]) -> String {
    let server = format!("@{RESOLVER}");
    dig(&lab.client, &[&[server.as_str()], arguments].concat())
}

/// Fetches a page and returns it; the certificate is taken as it is.
pub(crate) fn curl(lab: &Lab, arguments: &[&str]) -> String {
    let mut curl = lab.client.command(40, "curl");
    curl.args(["--silent", "--show-error", "--insecure", "--max-time", "30"]).args(arguments);
    let output = run(&mut curl).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Chromium loads a page with everything in it; `arguments` are added to those that keep it still.
pub(crate) fn chromium(lab: &Lab, arguments: &[&str]) -> Result<String, String> {
    let home = tempfile::tempdir_in(lab.dir()).unwrap();
    let mut chromium: Command = lab.client.command(60, "chromium");
    chromium
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--dump-dom"])
        .arg(format!("--user-data-dir={}", home.path().join("profile").display()))
        .args(arguments)
        .env("HOME", home.path())
        .env("XDG_CONFIG_HOME", home.path())
        .env("XDG_CACHE_HOME", home.path());
    let output = run(&mut chromium)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
