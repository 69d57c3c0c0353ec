//! What only the machine can tell, on files made for it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use jiff::civil::date;
use tempfile::TempDir;

use super::*;

const TODAY: Date = date(2026, 11, 24);

const CONFIG: &str = r#"[sensor]
jurisdictions = ["PL"]
[legal]
basis = "Gambling Act"
reference = "Order 7"
contact = "noc@isp.test"
review_date = 2027-06-30
scope = ["dns"]
[capture]
interfaces = ["lo"]
[[rules]]
list = "demo"
path = "list.txt"
authority = "Test authority"
jurisdictions = ["PL"]
legal_basis = "Gambling Act"
reference = "Register 1"
[output.events]
path = "out/events.jsonl"
"#;

/// A directory in which `CONFIG` is good.
fn place() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("list.txt"), "casino.test\n").unwrap();
    fs::create_dir(dir.path().join("out")).unwrap();
    dir
}

fn three_rules(_: &RuleSource) -> Result<RuleSummary, String> {
    Ok(RuleSummary { rules: 3, ..RuleSummary::default() })
}

fn report(dir: &TempDir, text: &str, rules: &dyn Fn(&RuleSource) -> Result<RuleSummary, String>) -> CheckReport {
    let file = dir.path().join("stakeout.toml");
    fs::write(&file, text).unwrap();
    check(&file, TODAY, rules).unwrap()
}

fn told(dir: &TempDir, text: &str) -> Vec<String> {
    report(dir, text, &three_rules).problems.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn told_once(problems: &[String], start: &str, also: &str) {
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].starts_with(start) && problems[0].contains(also), "{:?}", problems[0]);
}

#[test]
fn a_good_configuration_leaves_nothing_behind() {
    let dir = place();
    let report = report(&dir, CONFIG, &three_rules);
    assert_eq!(report.problems, []);
    assert_eq!(report.lists, [("demo".to_owned(), RuleSummary { rules: 3, ..RuleSummary::default() })]);
    let config = report.config.unwrap();
    assert_eq!(config.rules[0].path, dir.path().join("list.txt"));
    assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), 0);
}

#[test]
fn rule_files_are_looked_at() {
    let dir = place();
    fs::remove_file(dir.path().join("list.txt")).unwrap();
    told_once(&told(&dir, CONFIG), "13:8: error: rule file ", "list.txt: there is no such file");
    fs::create_dir(dir.path().join("list.txt")).unwrap();
    told_once(&told(&dir, CONFIG), "13:8: error: rule file ", "list.txt: this is a directory");
    told_once(&told(&dir, &CONFIG.replace("list.txt", "/dev/null")), "13:8: error: rule file ", "no regular file");
}

#[test]
fn what_the_rule_loader_says_is_told() {
    let dir = place();
    let tell = |result: Result<RuleSummary, String>| {
        let r = report(&dir, CONFIG, &|_| result.clone());
        (r.problems.iter().map(ToString::to_string).collect::<Vec<_>>(), r.config.is_some())
    };
    let (p, good) = tell(Err("line 1: not XML".into()));
    told_once(&p, "13:8: error: rule file ", "list.txt: line 1: not XML; `stakeout rules lint ");
    assert!(!good);
    let (p, good) = tell(Ok(RuleSummary::default()));
    told_once(&p, "13:8: error: rule file ", "holds no rule");
    assert!(!good);
    let (p, good) = tell(Ok(RuleSummary { rules: 5, rejected: 2, first_rejected: Some("line 7: empty label".into()) }));
    told_once(&p, "13:8: warning: rule file ", "2 entries are rejected, first line 7: empty label");
    assert!(good);
}

