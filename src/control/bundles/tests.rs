//! Which bundles a sensor takes after those that it took before.

use std::fs;

use jiff::SignedDuration;
use tempfile::TempDir;

use super::*;
use crate::matching::bundle::Scope;
use crate::matching::bundle::samples::{Key, Sample};

struct Sensor {
    dir: TempDir,
    key: Key,
    keys: Vec<TrustedKey>,
    source: BundleSource,
}

impl Sensor {
    fn new() -> Sensor {
        let (dir, key) = (tempfile::tempdir().unwrap(), Key::new());
        let state = dir.path().join("state");
        fs::create_dir(&state).unwrap();
        let source = BundleSource { channel: "national".into(), path: dir.path().join("bundle"), state };
        Sensor { keys: vec![key.trusted("ours", Scope::everything())], dir, key, source }
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
    for (content, cause) in [
        (&b""[..], "damaged"),
        (&good[..good.len() - 1], "damaged"),
        (b"casino.example\n", "damaged"),
    ] {
        fs::write(&sensor.source.path, content).unwrap();
        assert_eq!((sensor.reload(), sensor.start()), (Err(cause), Ok((7, Some(cause)))));
    }
    fs::remove_file(&sensor.source.path).unwrap();
    assert_eq!(sensor.start(), Ok((7, Some("unreadable"))));
    // Unless its copy is spoilt too.
    fs::write(sensor.state("stkbundle"), &good[..good.len() - 1]).unwrap();
    assert_eq!(sensor.start(), Err("unreadable"));
    // A good file mends the copy, though it is what was taken before.
    fs::remove_file(sensor.state("stkbundle")).unwrap();
    fs::write(&sensor.source.path, &good).unwrap();
    assert_eq!(sensor.start(), Ok((7, None)));
    assert!(fs::read(sensor.state("stkbundle")).unwrap() == good);
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

#[test]
fn keys_come_and_go() {
    let mut sensor = Sensor::new();
    sensor.version(7);
    assert_eq!(sensor.reload(), Ok(7));
    // The new key is trusted beside the old one, then alone.
    let next = Key::new();
    sensor.keys.push(next.trusted("next", Scope::everything()));
    Sample { version: 8, ..Sample::default() }.write(sensor.dir.path(), "bundle", &next);
    assert_eq!(sensor.reload(), Ok(8));
    sensor.keys.remove(0);
    assert_eq!((sensor.reload(), sensor.start()), (Ok(8), Ok((8, None))));
    sensor.version(9);
    assert_eq!(sensor.start(), Ok((8, Some("unknown-key"))), "what the old key signs is not taken any more");
    // A key that is no longer trusted does not speak out of the copy either.
    sensor.keys.clear();
    assert_eq!(sensor.start(), Err("unknown-key"));
}

#[test]
fn a_bundle_of_another_channel_is_refused() {
    let sensor = Sensor::new();
    sensor.put(&Sample { channel: "test", version: 99, ..Sample::default() });
    assert_eq!(sensor.reload(), Err("channel"));
}
