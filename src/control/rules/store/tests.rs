//! The store as a whole: who may do what, what a guard holds, what damage does, and that any beginning of a journal is a
//! state.

mod damage;
mod prefixes;
mod signatures;
mod working;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use minisign::KeyPair;

use super::*;
use crate::control::rules::source::read;

/// A store with two people, and a third who is nobody.
struct Case {
    dir: tempfile::TempDir,
    store: Option<Store>,
    keys: Vec<(&'static str, KeyPair)>,
}

fn actor() -> Actor {
    Actor::new("tester", "a test").unwrap()
}

impl Case {
    fn new() -> Case {
        let dir = tempfile::tempdir().unwrap();
        let key = |name| (name, KeyPair::generate_unencrypted_keypair().unwrap());
        let keys = vec![key("anna"), key("bert"), key("carla")];
        let people = keys[..2].iter().map(|(name, key)| person(name, key)).collect();
        let store = Store::init(&dir.path().join("store"), people, &actor()).unwrap();
        Case { dir, store: Some(store), keys }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    fn store(&mut self) -> &mut Store {
        self.store.as_mut().unwrap()
    }

    fn key(&self, name: &str) -> &KeyPair {
        &self.keys.iter().find(|(own, _)| *own == name).unwrap().1
    }

    /// Closes the store, so that it can be looked at from outside.
    fn close(&mut self) {
        self.store = None;
    }

    fn reopen(&mut self) -> Result<&mut Store, StoreError> {
        self.close();
        self.store = Some(Store::open(&self.root(), Access::Write)?);
        Ok(self.store())
    }

    fn sign(&self, name: &str, text: &str) -> String {
        minisign::sign(None, &self.key(name).sk, Cursor::new(text.as_bytes()), Some("t"), Some("u"))
            .unwrap()
            .into_string()
    }

    fn approve_as(&mut self, name: &str, id: u64) -> Result<usize, StoreError> {
        let text = self.store().signing_text(id)?;
        let signature = self.sign(name, &text);
        self.store().approve(id, &signature, "signed").map(|signing| signing.missing)
    }

    /// By both people.
    fn approve(&mut self, id: u64) {
        assert_eq!(self.approve_as("anna", id).unwrap(), 1);
        assert_eq!(self.approve_as("bert", id).unwrap(), 0);
    }

    /// A list with the definition `more` adds to, signed for.
    fn define(&mut self, id: &str, more: &str) -> u64 {
        let text = format!(
            "[[source]]\nid = \"{id}\"\ntitle = \"t\"\nauthority = \"a\"\njurisdictions = [\"CH\"]\naction = \"block\"\n\
             legal_basis = \"l\"\nreference = \"r\"\nformat = \"plain\"\n{more}"
        );
        let source = read(&text).unwrap().remove(0);
        let proposal = self.store().propose_source(&source, &actor()).unwrap();
        self.approve(proposal);
        proposal
    }

    /// A list whose file is taken without people.
    fn define_verified(&mut self, id: &str) {
        let file = self.dir.path().join(format!("{id}.txt"));
        self.define(id, &format!("file = \"{}\"\nverified = true\n", file.display()));
    }

    /// Puts a file in its place, and has it taken in.
    fn receive(&mut self, id: &str, text: &str) -> Outcome {
        let file = self.dir.path().join(format!("{id}.txt"));
        fs::write(&file, text).unwrap();
        self.store().receive(id, &file, &Origin::File(file.clone()), None, &actor()).unwrap()
    }

    /// The names in force.
    fn names(&mut self, id: &str) -> Vec<String> {
        let store = self.store();
        let Some(head) = store.state().head(id) else { return Vec::new() };
        let list = store.rules(&head.content).unwrap();
        let mut names: Vec<String> = list
            .iter()
            .flat_map(ParsedList::entries)
            .map(|(wire, ..)| crate::control::rules::guard::shown(wire))
            .collect();
        names.sort();
        names
    }

    fn order(&mut self) -> Hash {
        let path = self.dir.path().join("letter");
        fs::write(&path, "the letter").unwrap();
        self.store().keep_order(&path).unwrap()
    }

    /// Proposes names.
    fn propose(&mut self, list: &str, add: &[&str], remove: &[&str]) -> Result<u64, StoreError> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (list, reference) = (list.to_owned(), "2026/117".to_owned());
        let change =
            ChangeOfNames { list, add: owned(add), remove: owned(remove), reference, ..ChangeOfNames::default() };
        let order = self.order();
        self.store().propose_names(&change, order, &actor())
    }

    fn publish(&mut self, to: &Path) -> Result<u64, StoreError> {
        let key = KeyPair::generate_unencrypted_keypair().unwrap();
        let to = [to.to_owned()];
        let (valid_for, jurisdiction) = ("30d".parse().unwrap(), "CH".parse().ok());
        let release = Release { channel: "national", to: &to, valid_for, jurisdiction, except: &[] };
        let done = self.store().publish(&release, &actor(), |octets, _| {
            let comment = "signature of a stakeout rule bundle";
            minisign::sign(None, &key.sk, Cursor::new(octets), Some("t"), Some(comment))
                .map(|signature| format!("{}\n", signature.into_string().trim_end()))
                .map_err(|error| error.to_string())
        })?;
        Ok(done.manifest.version)
    }
}

fn person(name: &str, key: &KeyPair) -> PersonKey {
    PersonKey { name: name.into(), key: key.pk.to_base64() }
}

/// `n` names.
fn many(n: usize) -> String {
    (0..n).map(|n| format!("casino{n}.example\n")).collect()
}
