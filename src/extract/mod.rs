//! From payload bytes to names. Every protocol is a folder of the same shape; all are sans-IO: bytes in, names out.

pub mod dns;
pub mod http;
pub mod quic;
pub mod tls;
