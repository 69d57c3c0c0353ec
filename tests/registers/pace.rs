//! When a fetch is tried again, and when not. The clock is invented: no test waits.

use std::future::{Future, ready};
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use stakeout::control::rules::fetch::{FetchError, Fetcher, Outcome, Pace, Place};

use super::server::{Server, answer, ok};

/// Draws the longest wait, does not wait, and remembers.
#[derive(Default)]
pub(crate) struct Remembers(Mutex<Vec<Duration>>);

impl Remembers {
    pub(crate) fn waits(&self) -> Vec<u64> {
        self.0.lock().unwrap().iter().map(Duration::as_secs).collect()
    }
}

impl Pace for Remembers {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn up_to(&self, most: Duration) -> Duration {
        most
    }

    fn sleep(&self, how_long: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.0.lock().unwrap().push(how_long);
        Box::pin(ready(()))
    }
}

fn fetcher() -> (Fetcher, Arc<Remembers>) {
    let pace = Arc::new(Remembers::default());
    (Fetcher::with_pace(4, Arc::<Remembers>::clone(&pace)), pace)
}

/// Answers with each of these in turn, then with a list.
fn in_turn(answers: Vec<Vec<u8>>) -> Server {
    use std::io::Write;
    Server::tls(move |asked, conn| match answers.get(asked.n) {
        // Half an answer is cut.
        Some(answer) if answer.starts_with(b"cut ") => {
            conn.write_all(&answer[4..])?;
            conn.cut();
            Ok(())
        }
        Some(answer) => conn.write_all(answer),
        None => conn.write_all(&ok(b"casino.example\n")),
    })
}

#[test]
fn what_may_pass_is_tried_again_with_waits_that_double() {
    let cut = [b"cut ".as_slice(), &ok(&[b'x'; 1000])[..500]].concat();
    let server = in_turn(vec![answer("500 Oh", "", b""), answer("503 No", "", b""), cut, b"cut ".to_vec()]);
    let mut request = server.request("/list");
    request.retries = 4;
    let (fetcher, pace) = fetcher();
    assert!(matches!(fetcher.fetch(&request, server.dir()), Ok(Outcome::Fetched(_))));
    assert_eq!(pace.waits(), [2, 4, 8, 16]);
    let counts = fetcher.counters().read();
    assert_eq!((counts.attempts, counts.retries, counts.fetched, counts.bytes), (5, 4, 1, 15));
    assert_eq!(server.files(), 1);
}

#[test]
fn retries_come_to_an_end() {
    let server = in_turn(vec![answer("502 Bad Gateway", "", b""); 9]);
    let mut request = server.request("/list");
    request.retries = 2;
    let (fetcher, pace) = fetcher();
    let error = fetcher.fetch(&request, server.dir()).unwrap_err();
    assert!(matches!(error, FetchError::Status { code: 502, .. }), "{error}");
    assert_eq!((server.heads().len(), pace.waits()), (3, vec![2, 4]));
    let failed = fetcher.counters().read().failed;
    assert_eq!(failed.iter().filter(|(_, n)| *n > 0).collect::<Vec<_>>(), [&("status", 1)]);
}

#[test]
fn what_the_server_decided_is_not_asked_twice() {
    for status in ["400 Bad Request", "401 Who", "403 Forbidden", "404 Not Found", "408 Late", "410 Gone", "501 What"] {
        let server = in_turn(vec![answer(status, "", b"")]);
        let mut request = server.request("/list");
        request.retries = 5;
        let (fetcher, pace) = fetcher();
        let error = fetcher.fetch(&request, server.dir()).unwrap_err();
        assert_eq!(error.kind(), "status", "{status}");
        assert_eq!((server.heads().len(), pace.waits()), (1, vec![]), "{status}");
    }
}

#[test]
fn a_server_that_asks_for_patience_gets_it_up_to_a_bound() {
    let busy = |after: &str| answer("429 Too Many Requests", &format!("Retry-After: {after}\r\n"), b"");
    let server = in_turn(vec![busy("7")]);
    let mut request = server.request("/list");
    request.retries = 1;
    let (fetcher, pace) = fetcher();
    assert!(fetcher.fetch(&request, server.dir()).is_ok());
    assert_eq!(pace.waits(), [9]);

    let server = in_turn(vec![busy("3600")]);
    let mut request = server.request("/list");
    request.retries = 1;
    let (fetcher, pace) = self::fetcher();
    let error = fetcher.fetch(&request, server.dir()).unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    assert_eq!((server.heads().len(), pace.waits()), (1, vec![]));
}

#[test]
fn a_closed_port_is_tried_again() {
    let server = in_turn(Vec::new());
    let mut request = server.request("/list");
    request.retries = 2;
    // The near end of a connection: a port where nobody listens, and that nobody else is given meanwhile.
    let held = TcpStream::connect(server.addr).unwrap();
    request.place = Place::Url(format!("https://127.0.0.1:{}/list", held.local_addr().unwrap().port()));
    let (fetcher, pace) = fetcher();
    let error = fetcher.fetch(&request, server.dir()).unwrap_err();
    assert_eq!((error.kind(), pace.waits()), ("connect", vec![2, 4]), "{error}");
}
