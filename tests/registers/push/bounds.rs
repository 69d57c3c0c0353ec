//! Clients that are slow, many, or gone; and the end of the endpoint.

use super::*;

#[test]
fn too_many_pushes_in_a_row_are_put_off() {
    if no_curl() {
        return;
    }
    let lab = Lab::new(|_, config| (config.burst, config.refill) = (2, Duration::from_secs(3600)));
    assert_eq!([lab.post(REGISTER).status, lab.post(REGISTER).status], [200, 200]);
    is_refusal(&lab.post(REGISTER), 429);
    assert_eq!((lab.refused("rate"), lab.taken()), (1, 2));
}

/// Reads until the server ends it; it must do so by itself.
fn read_to_end(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> String {
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => heard.extend_from_slice(&piece[..n]),
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                panic!("the server holds the connection")
            }
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&heard).to_ascii_lowercase()
}

#[test]
fn who_is_slow_does_not_stay() {
    let times = PushTimes { handshake: SHORT, head: SHORT, idle: SHORT, ..PushTimes::default() };
    let lab = Lab::new(|_, config| config.times = times);
    // Nothing at all.
    let mut stranger = TcpStream::connect(lab.server.local_addr()).unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(matches!(stranger.read(&mut [0; 1]), Ok(0) | Err(_)));
    wait_until("the handshake given up", || lab.refused("handshake") == 1);
    // Half a head.
    let mut stream = lab.connect();
    stream.write_all(b"POST /push/pl-hazard HTTP/1.1\r\nHost: x\r\n").unwrap();
    assert!(!read_to_end(&mut stream).contains("200 ok"));
    wait_until("the head given up", || lab.refused("protocol") == 1);
    // Half a body.
    let mut stream = lab.connect();
    stream.write_all(b"POST /push/pl-hazard HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<Rejestr>").unwrap();
    let heard = read_to_end(&mut stream);
    assert!(heard.starts_with("http/1.1 408 ") && !heard.contains("rsh-push"), "{heard}");
    wait_until("the body given up", || lab.refused("slow") == 1);
    assert_eq!((lab.taken(), lab.files()), (0, 0));
}

#[test]
fn a_body_that_drips_has_an_end() {
    let lab = Lab::new(|_, config| config.times.body = SHORT);
    let mut stream = lab.connect();
    stream.write_all(b"POST /push/pl-hazard HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n").unwrap();
    let until = std::time::Instant::now() + PATIENCE;
    while lab.refused("slow") == 0 {
        assert!(std::time::Instant::now() < until, "it drips on");
        if stream.write_all(b"x").is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    wait_until("the body given up", || lab.refused("slow") == 1);
    assert_eq!((lab.taken(), lab.files()), (0, 0));
}

#[test]
fn a_push_that_breaks_off_is_not_taken() {
    let lab = Lab::usual();
    let head = "POST /push/pl-hazard HTTP/1.1\r\nHost: x\r\n";
    let cuts = [
        format!("{head}Content-Length: 1000\r\n\r\n{REGISTER}"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{REGISTER}\r\n", REGISTER.len()),
    ];
    for (n, cut) in cuts.iter().enumerate() {
        let mut stream = lab.connect();
        stream.write_all(cut.as_bytes()).unwrap();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        drop(stream);
        wait_until("the cut seen", || lab.refused("cut") == n as u64 + 1);
    }
    assert_eq!((lab.taken(), lab.files()), (0, 0));
}

#[test]
fn connections_are_few_and_each_address_has_its_share() {
    if no_curl() {
        return;
    }
    let lab = Lab::new(|_, config| config.max_connections_per_address = 2);
    let held: Vec<_> = (0..2).map(|_| TcpStream::connect(lab.server.local_addr()).unwrap()).collect();
    wait_until("both connections", || lab.server.counters().read().connections == 2);
    assert!(lab.post(REGISTER).failed);
    assert_eq!(lab.refused("connections"), 1);
    drop(held);
    wait_until("room again", || lab.post(REGISTER).status == 200);
}

#[test]
fn it_ends_when_it_is_dropped() {
    let lab = Lab::usual();
    let mut idle = lab.connect();
    idle.write_all(b"POST /push/pl-hazard HTTP/1.1\r\n").unwrap();
    let Lab { server, .. } = lab;
    drop(server);
    // Not by another look at the port, which somebody else may have by now.
    read_to_end(&mut idle);
}
