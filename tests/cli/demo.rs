//! `demo`: what a newcomer sees first.

use super::run;

#[test]
fn the_demo_finds_every_visit_and_says_so() {
    for seed in ["1", "2", "77"] {
        let ran = run(&["demo", "--seed", seed]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(ran.out.contains("every one of them, and no other"), "seed {seed}: {}", ran.out);
        for words in
            ["BLOCKED SITE", "visits to blocked sites were sent", "recorded no client's address", "Next: stakeout scan"]
        {
            assert!(ran.out.contains(words), "{words}: {}", ran.out);
        }
        // Columns that fit a terminal.
        assert!(ran.out.lines().take(18).all(|l| l.chars().count() <= 120), "{}", ran.out);
    }
}

#[test]
fn a_seed_makes_the_same_demo_every_time() {
    let told = |seed| -> String {
        let out = run(&["demo", "--seed", seed]).out;
        out.lines().filter(|l| !l.starts_with("cost") && !l.starts_with("rules")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(told("5"), told("5"));
    assert_ne!(told("5"), told("6"));
}
