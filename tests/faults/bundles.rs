//! Signed rule bundles in a running daemon: whatever is put in the place of a good one, the old rules go on answering, also
//! after a restart and after a kill at any point of a swap.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::commands::stakeout;
use crate::lab::daemon::{Daemon, Settings};
use crate::lab::namespace::{inside, run_inside, send};
use crate::lab::packets::{A, Maker, query};

const DESCRIPTION: &str = r#"channel = "CHANNEL"
[lists.pl]
authority = "The Ministry"
jurisdictions = ["PL"]
legal_basis = "Gambling Act, article 15f"
reference = "order 7"
"#;

#[test]
fn a_refused_bundle_leaves_the_old_rules_answering() {
    run_inside("bundles::inside_refused");
}

#[test]
fn a_kill_during_a_swap_leaves_rules_to_start_with() {
    run_inside("bundles::inside_kills");
}

#[test]
fn keys_are_retired_and_revoked_at_a_restart() {
    run_inside("bundles::inside_keys");
}

/// A directory with keys, and a daemon's configuration that trusts two of them.
struct Case {
    dir: PathBuf,
}

impl Case {
    fn new(dir: &Path) -> Case {
        let case = Case { dir: dir.to_owned() };
        fs::create_dir(dir.join("state")).unwrap();
        for key in ["ours", "narrow", "strange"] {
            let (secret, public) = (format!("{key}.key"), format!("{key}.pub"));
            case.run(&["rules", "keygen", "--secret-key", &secret, "--public-key", &public, "--no-password"]);
        }
        case
    }

    fn run(&self, words: &[&str]) {
        let (code, _, err) = stakeout(&self.dir, words, None);
        assert_eq!(code, 0, "{words:?}: {err}");
    }

    fn settings(&self) -> Settings {
        self.settings_with(&format!("{}{}", self.trust("ours", "PL"), self.trust("narrow", "DE")))
    }

    /// A trusted key.
    fn trust(&self, name: &str, place: &str) -> String {
        let public = fs::read_to_string(self.dir.join(format!("{name}.pub"))).unwrap();
        format!(
            "[[trusted_keys]]\nname = \"{name}\"\nkey = \"{}\"\nlists = [\"pl\"]\njurisdictions = [\"{place}\"]\n\
             actions = [\"block\"]\n",
            public.lines().last().unwrap()
        )
    }

    /// A revoked one.
    fn revoke(&self, name: &str) -> String {
        let public = fs::read_to_string(self.dir.join(format!("{name}.pub"))).unwrap();
        let id = public.lines().next().unwrap().rsplit(' ').next().unwrap().to_owned();
        format!("[[revoked_keys]]\nid = \"{id}\"\nreason = \"stolen\"\n")
    }

    fn settings_with(&self, keys: &str) -> Settings {
        let sections =
            format!("[[bundles]]\nchannel = \"national\"\npath = \"national.stkbundle\"\nstate = \"state\"\n{keys}");
        Settings { sections, ..Settings::new(&self.dir) }
    }

    /// Makes a bundle and gives its octets.
    fn make(&self, version: u32, key: &str, channel: &str, valid: &str) -> Vec<u8> {
        self.make_of(version, key, channel, valid, "in-the-bundle.example\n")
    }

    fn make_of(&self, version: u32, key: &str, channel: &str, valid: &str, names: &str) -> Vec<u8> {
        fs::write(self.dir.join("pl.txt"), names).unwrap();
        fs::write(self.dir.join("describe.toml"), DESCRIPTION.replace("CHANNEL", channel)).unwrap();
        let (key, version) = (format!("{key}.key"), version.to_string());
        let out = ["--out", "made", "--bundle-version", &version, "--valid-for", valid];
        let words = ["rules", "build", "--rules", "pl=pl.txt", "--sign", &key, "--describe", "describe.toml"];
        self.run(&[&words[..], &out].concat());
        let octets = fs::read(self.dir.join("made")).unwrap();
        fs::remove_file(self.dir.join("made")).unwrap();
        octets
    }

    /// Puts a file in the daemon's way.
    fn put(&self, octets: &[u8]) {
        fs::write(self.dir.join("new"), octets).unwrap();
        fs::rename(self.dir.join("new"), self.dir.join("national.stkbundle")).unwrap();
    }
}

fn status(daemon: &Daemon) -> serde_json::Value {
    serde_json::from_str(&daemon.get("/status").expect("an answer to /status").1).unwrap()
}

