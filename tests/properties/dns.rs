//! DNS over TCP: messages cut anywhere; and over UDP in fragments.

use proptest::prelude::*;
use stakeout::model::{Kind, Proto};

use crate::frames::{Body, Packet, frames, links};
use crate::mess::{Syn, interleaved, known_start, messes};
use crate::{cases, found};

/// A query or a response for `name`, with a CNAME and padding in the response.
fn message(name: &str, response: bool, padding: usize) -> Vec<u8> {
    let mut out =
        vec![0x12, 0x34, if response { 0x81 } else { 1 }, 0, 0, 1, 0, u8::from(response), 0, 0, 0, u8::from(response)];
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.extend([0, 0, 1, 0, 1]);
    if response {
        out.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 7]);
        out.extend([0, 0, 16, 0, 1, 0, 0, 0, 60]);
        out.extend((padding as u16).to_be_bytes());
        out.resize(out.len() + padding, 0x61);
    }
    out
}

fn stream(messages: &[Vec<u8>]) -> Vec<u8> {
    messages.iter().flat_map(|m| [&(m.len() as u16).to_be_bytes()[..], m].concat()).collect()
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn every_message_of_a_tcp_stream_is_found_once(
        up in (prop::collection::vec(0usize..900, 1..6), messes(known_start(), 10)),
        down in (prop::collection::vec(0usize..900, 1..6), messes(Just(Syn::Seen), 10)),
        link in links(),
    ) {
        let mut expected = Vec::new();
        let mut flows = Vec::new();
        // Each direction in a flow of its own: what is cut in one does not hide behind the other.
        for ((sizes, mess), is_up) in [(&up, true), (&down, false)] {
            let kind = if is_up { Kind::Query } else { Kind::Answer };
            let names: Vec<String> = (0..sizes.len()).map(|n| format!("host-{n}.{}.example", kind.name())).collect();
            let messages: Vec<_> = names.iter().zip(sizes).map(|(name, padding)| message(name, !is_up, *padding)).collect();
            expected.extend(names.into_iter().map(|name| (Proto::Dns, kind, name)));
            flows.push(mess.packets(&stream(&messages), is_up));
        }
        expected.sort_by(|a, b| a.2.cmp(&b.2));
        prop_assert_eq!(found(&interleaved(&link, 53, flows)), expected);
    }

    #[test]
    fn datagrams_are_found_however_they_are_wrapped(padding in 0usize..3_000, link in links(), again in any::<bool>()) {
        let packet = Packet { up: false, flow: 1, server_port: 53, body: Body::Udp(message("a.example", true, padding)) };
        let mut sent = frames(&link, &packet, 9);
        if again {
            sent.extend(sent.clone());
        }
        prop_assert_eq!(found(&sent), vec![(Proto::Dns, Kind::Answer, "a.example".to_owned())]);
    }
}
