//! The Polish register's XML. What must hold: see `stakeout_fuzz::rules::check`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stakeout::matching::Format;
use stakeout_fuzz::rules;

fuzz_target!(|xml: &[u8]| rules::check(xml, Format::PolishRegister));