const VERSION: &str = "stakeout_bundle_version";
const REFUSALS: &str = "stakeout_bundle_refusals_total";

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_refused() {
    if !inside() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let case = Case::new(temp.path());
    let expired = case.make(9, "ours", "national", "1s");
    let old = case.make(2, "ours", "national", "30d");
    let good = case.make(3, "ours", "national", "30d");
    case.put(&good);
    let config = case.settings().write(temp.path());
    let (code, out, err) = stakeout(temp.path(), &["check", "--config", "stakeout.toml"], None);
    assert!(code == 0 && out.contains("3 lists with 3 rules"), "{out}{err}");
    let mut daemon = Daemon::start(&config, temp.path());
    assert_eq!(daemon.metric(VERSION, "national"), 3.0);
    let expiry = daemon.metric("stakeout_bundle_expiry_timestamp_seconds", "national");
    assert!(expiry > 1.7e9, "{expiry}");
    assert_eq!(daemon.metric("stakeout_rule_set_rules", "list=\"pl\""), 1.0);

    // Past its time by now, however slow this machine is.
    std::thread::sleep(Duration::from_millis(1_100));
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let mut forged = case.make(9, "ours", "national", "30d");
    let place = forged.windows(7).position(|octets| octets == b"order 7").unwrap();
    forged[place + 6] = b'8';
    // The bare set that a bundle is made of.
    case.run(&["rules", "build", "--rules", "pl=pl.txt", "--out", "bare"]);
    let unsigned = fs::read(temp.path().join("bare")).unwrap();
    let refused = [
        ("damaged", good[..good.len() / 2].to_vec()),
        ("damaged", damaged),
        ("damaged", b"casino.example\n".to_vec()),
        ("signature", forged),
        ("unsigned", unsigned),
        ("unknown-key", case.make(9, "strange", "national", "30d")),
        ("scope", case.make(9, "narrow", "national", "30d")),
        ("channel", case.make(9, "ours", "other", "30d")),
        ("old", old),
        ("old", case.make(3, "ours", "national", "30d")),
        ("expired", expired),
    ];
    let (mut maker, mut port) = (Maker::default(), 2_000);
    let mut visit = || {
        port += 1;
        let (client, resolver) = (SocketAddr::from(([10, 0, 0, 7], port)), SocketAddr::from(([203, 0, 113, 53], 53)));
        maker.udp(client, resolver, &query(port, "www.in-the-bundle.example", A, None));
        send(&maker.frames[maker.frames.len() - 1..]);
    };
    let generation = daemon.metric("stakeout_rule_set_generation", "");
    for (cause, octets) in &refused {
        let label = format!("cause=\"{cause}\"");
        let before = daemon.metric(REFUSALS, &label);
        case.put(octets);
        daemon.signal("HUP");
        daemon.wait_for(cause, |d| d.metric(REFUSALS, &label) > before);
        assert_eq!(daemon.metric(VERSION, "national"), 3.0, "{cause}");
        assert_eq!(daemon.metric("stakeout_rule_set_generation", ""), generation, "{cause}");
        visit();
    }
    let rules = status(&daemon)["rules"].clone();
    let bundle = &rules["bundles"][0];
    assert_eq!((&bundle["version"], &bundle["key"]), (&3.into(), &"ours".into()), "{bundle}");
    assert!(bundle["refused"].as_str().unwrap().contains("expired at"), "{bundle}");
    assert!(rules["reload_error"].is_string());
    let log = daemon.log();
    for word in ["bundle_in_force", "bundle_refused", "rules_kept"] {
        assert!(log.contains(word), "{word}: {log}");
    }
    daemon.wait_for_packets(refused.len());

    // A restart with the bad file still there, then the next good one.
    assert!(daemon.stop().success(), "{}", daemon.log());
    let found = fs::read_to_string(temp.path().join("events.jsonl")).unwrap();
    let count = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok()?["count"].as_u64();
    let visits: u64 = found.lines().filter(|l| l.contains("\"closed\"")).filter_map(count).sum();
    assert_eq!(visits, refused.len() as u64, "{found}");
    let (code, out, _) = stakeout(temp.path(), &["check", "--config", "stakeout.toml"], None);
    assert!(code == 0 && out.contains("would start with its copy of version 3"), "{out}");
    let mut daemon = Daemon::start(&config, temp.path());
    assert_eq!((daemon.metric(VERSION, ""), daemon.metric("stakeout_bundle_from_copy", "")), (3.0, 1.0));
    assert!(daemon.log().contains("bundle_copy_in_force"), "{}", daemon.log());
    case.put(&case.make_of(4, "ours", "national", "30d", "a.example\nb.example\n"));
    daemon.signal("HUP");
    daemon.wait_for("version 4", |d| d.metric(VERSION, "") == 4.0);
    assert_eq!(daemon.metric("stakeout_bundle_from_copy", ""), 0.0);
    assert_eq!(daemon.metric("stakeout_rule_set_rules", "list=\"pl\""), 2.0);
    // It expires within a week's time only if it says so.
    assert!(!daemon.log().contains("bundle_expire"), "{}", daemon.log());
    let metric = |d: &Daemon, name: &str| d.metric(&format!("stakeout_bundle_{name}"), "");
    assert_eq!(metric(&daemon, "expires_soon"), 0.0);
    // In the last quarter of its time, and thereafter.
    case.put(&case.make(5, "ours", "national", "20s"));
    daemon.signal("HUP");
    daemon.wait_for("version 5", |d| d.metric(VERSION, "") == 5.0);
    daemon.wait_for("a word on the time", |d| d.log().contains("bundle_expire") && metric(d, "expires_soon") == 1.0);
    assert!(daemon.stop().success(), "{}", daemon.log());

    fs::write(temp.path().join("state/national.state"), "damaged").unwrap();
    let (code, _, err) = stakeout(temp.path(), &["run", "--config", "stakeout.toml"], None);
    assert!(code == 2 && err.contains("national.state is damaged"), "{code} {err}");
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_kills() {
    if !inside() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let case = Case::new(temp.path());
    let kills: u32 = std::env::var("STAKEOUT_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let names = |version: u32| (0..20_000).map(|n| format!("name-{n}-{version}.example\n")).collect::<String>();
    let bundle = |version: u32| case.make_of(version, "ours", "national", "30d", &names(version));
    case.put(&bundle(1));
    let config = case.settings().write(temp.path());
    let mut daemon = Daemon::start(&config, temp.path());
    let (mut state, mut taken) = (7_u64, 1.0);
    for version in 2..2 + kills {
        case.put(&bundle(version));
        daemon.signal("HUP");
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((state >> 33) % 80_000));
        // Kills it.
        drop(daemon);
        // Nothing but its own notes to start with.
        case.put(b"spoilt");
        daemon = Daemon::start(&config, temp.path());
        let now = daemon.metric(VERSION, "");
        assert!(now == taken || now == f64::from(version), "{taken} to {now}, bundle {version}");
        assert_eq!(daemon.metric("stakeout_rule_set_rules", "list=\"pl\""), 20_000.0);
        taken = now;
    }
    assert!(daemon.stop().success(), "{}", daemon.log());
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_keys() {
    if !inside() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let case = Case::new(temp.path());
    let (ours, next) = (case.trust("ours", "PL"), case.trust("strange", "PL"));
    let retired = "stakeout_bundle_key_retired";
    case.put(&case.make(3, "ours", "national", "30d"));
    let mut daemon = Daemon::start(&case.settings_with(&ours).write(temp.path()), temp.path());
    assert_eq!((daemon.metric(VERSION, ""), daemon.metric(retired, "")), (3.0, 0.0));
    assert!(daemon.stop().success(), "{}", daemon.log());

    // Retired before anything followed: the rules stay, and it is told.
    let config = case.settings_with(&format!("{ours}retired = true\n{next}")).write(temp.path());
    let mut daemon = Daemon::start(&config, temp.path());
    assert_eq!((daemon.metric(VERSION, ""), daemon.metric(retired, "")), (3.0, 1.0));
    daemon.wait_for("a word on the key", |d| d.log().contains("bundle_key_retired"));
    case.put(&case.make(4, "ours", "national", "30d"));
    daemon.signal("HUP");
    daemon.wait_for("the refusal", |d| d.metric(REFUSALS, "cause=\"retired\"") > 0.0);
    case.put(&case.make(4, "strange", "national", "30d"));
    daemon.signal("HUP");
    daemon.wait_for("version 4", |d| d.metric(VERSION, "") == 4.0);
    assert_eq!(daemon.metric(retired, ""), 0.0);
    assert!(daemon.stop().success(), "{}", daemon.log());

    // The second key is stolen, and revoked: neither file nor copy speaks for it, though it is still trusted.
    let config = case.settings_with(&format!("{ours}{next}{}", case.revoke("strange"))).write(temp.path());
    for command in ["check", "run"] {
        let (code, out, err) = stakeout(temp.path(), &[command, "--config", "stakeout.toml"], None);
        assert!(
            code != 0 && format!("{out}{err}").contains("which is revoked (stolen)"),
            "{command} {code} {out}{err}"
        );
    }
    // Whoever signs again goes on above what the others signed.
    case.put(&case.make(3, "ours", "national", "30d"));
    let (code, out, err) = stakeout(temp.path(), &["check", "--config", "stakeout.toml"], None);
    assert!(code != 0 && format!("{out}{err}").contains("version 3"), "{out}{err}");
    case.put(&case.make(5, "ours", "national", "30d"));
    let mut daemon = Daemon::start(&config, temp.path());
    assert_eq!((daemon.metric(VERSION, ""), daemon.metric("stakeout_bundle_from_copy", "")), (5.0, 0.0));
    assert!(daemon.stop().success(), "{}", daemon.log());
}
