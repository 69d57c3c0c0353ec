//! One DNS message. What must hold: limits, the same answer whatever the scratch memory held before, the question of a
//! message that is cut behind it, and that whatever probes as DNS can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::extract::dns::{self, DnsScratch};
use stakeout_fuzz::samples;

fuzz_target!(|message: &[u8]| {
    let (mut fresh, mut used) = (DnsScratch::new(), DnsScratch::new());
    dns::parse(samples::DNS_ANSWER, &mut used).unwrap();
    let found = dns::parse(message, &mut fresh);
    let again = dns::parse(message, &mut used);
    assert_eq!(format!("{found:?}"), format!("{again:?}"));
    let Ok(found) = found else {
        assert!(!dns::probe(message), "what probes as DNS is read");
        return;
    };
    assert!(found.cnames.len() <= 32 && found.addrs.len() <= 128 && found.more_questions.len() <= 8);
    let _ = dns::is_reverse_name(found.qname);
    let text = found.qname.to_string();
    assert!(text.bytes().all(|b| b.is_ascii_graphic() || b == b' '));

    // The first question ends behind its name, type and class, and needs nothing behind it.
    let mut name = *found.qname;
    let end = dns::read_name(message, 12, &mut name).unwrap() + 4;
    let cut = dns::parse(&message[..end], &mut used).unwrap();
    assert_eq!((cut.qname, cut.qtype, cut.qclass), (found.qname, found.qtype, found.qclass));
});
