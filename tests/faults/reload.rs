//! Rules that are replaced again and again: the sets that are no longer in force are given back.

use crate::lab::daemon::{Daemon, Settings};
use crate::lab::namespace::{inside, run_inside};

#[test]
fn memory_does_not_grow_with_reloads() {
    run_inside("reload::inside_again_and_again");
}

#[test]
fn a_reload_says_that_a_changed_configuration_needs_a_restart() {
    run_inside("reload::inside_changed");
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_changed() {
    if !inside() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let config = Settings::new(temp.path()).write(temp.path());
    let mut daemon = Daemon::start(&config, temp.path());
    let reload = |daemon: &mut Daemon| {
        let before = daemon.metric("stakeout_rule_set_generation", "");
        daemon.signal("HUP");
        daemon.wait_for("the next rules", |d| d.metric("stakeout_rule_set_generation", "") > before);
        daemon.log().matches("config_not_taken_up").count()
    };
    assert_eq!(reload(&mut daemon), 0, "nothing has changed");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("buffer = \"16MiB\"", "buffer = \"32MiB\"")).unwrap();
    assert_eq!(reload(&mut daemon), 1);
    assert!(daemon.log().contains("restart"), "{}", daemon.log());
    assert!(daemon.stop().success(), "{}", daemon.log());
}

#[test]
#[ignore = "run by another test, in a namespace"]
fn inside_again_and_again() {
    if !inside() {
        return;
    }
    let temp = tempfile::tempdir().unwrap();
    let block = (0..150_000).map(|n| format!("some-rather-long-name-{n}.example\n")).collect();
    let settings = Settings { block, ..Settings::new(temp.path()) };
    let mut daemon = Daemon::start(&settings.write(temp.path()), temp.path());
    // One after the other without a pause, so that the daemon never finds nothing to do.
    let mut reload_until = |generation: u32| {
        let loaded = |d: &Daemon| d.metric("stakeout_rule_set_generation", "");
        let mut now = loaded(&daemon);
        while now < f64::from(generation) {
            daemon.signal("HUP");
            daemon.wait_for("the next rules", |d| loaded(d) > now);
            now = loaded(&daemon);
        }
        daemon.memory()
    };
    let before = reload_until(20);
    let after = reload_until(80);
    // Sixty sets of 150,000 names are more than 200 MiB.
    let grown = after.saturating_sub(before) >> 20;
    assert!(grown < 100, "{grown} MiB more after sixty reloads");
    assert!(daemon.stop().success(), "{}", daemon.log());
}
