//! Requests, rule lists and configurations.

use stakeout::matching::{Format, ListMeta, RuleSetBuilder, parse, save};
use stakeout::model::Action;
use stakeout_fuzz::samples;

use super::{Seeds, with_cuts};

pub(super) fn requests() -> Seeds {
    let texts: [&[u8]; 14] = [
        b"GET / HTTP/1.1\r\nHost: www.lucky-7.example:8080\r\n\r\n",
        b"\r\n\nGET /a b HTTP/1.0\nhost :  Casino.Example. \n\n",
        b"GET http://user:pw@www.lucky-7.example/x?y=http://z HTTP/1.1\r\nHost: other.example\r\n\r\n",
        b"CONNECT www.lucky-7.example:443 HTTP/1.1\r\nHost: www.lucky-7.example:443\r\n\r\n\x16\x03\x01",
        b"GET / HTTP/1.1\r\nHost: 192.0.2.7\r\nHost: [2001:db8::7]:80\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost:\r\n www.lucky-7.example\r\nUpgrade: websocket\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4;x=y\r\nWiki\r\nB\r\n in\r\nchunks.\r\n0\r\nT: x\r\n\r\nGET",
        b"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5, 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\nHost: a.example\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        b"PROPFIND /dav HTTP/1.1\r\nHost: a.example\r\nContent-Length:\r\n 5\r\n\r\n",
        b"OPTIONS sip:a@example.com SIP/2.0\r\n",
        b"GET / HTTP/1.1\r\nHost: cut.exam",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    let mut seeds: Seeds = texts.iter().map(|text| with_cuts(&[3, 20, 60], text)).collect();
    seeds.push(with_cuts(&[], samples::HTTP_STREAM));
    seeds
}

pub(super) fn lists() -> Seeds {
    let demo = include_bytes!("../../../rules/demo.txt");
    let allow = include_bytes!("../../../rules/demo-allow.txt");
    let texts: [&[u8]; 9] = [
        &demo[..900],
        allow,
        b"\xef\xbb\xbf# list\r\n0.0.0.0 casino.example www.casino.example # both\r\n127.0.0.1 localhost\r\n::1 ip6-localhost\r\n",
        b"*.casino.example\n.b.example\nhttps://c.example/\nhttp://d.example/page\nd.example:8080\na@b.example\n192.0.2.0/24\n",
        "kasyno-\u{17c}\u{f3}\u{142}w.example\nxn--kasyno-w-g5a.example\n\u{43a}\u{430}\u{437}\u{438}\u{43d}\u{43e}.example\nstra\u{df}e.example\n".as_bytes(),
        b"com\nco.uk\nexample\n12 casino.example\ncas ino.example\ncasino..example\n-a.example\n_b.example\n",
        b"||casino.example^\nlocal=/casino.example/\naddress=/x.example/0.0.0.0\ncasino.example,1\n! comment\n; comment\n",
        b"\x1f\x8b\x08\x00",
        b"a\x00b.example\n",
    ];
    let mut seeds: Seeds = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        // Format to be found, plain, hosts.
        let formats: &[u8] = match i {
            0 => &[0],
            2 => &[0, 2],
            _ => &[0, 1],
        };
        seeds.extend(formats.iter().map(|format| [&[*format][..], text].concat()));
    }
    // The other syntaxes, each with its format said and to be found.
    let syntaxes: [(u8, &[u8]); 5] = [
        (3, b"[Adblock Plus 2.0]\n||casino.example^$all\n@@||b.example^\n||*.c.example^\n||d.example/page\n||b.example^\n@@||b.example^$badfilter\n|https://e.example^\nf.example##.ad\n/x[0-9]/\n"),
        (4, b"---\nname: x\n---\n*://*.casino.example/*\n*://b.example/*\n@*://*.c.example/*\n*://d.example/p/*\ntitle/x/\n"),
        (5, b"local=/casino.example/\naddress=/b.example/c.example/0.0.0.0\nserver=/d.example/#\nserver=/e.example/192.0.2.53\nlocal=/*.f.example/\n"),
        (6, b"server:\n  local-zone: \"casino.example\" redirect\n  local-data: \"casino.example 60 IN A 192.0.2.1\"\n  local-zone: 'b.example' always_transparent local-zone: a.casino.example transparent\n  local-data: 'c.example CNAME strict.bing.com'\n"),
        (7, b"$TTL 1h\n$ORIGIN rpz.test.\n@ SOA a. b. ( 1 ; x\n 2 3 4 5 )\n NS a.\ncasino.example CNAME .\n*.casino.example CNAME .\nb.example.rpz.test. CNAME rpz-passthru.\nc.example IN 60 A 192.0.2.1\n AAAA ::\n8.0.0.0.10.rpz-ip CNAME .\n"),
    ];
    seeds.extend(syntaxes.iter().flat_map(|(format, text)| [0, *format].map(|format| [&[format][..], text].concat())));
    seeds
}

