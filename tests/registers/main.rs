//! How registers come over the network: servers that misbehave in every way a server can, a proxy, and `curl` as the
//! ministry that pushes. All of it on loopback, with certificates made in the test.

#[path = "../common/need.rs"]
#[allow(dead_code)]
mod need;
#[path = "../common/wait.rs"]
#[allow(dead_code)]
mod wait;

mod fetch;
mod index;
mod many;
mod pace;
mod pki;
mod proxy;
mod push;
mod server;
mod slow;
mod store;
mod trust;
