//! Definitions: what is read, what is refused and why, and that there is one way to write each.

use super::*;

const SMALL: &str = "[[source]]\nid = \"x\"\ntitle = \"X\"\nauthority = \"A\"\njurisdictions = [\"CH\"]\naction = \"block\"\nformat = \"plain\"\n";

fn problems(text: &str) -> String {
    read(text).unwrap_err().iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn a_small_definition_has_the_defaults() {
    let source = read(SMALL).unwrap().remove(0);
    assert_eq!((source.place.clone(), source.verified, source.min_count), (Place::Typed, false, 1));
    assert_eq!((source.timeout, source.max_bytes), (Span::secs(180), ByteSize::mib(64)));
    assert_eq!((source.max_growth, source.max_shrink), (Percent::whole(5), Percent::whole(5)));
    assert_eq!(source.missing(), ["legal_basis", "reference"]);
}

#[test]
fn every_mistake_is_told_with_its_line() {
    for (more, told) in [
        ("legal_bases = \"x\"", "8:14: error: unknown field `legal_bases` in [[source]]; did you mean `legal_basis`?"),
        ("url = \"http://example.org/list\"", "begins with https://"),
        ("url = \"https://user@example.org/list\"", "without a user in it"),
        ("file = \"list.txt\"", "is no absolute path"),
        ("url = \"https://a.example/\"\npush = true", "`url` and `push` say two places"),
        ("verified = true", "what people type in needs two signatures"),
        ("schedule = \"1h\"", "`schedule` is for what can be fetched"),
        ("max_growth = \"5\"", "a part is a number and `%`"),
        ("stated_count = \"header:x\"", "one of \"comment:WORD\""),
        ("min_count = 0", "out of range"),
        ("only = \"gambling\"", "only = \\\"column=value\\\""),
        ("columns = { nam = \"x\" }", "did you mean `name`?"),
        ("notes = 7", "not a text"),
    ] {
        let told_text = problems(&format!("{SMALL}{more}\n"));
        let told = told.replace("\\\"", "\"");
        let told =
            told.split_once(": error").filter(|_| told.starts_with('8')).map_or(told.clone(), |(_, rest)| rest.into());
        assert!(told_text.contains(&told) && told_text.starts_with(['8', '9']), "{more}: {told_text}");
    }
    for (from, to, told) in [
        ("\"CH\"", "\"Switzerland\"", "is not a code of ISO 3166"),
        ("\"CH\"", "", "has 0 items"),
        ("\"block\"", "\"deny\"", "which is no choice"),
        ("\"plain\"", "\"plian\"", "did you mean \"plain\"?"),
        ("\"x\"", "\"X y\"", "write 1 to 64 of a-z"),
        ("title = \"X\"\n", "", "`title` is missing"),
        ("action = \"block\"\n", "", "`action` is missing"),
    ] {
        assert!(problems(&SMALL.replace(from, to)).contains(told), "{to}: {}", problems(&SMALL.replace(from, to)));
    }
    assert!(problems("").contains("there is no [[source]]"));
    assert!(problems(&format!("{SMALL}{SMALL}")).contains("two definitions have the id \"x\""));
    assert!(problems("[[source]\n").contains("not valid TOML"));
    assert!(problems(&format!("{SMALL}directory = \"/a\"\n")).contains("a `directory` needs a `pattern`"));
    assert!(problems(&format!("{SMALL}directory = \"/a\"\npattern = \"/x\"\n")).contains("`pattern`: "));
    assert!(
        problems(&format!("{SMALL}url = \"https://a.example\"\nother_hosts = [\"a/b\"]\n"))
            .contains("no name of a host")
    );
}

#[test]
fn a_definition_has_one_canonical_form() {
    let full = format!(
        "{SMALL}legal_basis = 'a \"law\"'\nreference = \"r\\\\x\"\ndeadline = \"2d\"\nurl = \"https://a.example/list?x=1\"\n\
         schedule = \"90m\"\ntimeout = \"3m\"\nmax_bytes = \"1GiB\"\nmodification_url = \"https://a.example/time\"\nverified = true\n\
         min_count = 7\nmax_growth = \"0.5%\"\nmax_shrink = \"30%\"\nstated_count = \"greatest:Lp\"\nonly = \"kind=gambling\"\n\
         notes = \"\"\"\nTwo\nlines\"\"\"\n[source.columns]\nname = \"Domain\"\nreference = \"No.\"\n[source.pointers]\nname = \"/rows/*/url\"\n"
    );
    let others = [
        SMALL.to_owned(),
        format!("{SMALL}file = \"/a/b\"\nverified = true\n"),
        format!("{SMALL}directory = \"/a/b\"\npattern = \"list_{{date}}.txt\"\n"),
        format!(
            "{SMALL}url = \"https://a.example/\"\npattern = \"list_{{number}}.txt\"\naccept = \"text/plain\"\n\
             other_hosts = [\"b.example\", \"c.example\"]\nmislabelled = true\n"
        ),
        format!("{SMALL}push = true\n"),
    ];
    for text in std::iter::once(full).chain(others) {
        let source = read(&text).unwrap().remove(0);
        let canonical = source.canonical();
        let again = read(&canonical).unwrap_or_else(|problems| panic!("{problems:?}\n{canonical}"));
        assert_eq!(again, [source], "{canonical}");
        assert_eq!(again[0].canonical(), canonical);
    }
    // Another spelling is the same definition.
    let spelt = SMALL
        .replace("title = \"X\"", "title = '''X''' # comment")
        .replace("[[source]]\n", "[[source]]\nmax_growth = \"5.0%\"\n");
    assert_eq!(read(&spelt).unwrap()[0].canonical(), read(SMALL).unwrap()[0].canonical());
}

#[test]
fn a_list_holds_in_its_places_and_their_parts() {
    let source = read(&SMALL.replace("\"CH\"", "\"CH\", \"US-NJ\"")).unwrap().remove(0);
    let places = ["CH", "CH-ZH", "US-NJ", "US", "US-NY", "DE"];
    assert_eq!(places.map(|place| source.holds_in(place.parse().unwrap())), [true, true, true, false, false, false]);
}

#[test]
fn the_catalogue_is_whole() {
    let sources = read(CATALOGUE).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(sources, catalogue());
    assert!(sources.len() >= 20);
    for source in &sources {
        let country: String = source.id.chars().take(2).collect();
        assert_eq!(source.jurisdictions, [country.to_uppercase().parse().unwrap()], "{}", source.id);
        assert!(source.missing().is_empty() && !source.notes.is_empty(), "{}", source.id);
        assert!(matches!(source.action, Action::Block | Action::Licensed), "{}", source.id);
    }
    let verified: Vec<&str> =
        sources.iter().filter(|source| source.verified).map(|source| source.id.as_str()).collect();
    assert_eq!(
        verified,
        ["pl-hazard"],
        "what comes without people is named here, so that nobody adds to it by the way"
    );
}
