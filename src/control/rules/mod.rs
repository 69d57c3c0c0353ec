//! Registers and what becomes of them, from a regulator's file to a signed set: the control plane of rules.
//!
//! [`source`] says what a list is, on whose order it stands and where it comes from; [`fetch`] gets it from there, and
//! [`push`] takes what an authority sends; [`store`] keeps every state that it ever had and who answers for it; [`guard`]
//! looks at each new file before it takes the place of a good one; [`people`] are those whose signatures count.
//! [`impact`] tells what a change would hit; [`intake`] ties fetching to the store. docs/rules-store.md and docs/rules-sources.md tell the whole of it.

pub mod fetch;
pub mod guard;
pub mod impact;
pub mod intake;
pub mod part;
pub mod people;
pub mod push;
pub mod source;
pub mod store;
