//! From a server into the store, by the real command: what comes whole is taken, and whatever else happens, what is in
//! force stays.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::server::{Server, answer, ok};

/// What the server says next.
#[derive(Clone)]
enum Says {
    List(String),
    Cut(String),
    Page,
    Error,
}

/// A store of two people, and a register that says what the test wants.
struct Day {
    dir: TempDir,
    server: Server,
    says: Arc<Mutex<Says>>,
}

fn names(count: usize) -> String {
    (0..count).map(|n| format!("casino{n}.example\n")).collect()
}

impl Day {
    fn new() -> Day {
        let says = Arc::new(Mutex::new(Says::Error));
        let told = Arc::clone(&says);
        let server = Server::tls(move |asked, conn| {
            let says = told.lock().unwrap().clone();
            match says {
                Says::List(list) => {
                    let tag = format!("\"{}\"", list.len());
                    if asked.head.to_ascii_lowercase().contains(&format!("if-none-match: {tag}")) {
                        return conn.write_all(format!("HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\n\r\n").as_bytes());
                    }
                    let headers = format!("Content-Type: text/plain\r\nETag: {tag}\r\n");
                    conn.write_all(&answer("200 OK", &headers, list.as_bytes()))
                }
                Says::Cut(list) => {
                    let whole = ok(list.as_bytes());
                    conn.write_all(&whole[..whole.len() - list.len() / 2])?;
                    conn.cut();
                    Ok(())
                }
                Says::Page => conn.write_all(&answer(
                    "200 OK",
                    "Content-Type: text/plain\r\n",
                    b"<!DOCTYPE html><html><body>maintenance</body></html>",
                )),
                Says::Error => conn.write_all(&answer("503 Service Unavailable", "", b"")),
            }
        });
        let day = Day { dir: tempfile::tempdir().unwrap(), server, says };
        for key in ["anna", "bert"] {
            let (secret, public) = (format!("{key}.key"), format!("{key}.pub"));
            day.good(&["keygen", "--secret-key", &secret, "--public-key", &public, "--no-password"]);
        }
        day.good(&["init", "--person", "anna=anna.pub", "--person", "bert=bert.pub"]);
        let text = format!(
            "[[source]]\nid = \"ch\"\ntitle = \"Sperrliste\"\nauthority = \"Gespa\"\njurisdictions = [\"CH\"]\n\
             action = \"block\"\nlegal_basis = \"BGS\"\nreference = \"list\"\nformat = \"plain\"\nurl = \"{}\"\n\
             verified = true\nschedule = \"1h\"\n",
            day.server.url("/list")
        );
        fs::write(day.path("ch.toml"), text).unwrap();
        let said = day.good(&["source", "add", "ch.toml", "--why", "a register"]);
        let id = said.strip_prefix("proposal ").unwrap().split(':').next().unwrap().to_owned();
        day.good(&["approve", &id, "--key", "anna.key"]);
        day.good(&["approve", &id, "--key", "bert.key"]);
        day
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, words: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stakeout"));
        command.arg("rules").args(words).current_dir(self.dir.path()).stdin(Stdio::null());
        command.env("STAKEOUT_STORE", self.path("store")).env("STAKEOUT_WHO", "dora");
        let ran = command.output().unwrap();
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
    }

    fn good(&self, words: &[&str]) -> String {
        let (code, out, err) = self.run(words);
        assert_eq!(code, 0, "{words:?}: {out}{err}");
        out
    }

    /// Fetches; the exit code and all that was said.
    fn fetch(&self, says: Says, more: &[&str]) -> (i32, String) {
        *self.says.lock().unwrap() = says;
        let authority = self.server.request("/").trust;
        let stakeout::control::rules::fetch::Trust::Only(ca) = authority else { panic!("it has an authority") };
        let words = ["fetch", "--ca", ca.to_str().unwrap(), "--retries", "0"];
        let (code, out, err) = self.run(&[&words[..], more].concat());
        (code, out + &err)
    }

    /// What is said of a name.
    fn verdict(&self, name: &str) -> String {
        self.good(&["explain", name])
    }
}

#[test]
fn only_a_whole_register_within_its_guards_takes_the_place_of_the_one_in_force() {
    let day = Day::new();
    let blocked = |name: &str| day.verdict(name).contains("blocked");
    let (code, said) = day.fetch(Says::List(names(100)), &[]);
    assert!(code == 0 && said.starts_with("ch: taken as snapshot ") && said.contains("100 rules"), "{said}");
    assert!(blocked("casino99.example"));

    let (code, said) = day.fetch(Says::List(names(100)), &[]);
    assert_eq!((code, said.as_str()), (0, "ch: nothing new\n"));
    let heads = day.server.heads();
    assert!(heads.last().unwrap().to_ascii_lowercase().contains("if-none-match"), "{heads:?}");
    // Nor is it due again.
    assert_eq!(day.fetch(Says::List(names(100)), &["--due"]), (0, "nothing is due\n".to_owned()));
    assert_eq!(day.server.heads().len(), heads.len());

    for (says, code, told) in [
        (Says::Cut(names(101)), 3, "what is in force stays"),
        (Says::Page, 3, "page"),
        (Says::Error, 3, "503"),
        (Says::List(names(70)), 1, "guard: "),
        (Says::List(String::from("# nothing\n")), 1, "refused"),
    ] {
        let (ended, said) = day.fetch(says, &[]);
        assert!(ended == code && said.contains(told), "{ended} {said}");
        assert!(blocked("casino99.example") && !blocked("casino100.example"), "{said}");
        assert_eq!(fs::read_dir(day.path("store/incoming")).unwrap().count(), 0, "nothing is left behind");
    }

    let (code, said) = day.fetch(Says::List(names(103)), &[]);
    assert!(code == 0 && said.contains("103 rules"), "{said}");
    assert!(blocked("casino102.example"));
    // Everything is in the journal.
    let history = day.good(&["history"]);
    assert!(history.matches("fetched").count() >= 2, "{history}");
}

#[test]
fn what_cannot_be_fetched_is_told() {
    let day = Day::new();
    let (code, said) = day.fetch(Says::Error, &["nowhere"]);
    assert!(code == 2 && said.contains("nowhere"), "{said}");
    let text = fs::read_to_string(day.path("ch.toml")).unwrap();
    let typed: String = text
        .lines()
        .filter(|line| !line.starts_with("url") && !line.starts_with("schedule"))
        .map(|line| {
            if line.starts_with("id") {
                "id = \"typed\"\n".into()
            } else {
                format!("{}\n", line.replace("verified = true", ""))
            }
        })
        .collect();
    fs::write(day.path("typed.toml"), typed).unwrap();
    let said = day.good(&["source", "add", "typed.toml", "--why", "letters"]);
    let id = said.strip_prefix("proposal ").unwrap().split(':').next().unwrap().to_owned();
    day.good(&["approve", &id, "--key", "anna.key"]);
    day.good(&["approve", &id, "--key", "bert.key"]);
    let (code, said) = day.fetch(Says::Error, &["typed"]);
    assert!(code == 2 && said.contains("typed in by people: there is nothing to fetch"), "{said}");
}
