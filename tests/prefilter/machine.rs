//! The classic machine, by its description (McCanne and Jacobson, 1993): to see that the kernel's and this one agree on
//! the programs that are made, and that no packet whatever makes one of them read or jump out of bounds.

use libc::sock_filter;
use stakeout::capture::prefilter::{FilterLink, PrefilterChoice, PrefilterSettings, Profile, classic};

use crate::kernel::KernelFilter;
use crate::packets::{self, everything};

/// Runs a program on a packet: how many octets it keeps.
pub(crate) fn run(program: &[sock_filter], packet: &[u8]) -> u32 {
    let (mut a, mut x, mut at) = (0_u32, 0_u32, 0_usize);
    let mut memory = [None; 16];
    let load = |from: u32, size: usize| {
        let from = usize::try_from(from).ok()?;
        Some(packet.get(from..from.checked_add(size)?)?.iter().fold(0_u32, |n, octet| n << 8 | u32::from(*octet)))
    };
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        at += 1;
        let mut jump = |yes| at += usize::from(if yes { jt } else { jf });
        match code {
            0x40 | 0x48 | 0x50 => match load(x.wrapping_add(k), 4 >> ((code - 0x40) >> 3)) {
                Some(value) => a = value,
                None => return 0,
            },
            0x80 => a = packet.len() as u32,
            0x60 => a = memory[k as usize].expect("memory is written before it is read"),
            0x61 => x = memory[k as usize].expect("memory is written before it is read"),
            0x01 => x = k,
            0x02 => memory[k as usize] = Some(a),
            0x03 => memory[k as usize] = Some(x),
            0x04 => a = a.wrapping_add(k),
            0x0c => a = a.wrapping_add(x),
            0x1c => a = a.wrapping_sub(x),
            0x54 => a &= k,
            0x64 => a <<= k,
            0x74 => a >>= k,
            0x07 => x = a,
            0x87 => a = x,
            0x05 => at += k as usize,
            0x15 => jump(a == k),
            0x2d => jump(a > x),
            0x35 => jump(a >= k),
            0x45 => jump(a & k != 0),
            0x06 => return k,
            _ => panic!("an instruction that is not made: {code:#x}"),
        }
    }
}

fn programs() -> impl Iterator<Item = (FilterLink, PrefilterSettings)> {
    [
        (FilterLink::Ethernet, Profile::Names),
        (FilterLink::Ethernet, Profile::Outcomes),
        (FilterLink::RawIp, Profile::Names),
    ]
    .into_iter()
    .map(|(link, profile)| {
        (link, PrefilterSettings { choice: PrefilterChoice::Classic, profile, ..PrefilterSettings::default() })
    })
}

#[test]
fn the_kernel_agrees_on_every_packet_and_every_cut() {
    for (link, settings) in programs() {
        let program = classic::program(link, &settings).expect("a program");
        let Some(mut kernel) = KernelFilter::new(link, settings) else { return };
        for (name, packet) in everything() {
            let packet = if link == FilterLink::RawIp { &packet[14..] } else { &packet[..] };
            for cut in 1..=packet.len() {
                let packet = &packet[..cut];
                assert_eq!(run(&program, packet) > 0, kernel.passes(packet), "{name}, {cut} octets");
            }
        }
    }
}

#[test]
fn no_octet_leads_a_program_astray() {
    for (link, settings) in programs() {
        let program = classic::program(link, &settings).expect("a program");
        for (_, packet) in everything() {
            for at in 0..packet.len().min(120) {
                let mut changed = packet.clone();
                for value in [0, 1, 0x0f, 0x45, 0x60, 0x7f, 0x80, 0xff] {
                    changed[at] = value;
                    let kept = run(&program, &changed);
                    assert!(kept == 0 || kept == settings.snaplen);
                }
            }
        }
    }
}

#[test]
fn programs_fit_with_every_port_there_may_be() {
    let ports: Vec<u16> = (1..=PrefilterSettings::MAX_PORTS as u16 + 3).map(|n| n * 1000).collect();
    for (link, settings) in programs() {
        let settings = PrefilterSettings { dns_ports: ports.clone(), tcp_ports: ports.clone(), ..settings };
        let program = classic::program(link, &settings).expect("a program");
        crate::say(&format!("classic, {}: {} instructions", settings.profile.name(), program.len()));
        assert!(program.len() <= classic::MAX_INSTRUCTIONS);
        let last = PrefilterSettings::MAX_PORTS as u16 * 1000;
        let packet = packets::ethernet(0x0800, &packets::ipv4(17, &packets::udp(40_000, last, &[0; 20])));
        let packet = if link == FilterLink::RawIp { &packet[14..] } else { &packet[..] };
        assert_eq!(run(&program, packet), settings.snaplen);
    }
}
