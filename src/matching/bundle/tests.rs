//! What a reader of bundles takes and what it refuses: damage, forgery, keys without the right.

use std::io::Cursor;

use super::samples::{Key, Sample};
use super::*;
use crate::model::DomainName;

/// Octets of a good bundle, and the key that signed it.
fn good() -> (Vec<u8>, Key) {
    let (dir, key) = (tempfile::tempdir().unwrap(), Key::new());
    let path = Sample::default().write(dir.path(), "good", &key);
    (std::fs::read(path).unwrap(), key)
}

/// As a sensor does: up to the rule set.
fn take(octets: &[u8], keys: &[TrustedKey]) -> Result<u64, BundleError> {
    let mut verified = Sealed::read(Cursor::new(octets))?.verify(&ring(keys))?;
    Ok(verified.load()?.len())
}

fn ring(keys: &[TrustedKey]) -> Keyring {
    Keyring { trusted: keys.to_vec(), revoked: Vec::new() }
}

fn cause(octets: &[u8], keys: &[TrustedKey]) -> &'static str {
    let error = take(octets, keys).expect_err("refused");
    assert!(CAUSES.contains(&error.cause()) && error.to_string().len() > 20, "{error}");
    error.cause()
}

/// A bundle of these parts, whatever is wrong with them.
fn put(manifest: &[u8], signature: &str, payload: &[u8]) -> Vec<u8> {
    let mut octets = MAGIC.to_vec();
    for number in [VERSION, manifest.len() as u32, signature.len() as u32, 0] {
        octets.extend(number.to_le_bytes());
    }
    [&octets, manifest, signature.as_bytes(), payload].concat()
}

/// Manifest and payload of a good bundle.
fn parts(octets: &[u8]) -> (String, Vec<u8>) {
    let sealed = Sealed::read(Cursor::new(octets)).unwrap();
    let manifest = String::from_utf8(sealed.manifest_octets().to_vec()).unwrap();
    let at = HEADER + manifest.len() + sealed.signature().len();
    (manifest, octets[at..].to_vec())
}

#[test]
fn a_good_bundle_is_taken_and_says_what_it_is() {
    let (octets, key) = good();
    let keys = [Key::new().trusted("other", Scope::everything()), key.trusted("ours", Scope::everything())];
    let mut verified = Sealed::read(Cursor::new(&octets)).unwrap().verify(&ring(&keys)).unwrap();
    assert_eq!((verified.key.as_str(), verified.manifest.version, verified.manifest.rules()), ("ours", 7, 3));
    assert_eq!(verified.manifest.jurisdictions, ["PL"]);
    let set = verified.load().unwrap();
    let found = |name: &str| {
        let name = DomainName::from_text(name.as_bytes()).unwrap();
        set.lookup(&name).rule().map(|rule| rule.list().to_string())
    };
    assert_eq!(found("www.bets.example").as_deref(), Some("pl-block"));
    assert_eq!(found("help.casino.example").as_deref(), Some("pl-allow"));
    let mut copied = Vec::new();
    verified.copy_to(&mut copied).unwrap();
    assert!(copied == octets, "a copy is the same");
}

#[test]
fn a_bundle_that_is_cut_anywhere_is_refused() {
    let (octets, key) = good();
    let keys = [key.trusted("ours", Scope::everything())];
    assert!(take(&octets, &keys).is_ok());
    let head = octets.len() - parts(&octets).1.len();
    // Behind the head it is always the same check.
    let lengths = (0..head).step_by(7).chain(head - 3..head + 70).chain((head..octets.len()).step_by(41));
    for length in lengths.chain([octets.len() - 1]) {
        assert_eq!(cause(&octets[..length], &keys), "damaged", "{length} octets of {}", octets.len());
    }
    assert_eq!(cause(&[&octets[..], b"x"].concat(), &keys), "damaged");
}

#[test]
fn no_bit_can_change_unnoticed() {
    let (octets, key) = good();
    let keys = [key.trusted("ours", Scope::everything())];
    let head = octets.len() - parts(&octets).1.len();
    let mut state = 7_u64;
    let mut next = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    // Every octet of the head once, since there each means something of its own; and any place of the whole.
    let places: Vec<usize> = (0..head).chain((0..300).map(|_| next(octets.len()))).collect();
    for place in places {
        let mut octets = octets.clone();
        octets[place] ^= 1 << next(8);
        assert!(take(&octets, &keys).is_err(), "octet {place}, head {head}");
    }
}