/// Prebuilt sets, each behind sixteen octets of what is asked; their seeds are fresh, so these differ on every run.
pub(super) fn prebuilt() -> std::io::Result<Seeds> {
    let texts: [&[(Action, &str)]; 4] = [
        &[(Action::Block, "golden-dice.example\n")],
        &[(Action::Block, "a.b.casino.example\nx.test\n"), (Action::Allow, "casino.example\n")],
        &[
            (Action::Block, include_str!("../../../rules/demo.txt")),
            (Action::Allow, include_str!("../../../rules/demo-allow.txt")),
        ],
        &[(Action::Block, "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.example\n0.0.0.0 x.test\n")],
    ];
    let mut seeds = Seeds::new();
    for lists in texts {
        let mut builder = RuleSetBuilder::new();
        for (i, (action, text)) in lists.iter().enumerate() {
            let list = parse(text.as_bytes(), Format::Auto, 1 << 20).expect("a list of our own");
            builder.add_list(ListMeta { name: format!("list{i}").into(), action: *action }, list);
        }
        let path = std::env::temp_dir().join(format!("stakeout-seed-{}", std::process::id()));
        save(&builder.build().expect("a small set"), &path).expect("a writable directory for temporary files");
        let file = std::fs::read(&path)?;
        std::fs::remove_file(&path)?;
        seeds.push([b"\x04www.\x03abc\x05exampl", file.as_slice()].concat());
    }
    Ok(seeds)
}

pub(super) fn registers() -> Seeds {
    let demo = &include_bytes!("../../../rules/demo-register.xml")[..];
    let one = |inside: &str| {
        format!("<Rejestr xmlns=\"http://www.hazard.mf.gov.pl/2017/03/21/\"><PozycjaRejestru Lp=\"1\">{inside}</PozycjaRejestru></Rejestr>").into_bytes()
    };
    vec![
        demo.to_vec(),
        demo[..demo.len() - 40].to_vec(),
        one("<AdresDomeny>a&#x2e;casino.example</AdresDomeny>"),
        one("<AdresDomeny><![CDATA[ casino.example ]]></AdresDomeny><AdresDomeny>https://b.example/</AdresDomeny>"),
        one("<AdresDomeny/><DataWykreslenia></DataWykreslenia>"),
        one("<AdresDomeny>a&amp;b.example</AdresDomeny><x><y><z/></y></x>"),
        one("<AdresDomeny>kasyno-\u{17c}\u{f3}\u{142}w.example</AdresDomeny>"),
        b"<?xml version=\"1.0\" encoding=\"ISO-8859-2\"?><Rejestr/>".to_vec(),
        b"<!DOCTYPE html><html><body>error</body></html>".to_vec(),
        b"<!DOCTYPE x [<!ENTITY a \"b\">]><Rejestr>&a;</Rejestr>".to_vec(),
        b"<Rejestr xmlns=\"urn:other\"></Rejestr>".to_vec(),
        b"\xef\xbb\xbf <p:Rejestr xmlns:p='http://www.hazard.mf.gov.pl/2017/03/21/'><!-- c --></p:Rejestr>".to_vec(),
    ]
}

/// Without slashes other than those of address ranges; see the target.
pub(super) fn configs() -> Seeds {
    let legal = "[legal]\nbasis = \"Gambling Act\"\nreference = \"order 7/2026\"\ncontact = \"security office\"\nreview_date = 2027-06-30\nscope = [\"dns\", \"tls\"]\n";
    let rest = "[capture]\ninterfaces = [\"eth1\"]\n[[rules]]\nlist = \"pl\"\npath = \"list.txt\"\n";
    let events = "[output.events]\npath = \"events.jsonl\"\n";
    let full = "[sensor]\nname = \"s1\"\n[networks]\nsubscribers = [\"10.0.0.0/8\", \"2001:db8::/32\"]\nresolvers = [\"192.0.2.53\"]\ncgnat = [\"100.64.0.0/10\"]\n[findings]\nwindow = \"1h\"\nmax_open = 1_000\nsubscriber = \"pseudonym\"\n[output.eve]\npath = \"eve.json\"\nrotate_size = \"1MiB\"\nrotate_age = \"1h\"\nkeep = 3\n[http]\nlisten = \"127.0.0.1:9464\"\n[limits]\nflows = 1024\n[log]\nlevel = \"info\"\n";
    [
        format!("{legal}{rest}{events}"),
        format!("{legal}{rest}{events}{full}"),
        legal.to_owned(),
        String::new(),
        format!("{legal}{rest}{events}[findings]\nwindow = \"1x\"\nupdate_interval = 5\n[limts]\nflow = 1\n"),
        format!("[legal\nbasis = \n{rest}{rest}"),
        "a = 1\na = 2\n[b]\n[b]\n[[b]]\nc = [1, 'x', {d = 2}]\nd = \"\"\"\nopen".to_owned(),
        format!("{}{rest}", legal.replace("2027", "2020")),
    ]
    .map(String::into_bytes)
    .into()
}
