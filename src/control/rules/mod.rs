//! The control side of rules: what is done with them between an authority's register and a sensor.

pub mod impact;