#[test]
fn lists_that_cannot_find_anything_are_told() {
    let dir = place();
    let text = CONFIG.replace("path = \"list.txt\"\n", "path = \"list.txt\"\naction = \"allow\"\n");
    told_once(&told(&dir, &text), "11:1: warning: all lists allow", "");
    let text = CONFIG.replace("[output.events]", "[[rules]]\nlist = \"b\"\npath = \"list.txt\"\n[output.events]");
    told_once(&told(&dir, &text), "20:8: warning: rule file ", "is in another list too");
}

#[test]
fn the_calendar_and_the_machine_warn() {
    let dir = place();
    let p = told(&dir, &CONFIG.replace("2027-06-30", "2026-11-23"));
    told_once(&p, "7:15: warning: the review date 2026-11-23 has passed (today is 2026-11-24)", "next review");
    assert!(told(&dir, &CONFIG.replace("2027-06-30", "2026-11-24")).is_empty());
    let p = told(&dir, &CONFIG.replace("\"lo\"", "\"lo\", \"nosuch0\""));
    told_once(&p, "10:21: warning: there is no interface \"nosuch0\"", "ip link");
    let p = told(&dir, &CONFIG.replace("noc@isp.test", "noc@isp.example"));
    told_once(&p, "6:11: warning: `legal.contact` still looks like an example", "");
}

#[test]
fn the_place_for_resolvers_is_looked_at() {
    let dir = place();
    let with = |settings: &str| told(&dir, &format!("{CONFIG}[dnstap]\n{settings}\n"));
    assert!(with("socket = \"tap.sock\"").is_empty());
    told_once(&with("socket = \"nowhere/tap.sock\""), "21:10: error: `dnstap.socket`: there is no directory", "create");
    let p = with("socket = \"tap.sock\"\nsocket_group = \"no-such-group\"");
    told_once(&p, "22:16: error: there is no group \"no-such-group\"", "resolver");
}

#[test]
fn a_list_for_another_place_is_told() {
    let dir = place();
    let text = CONFIG.replacen("jurisdictions = [\"PL\"]", "jurisdictions = [\"CH\", \"LI\"]", 1);
    told_once(&told(&dir, &text), "15:17: warning: the list demo holds nowhere that this sensor serves (CH, LI)", "");
    let text = CONFIG.replacen("jurisdictions = [\"PL\"]", "jurisdictions = [\"CH\", \"PL-14\"]", 1);
    assert!(told(&dir, &text).is_empty(), "a country's order holds in its parts");
}

#[test]
fn any_interface_stands_alone() {
    let dir = place();
    assert!(told(&dir, &CONFIG.replace("\"lo\"", "\"any\"")).is_empty());
    told_once(&told(&dir, &CONFIG.replace("\"lo\"", "\"lo\", \"any\"")), "10:14: warning: \"any\" is all", "alone");
}

#[test]
fn a_broken_line_is_told_once() {
    let dir = place();
    let p = told(&dir, &CONFIG.replace("\"list.txt\"", "nowhere"));
    told_once(&p, "13:8: error: not valid TOML: the value is a bare word", "double quotes");
    // What is missing from the whole file is no matter of its first line.
    let p = told(&dir, "nonsense\n");
    assert_eq!(
        p.iter().filter(|p| p.contains("is missing") || p.contains("there is no [[rules]]")).count(),
        4,
        "{p:#?}"
    );
    assert_eq!(p.iter().filter(|p| p.contains("nonsense") || p.contains("not valid TOML")).count(), 1, "{p:#?}");
}

#[test]
fn resolvers_that_swallow_subscribers_are_told() {
    let dir = place();
    let with = |networks: &str| told(&dir, &format!("{CONFIG}[networks]\n{networks}\n"));
    let p = with("subscribers = [\"192.0.2.0/24\", \"10.1.0.0/16\"]\nresolvers = [\"10.0.0.0/8\"]");
    told_once(&p, "21:32: warning: subscriber range 10.1.0.0/16 lies within resolver range 10.0.0.0/8", "");
    assert!(with("subscribers = [\"10.0.0.0/8\"]\nresolvers = [\"10.0.0.53\"]").is_empty());
}

