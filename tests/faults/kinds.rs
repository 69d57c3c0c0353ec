//! Interfaces of many kinds under `backend = "auto"`: which are read through the ring and which through libpcap, that the
//! daemon says so, and that names are found on each.
//!
//! A tun device may be given the kind of any other (TUNSETLINK), so that the test needs no kernel with PPP, GRE or SIT.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::process::{Child, Command, Stdio};

use crate::lab::daemon::{Daemon, Settings};
use crate::lab::namespace::{MIRROR, inside, run_inside, send};
use crate::lab::packets::{A, Maker, UDP, ip, query, udp};
use crate::lab::skip;

#[test]
fn what_the_ring_cannot_read_is_read_through_libpcap() {
    run_inside("kinds::inside_kinds");
}

/// What reads an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Ring,
    Pcap,
}

/// Tun devices, their number in `linux/if_arp.h`, and what reads them.
const DEVICES: [(&str, u16, By); 8] = [
    ("none0", 65_534, By::Ring),
    ("rawip0", 519, By::Ring),
    ("ppp0", 512, By::Pcap),
    ("ipip0", 768, By::Pcap),
    ("ip6tnl0", 769, By::Pcap),
    ("sit0x", 776, By::Pcap),
    ("gre0x", 778, By::Pcap),
    ("ip6gre0x", 823, By::Pcap),
];

/// Makes the devices named in its arguments, and writes into them what its input says.
const TUNS: &str = r#"
use strict;
my %tun;
for (@ARGV) {
    my ($name, $kind) = split /:/;
    open($tun{$name}, '+<', '/dev/net/tun') or die "/dev/net/tun: $!\n";
    # TUNSETIFF with IFF_TUN | IFF_NO_PI, then TUNSETLINK.
    ioctl($tun{$name}, 0x400454ca, pack('Z16 S x22', $name, 0x1001)) or die "$name: $!\n";
    ioctl($tun{$name}, 0x400454cd, $kind + 0) or die "$name is $kind: $!\n";
}
$| = 1;
print "ready\n";
while (<STDIN>) {
    my ($name, $packet) = split;
    syswrite($tun{$name}, pack('H*', $packet)) or die "$name: $!\n";
}
"#;

/// The process that holds the devices; they vanish with it.
struct Tuns(Child);

impl Tuns {
    /// `None` where there are none.
    fn start() -> Option<Tuns> {
        let devices = DEVICES.map(|(name, kind, _)| format!("{name}:{kind}"));
        let mut perl = Command::new("perl");
        perl.args(["-e", TUNS]).args(devices).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut tuns = Tuns(perl.spawn().ok()?);
        let mut said = String::new();
        BufReader::new(tuns.0.stdout.take()?).read_line(&mut said).ok()?;
        (said == "ready\n").then_some(tuns)
    }

    /// Has a packet arrive on a device.
    fn arrive(&mut self, device: &str, packet: &[u8]) {
        let hex: String = packet.iter().map(|octet| format!("{octet:02x}")).collect();
        writeln!(self.0.stdin.as_mut().unwrap(), "{device} {hex}").expect("perl runs");
    }
}

impl Drop for Tuns {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 7)), 4_000);
const RESOLVER: SocketAddr = SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 53)), 53);

fn question(name: &str) -> Vec<u8> {
    udp(CLIENT.port(), RESOLVER.port(), &query(7, name, A, None))
}

fn arrive(tuns: &mut Tuns, device: &str, name: &str) {
    tuns.arrive(device, &ip(CLIENT.ip(), RESOLVER.ip(), UDP, 1, &question(name)));
}

fn on_the_mirror(name: &str) {
    let mut maker = Maker::default();
    maker.udp(CLIENT, RESOLVER, &query(7, name, A, None));
    send(&maker.frames);
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_kinds() {
    if !inside() {
        return;
    }
    let Some(mut tuns) = Tuns::start() else {
        return skip("needs perl and tun devices whose kind can be set");
    };
    for (device, ..) in DEVICES {
        let up = Command::new("ip").args(["link", "set", device, "up"]).status();
        assert!(up.is_ok_and(|s| s.success()), "{device}");
    }
    let mut all = vec![(MIRROR, By::Ring), ("lo", By::Ring)];
    all.extend(DEVICES.map(|(device, _, by)| (device, by)));
    let dir = tempfile::tempdir().unwrap();
    let found = |name: &str| {
        let text = fs::read_to_string(dir.path().join("events.jsonl")).unwrap_or_default();
        text.lines().any(|line| line.contains("\"opened\"") && line.contains(name))
    };
    // The quotes between the names end up in the configuration. Prefilter and backend as by default.
    let interfaces: Vec<_> = all.iter().map(|(interface, _)| *interface).collect();
    let settings = |interface: String, capture| Settings {
        interface,
        capture,
        sections: "[prefilter]\n".to_owned(),
        log_format: "json",
        ..Settings::new(dir.path())
    };
    let config = settings(interfaces.join("\", \""), "workers = 2").write(dir.path());
    let mut daemon = Daemon::start(&config, dir.path());
    on_the_mirror(&format!("{MIRROR}.casino.example"));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&query(7, "lo.casino.example", A, None), "127.0.0.1:53").unwrap();
    for (device, ..) in DEVICES {
        arrive(&mut tuns, device, &format!("{device}.casino.example"));
    }
    for (interface, by) in &all {
        daemon.wait_for(&format!("name on {interface}"), |_| found(&format!("\"{interface}.casino.example\"")));
        let label = format!("interface=\"{interface}\"");
        let rings = daemon.metric("stakeout_capture_ring_in_use", &label);
        assert_eq!(rings, if *by == By::Ring { 2.0 } else { 0.0 }, "{interface}: workers that read it through a ring");
        assert_eq!(daemon.metric("stakeout_capture_up", &label), 2.0, "{interface}");
        let log = daemon.log();
        let said =
            log.lines().filter(|l| l.contains("\"capture_fallback\"") && l.contains(&format!("\"{interface}\"")));
        assert_eq!(said.count(), usize::from(*by == By::Pcap), "{interface}: the fallback is told once\n{log}");
    }
    assert!(daemon.stop().success(), "{}", daemon.log());

    // All interfaces together.
    let mut daemon = Daemon::start(&settings("any".to_owned(), "").write(dir.path()), dir.path());
    on_the_mirror("any-ether.casino.example");
    arrive(&mut tuns, "ppp0", "any-ppp.casino.example");
    arrive(&mut tuns, "none0", "any-none.casino.example");
    for name in ["any-ether", "any-ppp", "any-none"] {
        daemon.wait_for(name, |_| found(&format!("\"{name}.casino.example\"")));
    }
    assert_eq!(daemon.metric("stakeout_capture_ring_in_use", ""), 0.0);
    assert!(daemon.log().contains("\"capture_fallback\""), "{}", daemon.log());
    assert!(daemon.stop().success(), "{}", daemon.log());

    // The ring and nothing else: it does not start, and says which choice would.
    let config = settings("ppp0".to_owned(), "backend = \"ring\"").write(dir.path());
    let refused = Command::new(env!("CARGO_BIN_EXE_stakeout")).args(["run", "--config"]).arg(&config).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("ppp0") && said.contains("ARPHRD 512") && said.contains("backend"), "{said}");
}
