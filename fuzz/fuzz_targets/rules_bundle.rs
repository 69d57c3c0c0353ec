//! A signed rule bundle as somebody would write it who has no key: a manifest, a signature and a payload with lengths that fit.
//! What must hold: nobody's key makes it good, showing it ends, and what a manifest says is read back as it is written.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use stakeout::matching::bundle::{Keyring, MAGIC, Scope, Sealed, TrustedKey, VERSION};

/// The key of minisign's own manual: its secret half is not ours.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fuzz_target!(|data: &[u8]| {
    let key = TrustedKey::new("manual", KEY, Scope::everything()).unwrap();
    let keys = Keyring { trusted: vec![key], ..Keyring::default() };
    // As it is, and with lengths put right: the first octets say how much of the rest is manifest and signature.
    let mut whole = MAGIC.to_vec();
    if let Some((lengths, rest)) = data.split_at_checked(4) {
        let number = |at: usize| u32::from(u16::from_le_bytes([lengths[at], lengths[at + 1]]));
        for number in [VERSION, number(0), number(2), 0] {
            whole.extend(number.to_le_bytes());
        }
        whole.extend(rest);
    }
    for octets in [data, &whole] {
        let Ok(sealed) = Sealed::read(Cursor::new(octets)) else { continue };
        if let Ok(manifest) = sealed.claims() {
            let text = String::from_utf8(manifest.to_octets()).unwrap();
            assert!(text.contains(&format!("\"version\": {},", manifest.version)));
            assert!((1..=256).contains(&manifest.lists.len()));
        }
        assert!(sealed.verify(&keys).is_err());
    }
});
