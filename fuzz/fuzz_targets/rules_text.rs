//! Rule lists of lines, in each syntax: the first octet says which is asked for. What must hold: see
//! `stakeout_fuzz::rules::check`; and a name that somebody types never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::matching::{Format, to_name};
use stakeout_fuzz::rules;

/// The first three as in the older inputs.
const FORMATS: [Format; 8] = [
    Format::Auto,
    Format::Plain,
    Format::Hosts,
    Format::AdBlock,
    Format::UBlacklist,
    Format::Dnsmasq,
    Format::Unbound,
    Format::Rpz,
];

fuzz_target!(|data: &[u8]| {
    let Some((format, text)) = data.split_first() else { return };
    let format = FORMATS[usize::from(*format) % FORMATS.len()];
    rules::check(text, format);
    if let Ok(text) = std::str::from_utf8(text) {
        let _ = text.lines().next().map(to_name);
    }
});
