//! `rules keygen`, `sign`, `verify`, `show` and `build --sign`: keys that are minisign's, bundles whole or not at all.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Files, Ran, run, stakeout};

const DESCRIPTION: &str = r#"channel = "national"
[lists.pl]
authority = "The Ministry"
jurisdictions = ["PL"]
legal_basis = "Gambling Act, article 15f"
reference = "order 7"
"#;

struct Case {
    files: Files,
    list: String,
    describe: String,
    secret: String,
    public: String,
    bundle: String,
}

fn case() -> Case {
    let files = Files::new();
    let path = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    let (secret, public, bundle) = (path("rules.key"), path("rules.pub"), path("national.stkbundle"));
    let ran = run(&["rules", "keygen", "--secret-key", &secret, "--public-key", &public, "--no-password"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let list = files.write("pl.txt", "casino.example\nbets.example\n");
    let describe = files.write("national.toml", DESCRIPTION);
    Case { files, list, describe, secret, public, bundle }
}

impl Case {
    fn build(&self, more: &[&str]) -> Ran {
        let named = format!("pl={}", self.list);
        let words = ["rules", "build", "--rules", &named, "--describe", &self.describe, "--out", &self.bundle];
        run(&[&words[..], &["--sign", &self.secret], more].concat())
    }

    fn verify(&self, key: &str) -> Ran {
        run(&["rules", "verify", &self.bundle, "--key", key])
    }

    fn path(&self, name: &str) -> String {
        self.files.path().join(name).to_str().unwrap().to_owned()
    }

    /// What is in the directory beside what the case put there.
    fn others(&self) -> Vec<PathBuf> {
        let known = [&self.list, &self.describe, &self.secret, &self.public, &self.bundle].map(PathBuf::from);
        let entries = fs::read_dir(self.files.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| !known.contains(path)).collect()
    }
}

#[test]
fn a_bundle_is_built_signed_verified_and_shown() {
    let c = case();
    let ran = c.build(&["--valid-for", "12h"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.starts_with("channel national version 1, 2 rules of 1 list, expires "), "{}", ran.out);
    assert_eq!(c.others(), [] as [PathBuf; 0], "nothing is left lying about");

    let good = c.verify(&c.public);
    assert_eq!((good.code, good.err.as_str()), (0, ""));
    assert!(good.out.contains("good: channel national version 1"), "{}", good.out);
    let line = fs::read_to_string(&c.public).unwrap().lines().last().unwrap().to_owned();
    assert_eq!(c.verify(&line).out, good.out);

    let shown = run(&["rules", "show", &c.bundle]);
    for words in ["nothing was verified", "list pl: block 2 rules in PL", "The Ministry", "order 7"] {
        assert!(shown.code == 0 && shown.out.contains(words), "{words}: {}", shown.out);
    }
    let json: serde_json::Value = serde_json::from_str(&run(&["rules", "show", "--json", &c.bundle]).out).unwrap();
    assert_eq!((&json["version"], &json["lists"][0]["rules"]), (&1.into(), &2.into()));
}

#[test]
fn the_next_bundle_has_the_next_version() {
    let c = case();
    assert_eq!((c.build(&[]).code, c.build(&[]).code), (0, 0));
    assert!(c.verify(&c.public).out.contains("version 2,"));
    let low = c.build(&["--bundle-version", "2"]);
    assert!(low.code == 2 && low.err.contains("version 2 already"), "{}", low.err);
    assert!(c.build(&["--bundle-version", "40"]).out.contains("version 40,"));
    fs::write(&c.bundle, "something else").unwrap();
    let ran = c.build(&[]);
    assert!(ran.code == 2 && ran.err.contains("--bundle-version"), "{}", ran.err);
    assert_eq!(fs::read(&c.bundle).unwrap(), b"something else");
    assert_eq!(c.build(&["--bundle-version", "41"]).code, 0);
}

#[test]
fn a_set_that_was_built_before_can_be_signed() {
    let c = case();
    let set = c.path("all.stkset");
    let build = ["rules", "build", "--out", &set, "--rules", &format!("pl={}", c.list)];
    let words = ["rules", "sign", &set, "--secret-key", &c.secret, "--channel", "national", "--out", &c.bundle];
    assert_eq!(run(&build).code, 0);
    let ran = run(&words);
    assert!(ran.code == 2 && ran.err.contains("list pl, which does not say on whose order"), "{}", ran.err);
    assert_eq!(run(&[&build[..], &["--describe", &c.describe]].concat()).code, 0);
    assert_eq!(run(&words).code, 0);
    assert_eq!(c.verify(&c.public).code, 0);
    // A list of text is no rule set, and a bundle is none either.
    for set in [&c.list, &c.bundle] {
        let words = ["rules", "sign", set, "--secret-key", &c.secret, "--channel", "national", "--out", &c.bundle];
        assert_eq!(run(&words).code, 2);
    }
    let ran = run(&["rules", "test", "--rules", &c.bundle, "casino.example"]);
    assert!(ran.code == 2 && ran.err.contains("a signed rule bundle, which stands under [[bundles]]"), "{}", ran.err);
}

#[test]
fn a_list_without_a_known_origin_is_not_signed() {
    let c = case();
    let without = |line: &str| DESCRIPTION.lines().filter(|l| !l.starts_with(line)).map(|l| format!("{l}\n")).collect();
    for (text, told) in [
        (without("authority"), "authority"),
        (without("legal_basis"), "legal_basis"),
        (without("reference"), "reference"),
        (DESCRIPTION.replace("order 7", " "), "`reference`"),
        (DESCRIPTION.replace("PL", "Poland"), "ISO 3166"),
        (DESCRIPTION.replace("[lists.pl]", "[lists.de]"), "describes the list \"de\""),
        ("channel = \"national\"\n[lists]\n".to_owned(), "who ordered the list \"pl\""),
        (DESCRIPTION.replace("national", "Nation!"), "channel"),
        (format!("{DESCRIPTION}colour = \"red\"\n"), "colour"),
    ] {
        fs::write(&c.describe, &text).unwrap();
        let ran = c.build(&[]);
        assert!(ran.code == 2 && ran.err.contains(told) && ran.err.contains("national.toml"), "{told}: {}", ran.err);
        assert!(!Path::new(&c.bundle).exists() && c.others().is_empty());
    }
}

#[test]
fn what_is_wrong_with_a_bundle_is_told() {
    let c = case();
    assert_eq!(c.build(&[]).code, 0);
    let other = (c.path("other.key"), c.path("other.pub"));
    let keygen = ["rules", "keygen", "--secret-key", &other.0, "--public-key", &other.1, "--no-password"];
    assert_eq!(run(&keygen).code, 0);
    let ran = c.verify(&other.1);
    assert!(ran.code == 1 && ran.err.contains("none of the trusted keys"), "{}", ran.err);
    let mut octets = fs::read(&c.bundle).unwrap();
    *octets.last_mut().unwrap() ^= 1;
    fs::write(&c.bundle, &octets).unwrap();
    let ran = c.verify(&c.public);
    assert!(ran.code == 1 && ran.err.contains("not what was signed"), "{}", ran.err);
    fs::remove_file(&c.bundle).unwrap();
    assert_eq!((c.verify(&c.public).code, run(&["rules", "show", &c.bundle]).code), (3, 3));
    assert_eq!(c.verify("/no/such/key").code, 3);
    assert_eq!(c.verify(&c.list).code, 2);
    assert_eq!(run(&["rules", "show", &c.list]).code, 1);
    // Expired between the signing and now.
    assert_eq!(c.build(&["--valid-for", "1s"]).code, 0);
    std::thread::sleep(Duration::from_millis(2_100));
    let ran = c.verify(&c.public);
    assert!(ran.code == 1 && ran.err.contains("expired at"), "{}", ran.err);
}

#[test]
fn secret_keys_are_guarded() {
    let c = case();
    let mode = |path: &str| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&c.secret), 0o600);
    assert_eq!(mode(&c.public) & 0o600, 0o600);
    let before = fs::read(&c.secret).unwrap();
    let ran = run(&["rules", "keygen", "--secret-key", &c.secret, "--public-key", "/dev/null", "--no-password"]);
    assert!(ran.code == 2 && ran.err.contains("no key is replaced"), "{}", ran.err);
    assert_eq!(fs::read(&c.secret).unwrap(), before);
    let ran =
        run(&["rules", "keygen", "--secret-key", &c.path("2.key"), "--public-key", &c.path("2.key"), "--no-password"]);
    assert!(ran.code == 2 && ran.err.contains("a file each") && !Path::new(&c.path("2.key")).exists(), "{}", ran.err);
    // Without a terminal and without a password in the environment there is none.
    let (secret, public) = (c.path("2.key"), c.path("2.pub"));
    let keygen = ["rules", "keygen", "--secret-key", &secret, "--public-key", &public];
    let ran = run(&keygen);
    assert!(ran.code == 2 && ran.err.contains("STAKEOUT_KEY_PASSWORD"), "{}", ran.err);
    let with = |password: &str, words: &[&str]| {
        let command = stakeout().args(words).env("STAKEOUT_KEY_PASSWORD", password).stdin(Stdio::null()).output();
        Ran::of(command.unwrap())
    };
    let ran = with("correct horse", &keygen);
    assert_eq!((ran.code, mode(&secret)), (0, 0o600), "{}", ran.err);
    let named = format!("pl={}", c.list);
    let words = ["rules", "build", "--rules", &named, "--describe", &c.describe, "--out", &c.bundle];
    let sign = [&words[..], &["--sign", &secret]].concat();
    let wrong = with("battery staple", &sign);
    assert!(wrong.code == 2 && wrong.err.contains("2.key"), "{}", wrong.err);
    assert_eq!(with("correct horse", &sign).code, 0);
    assert_eq!(c.verify(&public).code, 0);
    let secret_text = fs::read_to_string(&secret).unwrap();
    for ran in [&ran, &wrong] {
        let said = format!("{}{}", ran.out, ran.err);
        assert!(!said.contains("horse") && !said.contains("staple"), "{said}");
        assert!(!said.contains(secret_text.lines().nth(1).unwrap()), "{said}");
    }
}

/// Runs Debian's `minisign`, if it is there.
fn minisign(words: &[&str], dir: &Path) -> Option<bool> {
    let ran = Command::new("minisign").args(words).current_dir(dir).stdin(Stdio::null()).output();
    ran.ok().map(|output| output.status.success())
}

#[test]
fn minisign_verifies_ours_and_we_take_its_keys() {
    let c = case();
    if minisign(&["-v"], c.files.path()).is_none() {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "SKIPPED: the test of minisign needs minisign");
        return;
    }
    assert_eq!(c.build(&[]).code, 0);
    let manifest = c.path("m.json");
    assert_eq!(run(&["rules", "show", &c.bundle, "--manifest-out", &manifest]).code, 0);
    let verify = ["-V", "-q", "-p", &c.public, "-m", &manifest];
    assert_eq!(minisign(&verify, c.files.path()), Some(true));
    fs::write(&manifest, fs::read_to_string(&manifest).unwrap().replace("\"PL\"", "\"DE\"")).unwrap();
    assert_eq!(minisign(&verify, c.files.path()), Some(false));

    // -W: without a password.
    let (secret, public) = (c.path("theirs.key"), c.path("theirs.pub"));
    assert_eq!(minisign(&["-G", "-W", "-s", &secret, "-p", &public], c.files.path()), Some(true));
    let theirs = Case { secret, public, ..c };
    let ran = theirs.build(&[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(theirs.verify(&theirs.public).code, 0);
    // A key that was damaged signs nothing, though minisign leaves its checksum empty.
    let text = fs::read_to_string(&theirs.secret).unwrap();
    let line = text.lines().nth(1).unwrap();
    let damaged = format!("{}{}{}", &line[..90], if &line[90..91] == "A" { "B" } else { "A" }, &line[91..]);
    fs::write(&theirs.secret, text.replace(line, &damaged)).unwrap();
    let ran = theirs.build(&[]);
    assert!(ran.code == 2 && ran.err.contains("theirs.key"), "{}", ran.err);
    // One with a password, which is typed twice.
    let (secret, public) = (theirs.path("guarded.key"), theirs.path("guarded.pub"));
    fs::write(theirs.path("typed"), "correct horse\ncorrect horse\n").unwrap();
    let typed = fs::File::open(theirs.path("typed")).unwrap();
    let mut keygen = Command::new("minisign");
    keygen.args(["-G", "-s", &secret, "-p", &public]).stdin(typed).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(keygen.status().unwrap().success());
    let named = format!("pl={}", theirs.list);
    let mut sign = stakeout();
    sign.args(["rules", "build", "--rules", &named, "--describe", &theirs.describe, "--out", &theirs.bundle]);
    sign.args(["--sign", &secret]).env("STAKEOUT_KEY_PASSWORD", "correct horse").stdin(Stdio::null());
    let ran = Ran::of(sign.output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(theirs.verify(&public).code, 0);
    // And a key of ours signs with their program.
    let file = theirs.files.write("file", "anything");
    assert_eq!(
        run(&[
            "rules",
            "keygen",
            "--secret-key",
            &theirs.path("o.key"),
            "--public-key",
            &theirs.path("o.pub"),
            "--no-password"
        ])
        .code,
        0
    );
    assert_eq!(minisign(&["-S", "-s", &theirs.path("o.key"), "-m", &file], theirs.files.path()), Some(true));
    assert_eq!(minisign(&["-V", "-q", "-p", &theirs.path("o.pub"), "-m", &file], theirs.files.path()), Some(true));
}

#[test]
fn a_kill_never_leaves_a_broken_bundle() {
    let c = case();
    // Large enough that writing takes a while.
    fs::write(&c.list, (0..20_000).map(|n| format!("some-name-{n}.example\n")).collect::<String>()).unwrap();
    let kills: u32 = std::env::var("STAKEOUT_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    let named = format!("pl={}", c.list);
    let words = ["rules", "build", "--rules", &named, "--describe", &c.describe, "--out", &c.bundle];
    let started = std::time::Instant::now();
    assert_eq!(c.build(&[]).code, 0);
    let takes = started.elapsed().as_micros() as u64;
    let (mut state, mut last) = (7_u64, 1);
    for kill in 0..kills {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut child = stakeout()
            .args(words)
            .args(["--sign", &c.secret])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros((state >> 33) % (takes + takes / 4)));
        let _ = child.kill();
        child.wait().unwrap();
        let ran = c.verify(&c.public);
        assert_eq!(ran.code, 0, "after kill {kill}: {}", ran.err);
        let version = ran.out.split("version ").nth(1).unwrap().split(',').next().unwrap().parse::<u32>().unwrap();
        assert!(version == last || version == last + 1, "{last} to {version}");
        last = version;
        // What a killed process leaves is hidden, and no bundle.
        for left in c.others() {
            let name = left.file_name().unwrap().to_str().unwrap();
            assert!(name.starts_with('.') && name.contains(".national.stkbundle."), "{name}");
            fs::remove_file(left).unwrap();
        }
    }
}

/// What `check` says of a sensor with this bundle and these keys.
fn check(c: &Case, keys: &str) -> Ran {
    fs::create_dir_all(c.path("state")).unwrap();
    let config = format!(
        "[sensor]\njurisdictions = [\"PL\"]\n[legal]\nbasis = \"Gambling Act\"\nreference = \"Order 7\"\ncontact = \"noc@isp.test\"\nreview_date = 2999-01-01\n\
         scope = [\"dns\"]\n[capture]\ninterfaces = [\"lo\"]\n[output.events]\npath = \"events.jsonl\"\n\
         [[bundles]]\nchannel = \"national\"\npath = \"national.stkbundle\"\nstate = \"state\"\n{keys}"
    );
    run(&["check", "--config", &c.files.write("stakeout.toml", &config)])
}

#[test]
fn check_tells_what_keys_mean_before_the_daemon_starts() {
    let c = case();
    assert_eq!(c.build(&[]).code, 0);
    let public = fs::read_to_string(&c.public).unwrap();
    let line = public.lines().last().unwrap();
    let id = public.lines().next().unwrap().rsplit(' ').next().unwrap();
    let key = |places: &str, more: &str| {
        format!(
            "[[trusted_keys]]\nname = \"ours\"\nkey = \"{line}\"\nlists = [\"pl\"]\njurisdictions = [\"{places}\"]\n\
             actions = [\"block\"]\n{more}"
        )
    };
    let good = check(&c, &key("PL", ""));
    assert!(good.code == 0 && good.out.contains("good, 1 list with 2 rules"), "{}{}", good.out, good.err);
    // Out of its scope, retired, revoked, absent.
    let revoked = format!("[[revoked_keys]]\nid = \"{id}\"\nreason = \"stolen\"\n");
    for (keys, told) in [
        (key("DE", ""), "may not speak for the jurisdiction \"PL\""),
        (key("PL", "retired = true\n"), "ours, which is retired"),
        (key("PL", &revoked), "which is revoked (stolen)"),
        (String::new(), "there is no [[trusted_keys]]"),
    ] {
        let ran = check(&c, &keys);
        assert!(ran.code != 0 && ran.out.contains(told), "{told}: {}{}", ran.out, ran.err);
    }
}
