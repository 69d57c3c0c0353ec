//! Which bundles a sensor takes after those that it took before.

use std::fs;

use jiff::SignedDuration;
use tempfile::TempDir;

use super::*;
use crate::matching::bundle::samples::{Key, Sample};
use crate::matching::bundle::{RevokedKey, Scope, key_id};

struct Sensor {
    dir: TempDir,
    key: Key,
    keys: Keyring,
    source: BundleSource,
}

impl Sensor {
    fn new() -> Sensor {
        let (dir, key) = (tempfile::tempdir().unwrap(), Key::new());
        let state = dir.path().join("state");
        fs::create_dir(&state).unwrap();
        let source = BundleSource { channel: "national".into(), path: dir.path().join("bundle"), state };
        let keys = Keyring { trusted: vec![key.trusted("ours", Scope::everything())], revoked: Vec::new() };
        Sensor { keys, dir, key, source }
    }

    fn put(&self, sample: &Sample) -> Vec<u8> {
        fs::read(sample.write(self.dir.path(), "bundle", &self.key)).unwrap()
    }

    fn version(&self, version: u64) -> Vec<u8> {
        self.put(&Sample { version, ..Sample::default() })
    }

    /// As a reload does; the version taken, or the cause.
    fn reload(&self) -> Result<u64, &'static str> {
        self.reload_at(Timestamp::now())
    }

    fn reload_at(&self, now: Timestamp) -> Result<u64, &'static str> {
        let mut candidate = examine(&self.source, &self.keys, now).map_err(|error| error.cause())?;
        let (source, set) = candidate.take_set().unwrap();
        assert_eq!((&*source.name, set.len()), ("national", candidate.manifest().rules()));
        candidate.note().map_err(|error| error.cause())?;
        Ok(candidate.manifest().version)
    }

    /// As the start does: the version, and the cause if it is the copy's.
    fn start(&self) -> Result<(u64, Option<&'static str>), &'static str> {
        match examine_at_start(&self.source, &self.keys, Timestamp::now()) {
            Ok(mut candidate) => {
                candidate.note().map_err(|error| error.cause())?;
                Ok((candidate.manifest().version, None))
            }
            Err(refused) => {
                let mut copy = refused.copy.map_err(|_| refused.error.cause())?;
                copy.note().map_err(|error| error.cause())?;
                assert!(copy.is_copy && copy.take_set().is_some());
                Ok((copy.manifest().version, Some(refused.error.cause())))
            }
        }
    }

    fn state(&self, end: &str) -> PathBuf {
        self.source.state.join(format!("national.{end}"))
    }
}

#[test]
fn versions_only_go_up() {
    let sensor = Sensor::new();
    let first = sensor.version(7);
    assert_eq!((sensor.reload(), sensor.reload()), (Ok(7), Ok(7)), "the same again is no error");
    sensor.version(9);
    assert_eq!(sensor.reload(), Ok(9));
    fs::write(&sensor.source.path, first).unwrap();
    assert_eq!(sensor.reload(), Err("old"), "a replay");
    assert_eq!(sensor.start(), Ok((9, Some("old"))), "nor after a restart, which goes on with what was in force");
    sensor.version(9);
    assert_eq!(sensor.reload(), Err("old"), "another bundle under the same number");
    sensor.version(10);
    assert_eq!(sensor.start(), Ok((10, None)));
}

#[test]
fn expired_bundles_are_not_taken_and_stay_in_force() {
    let sensor = Sensor::new();
    sensor.put(&Sample { expires: -1, ..Sample::default() });
    assert_eq!(sensor.reload(), Err("expired"));
    assert_eq!(sensor.start(), Err("expired"), "there is nothing to start with");
    sensor.version(8);
    assert_eq!(sensor.reload(), Ok(8));
    let late = Timestamp::now() + SignedDuration::from_hours(48);
    assert_eq!(sensor.reload_at(late), Ok(8), "it is the one in force");
    let newer = sensor.put(&Sample { version: 9, expires: -1, ..Sample::default() });
    assert_eq!(sensor.reload(), Err("expired"));
    assert_eq!(sensor.start(), Ok((8, Some("expired"))));
    // The copy that a sensor starts with may be past its time itself.
    fs::write(sensor.state("stkbundle"), newer).unwrap();
    assert_eq!(sensor.start(), Ok((9, Some("expired"))));
}

