//! Classic pcap files. What must hold: see `stakeout_fuzz::capture::check`.
#![no_main]

libfuzzer_sys::fuzz_target!(|file: &[u8]| stakeout_fuzz::capture::check(file));
