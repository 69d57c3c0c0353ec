//! Criterion with short settings, for every bench: the whole of `cargo bench` takes two or three minutes, and tells a
//! change of five per cent, which is all that a shared machine can tell.

use std::time::Duration;

use criterion::Criterion;

pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_000))
        .sample_size(30)
        .nresamples(10_000)
}