#[test]
fn whatever_is_wrong_with_the_file_a_start_has_rules() {
    let sensor = Sensor::new();
    let good = sensor.version(7);
    assert_eq!(sensor.start(), Ok((7, None)));
    for (content, cause) in
        [(&b""[..], "damaged"), (&good[..good.len() - 1], "damaged"), (b"casino.example\n", "damaged")]
    {
        fs::write(&sensor.source.path, content).unwrap();
        assert_eq!((sensor.reload(), sensor.start()), (Err(cause), Ok((7, Some(cause)))));
    }
    fs::remove_file(&sensor.source.path).unwrap();
    assert_eq!(sensor.start(), Ok((7, Some("unreadable"))));
    // Unless its copy is spoilt too.
    fs::write(sensor.state("stkbundle"), &good[..good.len() - 1]).unwrap();
    assert_eq!(sensor.start(), Err("unreadable"));
    // A good file mends the copy, though it is what was taken before.
    fs::write(&sensor.source.path, &good).unwrap();
    let mut rotten = good.clone();
    *rotten.last_mut().unwrap() ^= 1;
    for spoilt in [None, Some(&good[..good.len() - 1]), Some(&good[..9]), Some(&rotten)] {
        fs::remove_file(sensor.state("stkbundle")).unwrap();
        if let Some(octets) = spoilt {
            fs::write(sensor.state("stkbundle"), octets).unwrap();
        }
        assert_eq!(sensor.start(), Ok((7, None)));
        assert!(fs::read(sensor.state("stkbundle")).unwrap() == good);
    }
}

#[test]
fn a_damaged_note_refuses_rather_than_beginning_at_zero() {
    let sensor = Sensor::new();
    sensor.version(7);
    assert_eq!(sensor.start(), Ok((7, None)));
    let note = fs::read(sensor.state("state")).unwrap();
    for length in 0..note.len() {
        fs::write(sensor.state("state"), &note[..length]).unwrap();
        assert_eq!((sensor.reload(), sensor.start()), (Err("state"), Err("state")), "{length}");
    }
    for place in 0..note.len() {
        let mut changed = note.clone();
        changed[place] ^= 1;
        fs::write(sensor.state("state"), changed).unwrap();
        assert_eq!(sensor.reload(), Err("state"), "octet {place}");
    }
    let told = examine(&sensor.source, &sensor.keys, Timestamp::now()).unwrap_err().to_string();
    assert!(told.contains("national.state") && told.contains("remove that file"), "{told}");
    fs::remove_file(sensor.state("state")).unwrap();
    assert_eq!(sensor.reload(), Ok(7));
    assert_eq!(fs::read(sensor.state("state")).unwrap(), note);
}

#[test]
fn what_cannot_be_noted_is_not_taken() {
    let sensor = Sensor::new();
    sensor.version(7);
    assert_eq!(sensor.reload(), Ok(7));
    sensor.version(8);
    // Nobody can write a file where a directory is, root neither.
    fs::remove_file(sensor.state("stkbundle")).unwrap();
    fs::create_dir(sensor.state("stkbundle")).unwrap();
    assert_eq!(sensor.reload(), Err("state"));
    fs::remove_dir(sensor.state("stkbundle")).unwrap();
    assert_eq!(sensor.reload(), Ok(8));
    fs::remove_dir_all(&sensor.source.state).unwrap();
    assert_eq!(sensor.reload(), Err("state"));
}

#[test]
fn a_kill_between_copy_and_note_is_made_good() {
    let sensor = Sensor::new();
    sensor.version(7);
    assert_eq!(sensor.reload(), Ok(7));
    let newer = sensor.version(8);
    fs::write(sensor.state("stkbundle"), newer).unwrap();
    fs::write(&sensor.source.path, "spoilt").unwrap();
    assert_eq!(sensor.start(), Ok((8, Some("damaged"))));
    sensor.version(7);
    assert_eq!(sensor.reload(), Err("old"), "the note followed the copy");
}

/// A bundle of this version, by this key, in the sensor's way.
fn by(sensor: &Sensor, key: &Key, version: u64) {
    Sample { version, ..Sample::default() }.write(sensor.dir.path(), "bundle", key);
}

fn revoke(sensor: &mut Sensor, key: &Key) {
    let id = key.trusted("", Scope::everything()).id();
    sensor.keys.revoked.push(RevokedKey { id, reason: "stolen".into() });
}

#[test]
fn keys_are_rotated() {
    let mut sensor = Sensor::new();
    sensor.version(7);
    assert_eq!(sensor.reload(), Ok(7));
    // The new key is trusted beside the old one: both sign.
    let next = Key::new();
    sensor.keys.trusted.push(next.trusted("next", Scope::everything()));
    by(&sensor, &next, 8);
    assert_eq!(sensor.reload(), Ok(8));
    sensor.version(9);
    assert_eq!(sensor.reload(), Ok(9));
    // The old one is retired too early: what it signed stays, and nothing follows.
    sensor.keys.trusted[0].is_retired = true;
    assert_eq!((sensor.reload(), sensor.start()), (Ok(9), Ok((9, None))));
    assert!(examine(&sensor.source, &sensor.keys, Timestamp::now()).unwrap().is_key_retired());
    sensor.version(10);
    assert_eq!((sensor.reload(), sensor.start()), (Err("retired"), Ok((9, Some("retired")))));
    by(&sensor, &next, 10);
    assert_eq!(sensor.reload(), Ok(10));
    // Then it goes.
    sensor.keys.trusted.remove(0);
    assert_eq!((sensor.reload(), sensor.start()), (Ok(10), Ok((10, None))));
    sensor.version(11);
    assert_eq!(sensor.start(), Ok((10, Some("unknown-key"))));
}

