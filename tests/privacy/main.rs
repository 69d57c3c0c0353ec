//! The daemon on live traffic, and a search through everything that comes out of it for the addresses of subscribers
//! and for names that no rule covers.

#[path = "../faults/lab/mod.rs"]
mod lab;
mod outputs;
mod people;
mod search;
