//! TLS: a hello over any number of records and segments.

use proptest::prelude::*;
use stakeout::extract::tls::build::{HelloSpec, client_hello};
use stakeout::model::{Kind, Proto};

use crate::frames::links;
use crate::mess::{any_syn, interleaved, messes};
use crate::{cases, found};

fn hellos() -> impl Strategy<Value = HelloSpec> {
    (
        any::<[bool; 4]>(),
        prop::option::of(0usize..300),
        prop::collection::vec((1000u16..2000, 0usize..400), 0..3),
        any::<u64>(),
    )
        .prop_map(|([post_quantum, grease, shuffle, old], ech, extra, seed)| HelloSpec {
            post_quantum,
            grease,
            ech,
            shuffle,
            versions: if old { Vec::new() } else { vec![0x0304, 0x0303] },
            alpn: vec![b"h2".to_vec()],
            extra: extra.into_iter().map(|(kind, len)| (kind, vec![0x47; len])).collect(),
            seed,
            ..HelloSpec::default()
        })
}

/// The hello in records that end at the given places.
fn in_records(hello: &[u8], cuts: &[prop::sample::Index]) -> Vec<u8> {
    let mut ends: Vec<usize> = cuts.iter().map(|i| 1 + i.index(hello.len() - 1)).chain([hello.len()]).collect();
    ends.sort_unstable();
    ends.dedup();
    let mut out = Vec::new();
    let mut start = 0;
    for end in ends {
        out.extend([0x16, 3, 1]);
        out.extend(((end - start) as u16).to_be_bytes());
        out.extend(&hello[start..end]);
        start = end;
    }
    out
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn every_hello_is_found_once(
        flows in prop::collection::vec(
            (hellos(), prop::collection::vec(any::<prop::sample::Index>(), 0..5), messes(any_syn(), 12), 0usize..40),
            1..4,
        ),
        link in links(),
        port in prop::sample::select(vec![443u16, 80, 8_443, 61_234]),
    ) {
        let mut expected = Vec::new();
        let mut packets = Vec::new();
        for (n, (spec, records, mess, after)) in flows.into_iter().enumerate() {
            let name = format!("shop-{n}.example");
            let spec = HelloSpec { sni: Some(name.clone().into_bytes()), ..spec };
            let mut stream = in_records(&client_hello(&spec), &records);
            // The client's next flight, in the same segment as the hello's end or not.
            stream.extend([&[0x14, 3, 3, 0, 1, 1, 0x17, 3, 3, 2, 0][..], &[0x16; 40]].concat().iter().take(after));
            expected.push((Proto::Tls, Kind::Sni, name));
            packets.push(mess.packets(&stream, true));
        }
        prop_assert_eq!(found(&interleaved(&link, port, packets)), expected);
    }
}
