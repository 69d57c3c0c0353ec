//! What is taken, and what each push hears.

use super::*;

#[test]
fn the_ministry_hears_what_it_expects_once_the_store_has_it() {
    if no_curl() {
        return;
    }
    let lab = Lab::usual();
    let heard = lab.post(REGISTER);
    assert_eq!(heard.status, 200);
    assert!(heard.head.contains("\r\nRsh-Push: accepted"), "{}", heard.head);
    assert_eq!(heard.body, "<hazard><status>OK</status></hazard>");
    let (delivery, content) = lab.store.taken.lock().unwrap()[0].clone();
    assert_eq!(content, REGISTER.as_bytes());
    assert_eq!((delivery.source.as_str(), delivery.bytes), ("pl-hazard", REGISTER.len() as u64));
    assert_eq!(delivery.sha256, <[u8; 32]>::from(Sha256::digest(REGISTER)));
    assert_eq!(delivery.client_sha256, lab.ministry.sha256);
    assert_eq!(lab.files(), 0, "what the store did not move away is removed");
    let counts = lab.server.counters().read();
    assert_eq!((counts.connections, counts.accepted, counts.bytes), (1, 1, REGISTER.len() as u64));
    assert!(counts.refused.iter().all(|(_, n)| *n == 0), "{counts:?}");
}

#[test]
fn a_large_register_comes_whole_in_either_form() {
    if no_curl() {
        return;
    }
    let lab = Lab::usual();
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "<a>casino.example</a>\n".repeat(500_000)).unwrap();
    let body = format!("@{}", file.path().display());
    for more in [&["--header", "Transfer-Encoding: chunked"][..], &[]] {
        let arguments = [&["--data-binary", &body][..], more].concat();
        assert_eq!(lab.curl(Some(&lab.ministry), &arguments, "/push/pl-hazard").status, 200);
    }
    assert!(lab.store.taken.lock().unwrap().iter().all(|(_, content)| content.len() == 11_000_000));
}

#[test]
fn what_is_not_a_push_is_answered_plainly() {
    if no_curl() {
        return;
    }
    let lab = Lab::new(|_, config| config.max_bytes = 1000);
    let ask = |arguments: &[&str], path: &str| lab.curl(Some(&lab.ministry), arguments, path);
    let at = "/push/pl-hazard";
    is_refusal(&ask(&[], at), 405);
    is_refusal(&ask(&["--request", "PUT", "--data-binary", REGISTER], at), 405);
    is_refusal(&ask(&["--data-binary", REGISTER], "/push/other"), 404);
    is_refusal(&ask(&["--data-binary", REGISTER], "/push/pl-hazard/"), 404);
    is_refusal(&ask(&["--data-binary", ""], at), 400);
    is_refusal(&ask(&["--data-binary", REGISTER, "--header", "Content-Encoding: gzip"], at), 415);
    let long = "x".repeat(1001);
    is_refusal(&ask(&["--data-binary", &long], at), 413);
    is_refusal(&ask(&["--data-binary", &long, "--header", "Transfer-Encoding: chunked"], at), 413);
    // So long that curl waits for "100 Continue", and hears the refusal instead.
    let longer = "x".repeat(120_000);
    is_refusal(&ask(&["--data-binary", &longer, "--header", "Expect: 100-continue"], at), 413);
    let counts = ["method", "path", "empty", "encoding", "length"].map(|cause| lab.refused(cause));
    assert_eq!(counts, [2, 2, 1, 1, 3]);
    assert_eq!((lab.taken(), lab.files()), (0, 0));
    assert_eq!(ask(&["--data-binary", &"x".repeat(1000)], at).status, 200);
    // Nothing comes and goes uncounted.
    drop(TcpStream::connect(lab.server.local_addr()).unwrap());
    drop(lab.connect());
    let mut silent = lab.connect();
    silent.conn.complete_io(&mut silent.sock).unwrap();
    silent.conn.send_close_notify();
    silent.flush().unwrap();
    drop(silent);
    wait_until("every connection told of", || {
        let counts = lab.server.counters().read();
        counts.connections == 13 && counts.accepted + counts.refused.iter().map(|(_, n)| n).sum::<u64>() == 13
    });
    assert_eq!(lab.refused("protocol"), 1);
}

#[test]
fn what_the_store_does_not_take_is_never_called_accepted() {
    if no_curl() {
        return;
    }
    let lab = Lab::usual();
    lab.word(Word::Refuse);
    let heard = lab.post(REGISTER);
    is_refusal(&heard, 422);
    assert!(heard.body.contains("no element Rejestr"), "{}", heard.body);
    lab.word(Word::Unavailable);
    let heard = lab.post(REGISTER);
    is_refusal(&heard, 503);
    assert!(heard.head.contains("Retry-After: 60"), "{}", heard.head);
    lab.word(Word::Panic);
    is_refusal(&lab.post(REGISTER), 503);
    assert_eq!(lab.files(), 0);
    assert_eq!((lab.refused("refused"), lab.refused("unavailable")), (1, 2));
}

/// The ministry is told to come again, and meets a closed door until the store is done.
#[test]
fn a_store_that_hangs_keeps_its_source_closed() {
    if no_curl() {
        return;
    }
    let lab = Lab::new(|_, config| (config.times.receive, config.burst) = (SHORT, 1000));
    let (go, gate): (Sender<()>, Gate<()>) = channel();
    lab.word(Word::Wait(gate));
    is_refusal(&lab.post(REGISTER), 503);
    is_refusal(&lab.post(REGISTER), 503);
    assert_eq!((lab.refused("unavailable"), lab.refused("busy"), lab.taken()), (1, 1, 0));
    go.send(()).unwrap();
    wait_until("the store", || lab.server.counters().read().accepted == 1);
    wait_until("the open door", || lab.post(REGISTER).status == 200);
}