#[test]
fn a_lost_key_leaves_the_rules_in_force_until_another_signs() {
    let mut sensor = Sensor::new();
    sensor.version(7);
    assert_eq!(sensor.reload(), Ok(7));
    // Nobody can sign any more, until long after the last bundle expired.
    let late = Timestamp::now() + SignedDuration::from_hours(24 * 400);
    assert_eq!(sensor.reload_at(late), Ok(7));
    let next = Key::new();
    by(&sensor, &next, 8);
    assert_eq!(sensor.start(), Ok((7, Some("unknown-key"))), "the new key must be trusted first");
    sensor.keys.trusted.push(next.trusted("next", Scope::everything()));
    assert_eq!(sensor.reload(), Ok(8));
}

#[test]
fn a_key_that_nobody_trusts_any_more_does_not_speak_out_of_the_copy() {
    let mut sensor = Sensor::new();
    sensor.version(7);
    assert_eq!(sensor.reload(), Ok(7));
    sensor.keys.trusted = vec![Key::new().trusted("next", Scope::everything())];
    assert_eq!(sensor.start(), Err("unknown-key"));
    let refused = examine_at_start(&sensor.source, &sensor.keys, Timestamp::now()).unwrap_err();
    assert_eq!(refused.copy.unwrap_err().cause(), "unknown-key");
}

#[test]
fn a_stolen_key_is_revoked_and_what_the_thief_signed_does_not_count() {
    let mut sensor = Sensor::new();
    let (next, thief) = (Key::new(), Key::new());
    for (name, key) in [("next", &next), ("stolen", &thief)] {
        sensor.keys.trusted.push(key.trusted(name, Scope::everything()));
    }
    sensor.version(7);
    assert_eq!(sensor.reload(), Ok(7));
    by(&sensor, &next, 8);
    assert_eq!(sensor.reload(), Ok(8));
    // The thief locks everybody out, since no version is higher.
    by(&sensor, &thief, u64::MAX);
    assert_eq!(sensor.reload(), Ok(u64::MAX));
    by(&sensor, &next, 9);
    assert_eq!(sensor.reload(), Err("old"));
    revoke(&mut sensor, &thief);
    // Still among the trusted keys, as after a careless merge; newer than anything; and in the copy.
    by(&sensor, &thief, u64::MAX);
    assert_eq!(sensor.reload(), Err("revoked"));
    assert_eq!(sensor.start(), Err("revoked"), "there is nothing else to start with");
    let told = examine(&sensor.source, &sensor.keys, Timestamp::now()).unwrap_err().to_string();
    assert!(told.contains(&key_id(&thief.base64()).unwrap()) && told.contains("stolen"), "{told}");
    // The others go on from where they were, and not from before.
    by(&sensor, &next, 7);
    assert_eq!(sensor.reload(), Err("old"));
    sensor.version(7);
    assert_eq!(sensor.reload(), Err("old"), "a replay");
    by(&sensor, &next, 9);
    assert_eq!(sensor.start(), Ok((9, None)));
    fs::write(&sensor.source.path, "spoilt").unwrap();
    assert_eq!(sensor.start(), Ok((9, Some("damaged"))));
}

#[test]
fn whoever_revokes_a_key_does_not_need_to_know_it() {
    // A signature that only names it, over anything, is refused as revoked: it says whose name was used.
    let mut sensor = Sensor::new();
    let (stranger, other) = (Key::new(), Key::new());
    revoke(&mut sensor, &stranger);
    by(&sensor, &stranger, 8);
    assert_eq!(sensor.reload(), Err("revoked"));
    by(&sensor, &other, 8);
    assert_eq!(sensor.reload(), Err("unknown-key"));
}

#[test]
fn the_note_is_bounded() {
    let mut sensor = Sensor::new();
    let id = |n: u64| format!("{n:016X}");
    let mut notes = Notes::default();
    for n in 1..=100 {
        notes.add(Taken { version: n, digest: [0xab; 32], key: id(n) });
    }
    let state = State::new(&sensor.source);
    state.write(&notes).unwrap();
    assert_eq!(state.read().unwrap(), notes);
    assert_eq!(notes.last(&sensor.keys).unwrap().version, 100);
    sensor.keys.revoked = (69..=100).map(|n| RevokedKey { id: id(n), reason: String::new() }).collect();
    assert_eq!(notes.last(&sensor.keys), None, "32 are kept");
    sensor.keys.revoked.remove(0);
    assert_eq!(notes.last(&sensor.keys).unwrap().version, 69);
}

#[test]
fn a_bundle_of_another_channel_is_refused() {
    let sensor = Sensor::new();
    sensor.put(&Sample { channel: "test", version: 99, ..Sample::default() });
    assert_eq!(sensor.reload(), Err("channel"));
}
