//! Registers and what becomes of them, from a regulator's file to a signed set: the control plane of rules.
//!
//! [`source`] says what a list is, on whose order it stands and where it comes from; [`store`] keeps every state that it
//! ever had and who answers for it; [`guard`] looks at each new file before it takes the place of a good one; [`people`]
//! are those whose signatures count. docs/rules-store.md tells the whole of it.

pub mod guard;
pub mod people;
pub mod source;
pub mod store;
