//! What SVCB and HTTPS records (RFC 9460) say about a service: addresses in advance, and whether its hellos hide
//! their name.

use super::name::skip_name;
use crate::model::Addr;

/// SvcParamKeys (RFC 9460 section 14.3.2; `ech` by RFC 9848).
const IPV4_HINT: u16 = 4;
const ECH: u16 = 5;
const IPV6_HINT: u16 = 6;

/// Reads the RDATA at `rdata` of `message`: calls `addr` for each address hint and tells whether an `ech` parameter is
/// there. `None` if the RDATA is malformed; hints before the fault have then been given.
///
/// In AliasMode (priority 0) parameters mean nothing and are not read (RFC 9460 section 2.4.2).
pub(super) fn read_params(message: &[u8], rdata: std::ops::Range<usize>, mut addr: impl FnMut(Addr)) -> Option<bool> {
    let message = message.get(..rdata.end)?;
    let priority = message.get(rdata.start..)?.first_chunk::<2>()?;
    let params = skip_name(message, rdata.start + 2)?;
    let mut rest = message.get(params..)?;
    if *priority == [0, 0] {
        return Some(false);
    }
    let mut ech = false;
    while let Some(([k0, k1, l0, l1], tail)) = rest.split_first_chunk::<4>() {
        let (value, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes([*l0, *l1])))?;
        rest = tail;
        match u16::from_be_bytes([*k0, *k1]) {
            IPV4_HINT => {
                let (hints, odd) = value.as_chunks::<4>();
                hints.iter().for_each(|a| addr(Addr::v4(*a)));
                odd.is_empty().then_some(())?;
            }
            IPV6_HINT => {
                let (hints, odd) = value.as_chunks::<16>();
                hints.iter().for_each(|a| addr(Addr::v6(*a)));
                odd.is_empty().then_some(())?;
            }
            ECH => ech = true,
            _ => {}
        }
    }
    rest.is_empty().then_some(ech)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rdata: &[u8]) -> (Option<bool>, Vec<Addr>) {
        let message = [&[0xff; 20], rdata, &[0xff; 20]].concat();
        let mut addrs = Vec::new();
        let ech = read_params(&message, 20..20 + rdata.len(), |a| addrs.push(a));
        (ech, addrs)
    }

    #[test]
    fn service_mode_gives_hints_and_ech() {
        // RFC 9460 appendix D.2, with hints and an ech value added: priority 1, target ".".
        let rdata = b"\x00\x01\x00\x00\x01\x00\x03\x02h2\x00\x04\x00\x08\xc0\x00\x02\x01\xc0\x00\x02\x02\
            \x00\x05\x00\x04\xfe\x0d\x00\x00\x00\x06\x00\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01";
        let (ech, addrs) = read(rdata);
        assert_eq!(ech, Some(true));
        let mut v6 = [0; 16];
        (v6[0], v6[1], v6[2], v6[3], v6[15]) = (0x20, 0x01, 0x0d, 0xb8, 1);
        assert_eq!(addrs, [Addr::v4([192, 0, 2, 1]), Addr::v4([192, 0, 2, 2]), Addr::v6(v6)]);
        for cut in 0..rdata.len() {
            // Cuts between parameters leave a whole, shorter record; no cut may panic or read what lies behind.
            read(&rdata[..cut]);
        }
    }

    #[test]
    fn alias_mode_has_no_parameters() {
        assert_eq!(read(b"\x00\x00\x03foo\x07example\x00"), (Some(false), vec![]));
        assert_eq!(read(b"\x00\x00\x00\x00\x05\x00\x00"), (Some(false), vec![]));
    }

    #[test]
    fn faults_are_told() {
        assert_eq!(read(b"\x00").0, None);
        assert_eq!(read(b"\x00\x01\x03fo").0, None);
        assert_eq!(read(b"\x00\x01\x00\x00\x04\x00\x05\x01\x02\x03\x04\x05").0, None);
        assert_eq!(read(b"\x00\x01\x00\x00\x04\x00\x08\x01\x02\x03\x04").0, None);
        assert_eq!(read(b"\x00\x01\x00\x00\x05\x00").0, None);
    }
}
