//! tls

pub mod build;
