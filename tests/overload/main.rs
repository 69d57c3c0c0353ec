//! Overload: a provider's ordinary traffic under floods of ten times as many packets, through one worker with small
//! tables, so that every one of them overflows.
//!
//! For each flood: what must still be found, that memory stays within its bounds, that what was shed is counted under its
//! cause, and that the first names after the flood are found at once. `docs/overload.md` tells the same in words.

mod findings;
mod floods;
mod frames;
mod names;