#[test]
fn who_did_not_sign_is_told_from_who_may_not() {
    let (octets, key) = good();
    let (ours, other) = ([key.trusted("ours", Scope::everything())], Key::new());
    let (manifest, payload) = parts(&octets);
    assert_eq!(cause(&octets, &[other.trusted("other", Scope::everything())]), "unknown-key");
    assert_eq!(cause(&octets, &[]), "unknown-key");
    assert_eq!(cause(&put(manifest.as_bytes(), &other.forge(&key, manifest.as_bytes()), &payload), &ours), "signature");
    assert_eq!(cause(&put(manifest.as_bytes(), "", &payload), &ours), "unsigned");
    assert_eq!(cause(&payload, &ours), "unsigned");
    // A good signature, of another manifest.
    let changed = manifest.replace("\"version\": 7", "\"version\": 8");
    assert_eq!(cause(&put(changed.as_bytes(), &key.sign(manifest.as_bytes()), &payload), &ours), "signature");
    // What is said of the key is what people can look up.
    let told = take(&octets, &[]).unwrap_err().to_string();
    assert!(told.contains(&key_id(&key.base64()).unwrap()), "{told}");
}

#[test]
fn other_things_are_refused_by_name() {
    let (octets, key) = good();
    let keys = [key.trusted("ours", Scope::everything())];
    assert_eq!(cause(b"casino.example\n", &keys), "damaged");
    assert_eq!(cause(b"", &keys), "damaged");
    let mut newer = octets.clone();
    newer[8] = 2;
    assert_eq!(cause(&newer, &keys), "format");
    for at in [12, 16] {
        let mut huge = octets.clone();
        huge[at..at + 4].copy_from_slice(&[0xff; 4]);
        assert_eq!(cause(&huge, &keys), "damaged");
    }
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Sealed::open(&dir.path().join("none")).unwrap_err().cause(), "unreadable");
    assert_eq!(Sealed::open(dir.path()).unwrap_err().cause(), "unreadable");
}

#[test]
fn a_manifest_is_read_strictly_even_when_it_is_signed() {
    let (octets, key) = good();
    let keys = [key.trusted("ours", Scope::everything())];
    let (manifest, payload) = parts(&octets);
    let with = |from: &str, to: &str| {
        let changed = manifest.replacen(from, to, 1);
        assert_ne!(changed, manifest, "{from}");
        put(changed.as_bytes(), &key.sign(changed.as_bytes()), &payload)
    };
    for (from, to) in [
        ("stakeout rule bundle", "something else"),
        ("\"format\": 1", "\"format\": 2"),
        ("\"channel\": \"national\"", "\"channel\": \"../up\""),
        ("\"channel\": \"national\"", "\"channel\": \"..\""),
        ("\"version\": 7", "\"version\": 0"),
        ("\"version\": 7", "\"version\": -7"),
        ("\"version\": 7", "\"version\": 7, \"version\": 8"),
        ("\"version\": 7", "\"version\": 7, \"more\": 8"),
        ("\"created\": \"2", "\"created\": \"9"),
        ("order 7", " "),
        ("order 7", "order \\u001b[2J7"),
        ("order 7", "order \u{202e}7"),
        ("\"PL\"", "\"DE\""),
        ("\"PL\"", "\"Poland\""),
        ("\"name\": \"pl-allow\"", "\"name\": \"pl-block\""),
        ("\"action\": \"block\"", "\"action\": \"BLOCK\""),
        ("{", "[["),
    ] {
        assert_eq!(cause(&with(from, to), &keys), "manifest", "{from} to {to}");
    }
    assert_eq!(cause(&put(&[b'['; 9_000], &key.sign(&[b'['; 9_000]), &payload), &keys), "manifest");
}

#[test]
fn the_rule_set_must_be_what_the_manifest_says() {
    let (octets, key) = good();
    let keys = [key.trusted("ours", Scope::everything())];
    let (manifest, payload) = parts(&octets);
    for (from, to) in [
        ("\"rules\": 2", "\"rules\": 3"),
        ("\"action\": \"block\"", "\"action\": \"allow\""),
        ("\"name\": \"pl-block\"", "\"name\": \"pl-other\""),
    ] {
        let changed = manifest.replacen(from, to, 1);
        assert_ne!(changed, manifest);
        let octets = put(changed.as_bytes(), &key.sign(changed.as_bytes()), &payload);
        assert_eq!(cause(&octets, &keys), "payload", "{from} to {to}");
    }
    let mut wrong = payload.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(cause(&put(manifest.as_bytes(), &key.sign(manifest.as_bytes()), &wrong), &keys), "damaged");
}