#[test]
fn outputs_must_be_writable() {
    let dir = place();
    told_once(
        &told(&dir, &CONFIG.replace("out/", "nowhere/")),
        "19:8: error: `output.events.path`: there is no directory",
        "create it",
    );
    told_once(&told(&dir, &CONFIG.replace("out/", "list.txt/")), "19:8: error: `output.events.path`: ", "list.txt");
    fs::create_dir(dir.path().join("out/events.jsonl")).unwrap();
    told_once(&told(&dir, CONFIG), "19:8: error: `output.events.path`: ", "is no regular file");
    fs::remove_dir(dir.path().join("out/events.jsonl")).unwrap();
    // Root may write anywhere, but not into a directory of the kernel's.
    let p = told(&dir, &CONFIG.replace("out/events.jsonl", "/proc/self/events.jsonl"));
    told_once(&p, "19:8: error: `output.events.path`: /proc/self: ", "let the user that runs stakeout write there");
    let p = told(&dir, &format!("{CONFIG}[output.eve]\npath = \"nowhere/eve.json\"\n"));
    told_once(&p, "21:8: error: `output.eve.path`: there is no directory", "");
}

#[test]
fn files_without_permission_are_told() {
    let dir = place();
    let list = dir.path().join("list.txt");
    fs::set_permissions(&list, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&list).is_ok() {
        // Root reads everything: nothing to see here.
        return;
    }
    told_once(&told(&dir, CONFIG), "13:8: error: rule file ", "permission denied");
}

#[test]
fn a_missing_default_output_directory_is_told_at_the_start_of_the_file() {
    let dir = place();
    let text = CONFIG.split("[output.events]").next().unwrap();
    if Path::new("/var/log/stakeout").exists() {
        return;
    }
    told_once(&told(&dir, text), "1:1: error: `output.events.path`: there is no directory /var/log/stakeout", "");
}

#[test]
fn files_that_are_no_configuration() {
    let dir = place();
    let err = |path: &Path| check(path, TODAY, &three_rules).unwrap_err().to_string();
    assert!(
        err(&dir.path().join("none.toml"))
            .ends_with("none.toml: there is no such file; name the configuration with --config")
    );
    assert!(err(dir.path()).contains("this is a directory"));
    assert!(err(Path::new("/dev/zero")).contains("longer than 1048576 octets"));

    let file = dir.path().join("latin.toml");
    let mut octets = CONFIG.as_bytes().to_vec();
    octets.extend_from_slice(b"# caf\xe9\n[log]\nlevel = 5\n");
    fs::write(&file, octets).unwrap();
    let report = check(&file, TODAY, &three_rules).unwrap();
    let p: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
    assert_eq!(p.len(), 2, "{p:#?}");
    assert!(p[0].starts_with("20:6: error: from here on this is not UTF-8"), "{p:#?}");
    assert!(p[1].starts_with("22:9: error: `log.level` is an integer"), "{p:#?}");

    let empty = dir.path().join("empty.toml");
    fs::write(&empty, "").unwrap();
    assert!(check(&empty, TODAY, &three_rules).unwrap().errors() >= 3);
}

#[test]
fn the_report_is_lines_and_a_summary() {
    let dir = place();
    let text = CONFIG.replace("\"lo\"", "\"nosuch0\"").replace("\"dns\"", "\"smtp\"");
    let report = report(&dir, &text, &three_rules);
    let mut out = Vec::new();
    report.write_to(&mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    let file = dir.path().join("stakeout.toml");
    let lines: Vec<&str> = out.lines().map(|l| l.strip_prefix(file.to_str().unwrap()).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{out}");
    assert!(lines[0].starts_with(":8:10: error: item 1 of `legal.scope`"), "{out}");
    assert!(lines[1].starts_with(":10:15: warning: "), "{out}");
    assert_eq!(lines[2], ": 1 error and 1 warning: `stakeout run` would not start");
}
