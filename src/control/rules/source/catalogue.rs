//! The catalogue of public registers that the program ships. It is data, and nothing in it is in use until a definition
//! was proposed and signed for.

use super::{Source, read};

/// Its text: `rules/sources.toml`.
pub const CATALOGUE: &str = include_str!("../../../../rules/sources.toml");

/// Its definitions.
pub fn catalogue() -> Vec<Source> {
    // A test reads it, so that it cannot be wrong in a program that was released.
    read(CATALOGUE).unwrap_or_default()
}