#[test]
fn a_key_speaks_only_for_its_scope() {
    let (octets, key) = good();
    let scoped = |lists: &[&str], places: &[&str], actions: &[&str]| {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let scope = Scope { lists: texts(lists), jurisdictions: texts(places), actions: texts(actions) };
        take(&octets, &[key.trusted("ours", scope)]).map_err(|error| error.to_string())
    };
    let both = ["block", "allow"];
    assert_eq!(scoped(&["pl-*"], &["PL"], &both), Ok(3));
    assert_eq!(scoped(&["pl-block", "pl-allow"], &["DE", "PL"], &both), Ok(3));
    for (lists, places, actions, what) in [
        (&["pl-block"][..], &["*"][..], &both[..], "the list \"pl-allow\""),
        (&["*"], &["DE"], &both, "the jurisdiction \"PL\""),
        (&["*"], &["PL-14"], &both, "the jurisdiction \"PL\""),
        (&["*"], &["P"], &both, "the jurisdiction \"PL\""),
        (&["*"], &["PL"], &["block"], "the action \"allow\""),
        (&[], &[], &[], "the list \"pl-block\""),
    ] {
        let told = scoped(lists, places, actions).unwrap_err();
        assert!(told.contains(what) && told.contains("ours"), "{told}");
    }
}

#[test]
fn an_exception_inside_a_list_that_blocks_needs_a_key_that_may_allow() {
    let (dir, key) = (tempfile::tempdir().unwrap(), Key::new());
    let lists = ["||casino.example^\n@@||help.casino.example^\n", "other.example\n"];
    let path = Sample { lists, ..Sample::default() }.write(dir.path(), "bundle", &key);
    let octets = std::fs::read(path).unwrap();
    let with = |actions: &[&str], lists: &[&str]| {
        let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let scope = Scope { actions: text(actions), lists: text(lists), ..Scope::everything() };
        take(&octets, &[key.trusted("ours", scope)]).map_err(|error| error.to_string())
    };
    let told = with(&["block"], &["*"]).unwrap_err();
    assert!(told.contains("the action \"allow\" (exceptions in the list \"pl-block\")"), "{told}");
    assert!(with(&["block", "allow"], &["*"]).is_ok());
}

#[test]
fn a_country_stands_for_its_parts() {
    let (dir, key) = (tempfile::tempdir().unwrap(), Key::new());
    let path = Sample { places: ["US-NJ", "PL"], ..Sample::default() }.write(dir.path(), "bundle", &key);
    let octets = std::fs::read(path).unwrap();
    let with = |places: &[&str]| {
        let jurisdictions = places.iter().map(|place| (*place).to_owned()).collect();
        take(&octets, &[key.trusted("ours", Scope { jurisdictions, ..Scope::everything() })]).is_ok()
    };
    assert!(with(&["PL", "US"]) && with(&["PL", "US-NJ"]) && with(&["*"]));
    assert!(with(&["pl", "us"]), "codes are read in any case, so they count in any");
    assert!(!with(&["PL", "US-NY"]) && !with(&["US"]) && !with(&["PL", "U"]));
}

#[test]
fn a_bundle_that_cannot_be_written_leaves_the_old_one() {
    let (dir, key) = (tempfile::tempdir().unwrap(), Key::new());
    let path = Sample::default().write(dir.path(), "bundle", &key);
    let before = std::fs::read(&path).unwrap();
    let (mut contents, manifest) = Sample { version: 8, ..Sample::default() }.parts(dir.path());
    // The set is written to after it was opened.
    std::fs::write(dir.path().join("sample.stkset"), vec![0; manifest.payload.length as usize]).unwrap();
    assert!(write(&path, &manifest, &key.sign(&manifest.to_octets()), &mut contents).is_err());
    assert!(std::fs::read(&path).unwrap() == before);
    let left = std::fs::read_dir(dir.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".new"));
    assert_eq!(left.count(), 0);
}
