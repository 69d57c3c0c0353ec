//! Bad input and bad surroundings, against the whole program: damaged captures and rule files, a daemon that must not
//! start, disks that fill up, floods, and traffic that is none of its business.

mod bundles;
mod captures;
mod commands;
mod disk;
mod kinds;
mod lab;
mod live;
mod memory;
mod reload;
mod start;
mod stuck;
