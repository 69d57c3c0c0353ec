//! One ClientHello as a handshake message. What must hold: the beginning of a hello never tells another name than the
//! whole, and what is lent lies as it should.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::extract::tls::{Sni, walk_hello, walk_partial};
use stakeout_fuzz::Input;

fuzz_target!(|data: &[u8]| {
    let mut input = Input(data);
    let cut = usize::from(input.u16());
    let message = input.0;
    let whole = walk_hello(message);
    if let Ok(hello) = &whole {
        let mut alpn = Input(hello.alpn);
        while !alpn.is_empty() {
            let len = usize::from(alpn.u8());
            assert!(len > 0 && alpn.take(len).len() == len);
        }
        assert_eq!(walk_partial(message).is_some(), hello.sni != Sni::Absent);
        if let Ok(name) = hello.name() {
            assert!(!name.is_root());
        }
    }
    if let Some(part) = walk_partial(&message[..cut.min(message.len())]) {
        let _ = part.name();
        if let Ok(hello) = whole {
            assert_eq!(part.sni, hello.sni);
        }
    }
});
