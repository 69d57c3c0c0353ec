//! The project's own traffic for the benches: the same on every run.

use stakeout::model::Timestamp;
use stakeout::traffic::{Generator, Profile};

/// A name in this many of the visits' share is on this list.
pub(crate) const LISTED: [&str; 4] =
    ["lucky-spin.example", "bets.sure-thing.test", "jackpot77.example", "royal-casino.com.example"];

pub(crate) fn generator(profile: Profile) -> Generator {
    let listed = LISTED.map(str::to_owned).to_vec();
    Generator::new(profile, 1, listed, Timestamp::from_parts(1_795_521_600, 0))
}
