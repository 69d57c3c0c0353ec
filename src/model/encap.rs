//! What a packet was wrapped in, outermost first: a bounded list of codes that copies like an integer.

/// One header between the link layer and the innermost transport header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Encap {
    /// IEEE 802.1Q tag.
    Vlan,
    /// Outer tag of two (802.1ad 0x88a8, or 0x8100/0x9100 before another tag).
    Qinq,
    /// MPLS label stack (RFC 3032), with or without a pseudowire (RFC 4448).
    Mpls,
    /// PPPoE session (RFC 2516).
    Pppoe,
    /// PPP framing, alone or inside a tunnel (RFC 1661).
    Ppp,
    /// GRE (RFC 2784, 2890) or PPTP's enhanced GRE (RFC 2637).
    Gre,
    /// ERSPAN (draft-foschiano-erspan).
    Erspan,
    /// VXLAN (RFC 7348).
    Vxlan,
    /// Geneve (RFC 8926).
    Geneve,
    /// GTP-U (3GPP TS 29.281).
    GtpU,
    /// IPv4 in IPv4 (RFC 2003).
    IpInIp,
    /// IPv6 in IPv4 (RFC 4213).
    SixInFour,
    /// IPv4 in IPv6 (RFC 2473).
    FourInSix,
    /// IPv6 in IPv6 (RFC 2473).
    SixInSix,
    /// Teredo (RFC 4380).
    Teredo,
    /// IPv6 extension headers other than a fragment header (RFC 8200).
    Ipv6Ext,
    /// IPsec authentication header (RFC 4302).
    Ah,
    /// Reassembled from IPv4 fragments (RFC 791).
    Ipv4Frag,
    /// Reassembled from IPv6 fragments (RFC 8200 section 4.5).
    Ipv6Frag,
    /// IEEE 802.11 data frame.
    Wifi,
    /// L2TPv2 or v3 data (RFC 2661, 3931).
    L2tp,
    /// CAPWAP data (RFC 5415).
    Capwap,
    /// Network service header (RFC 8300).
    Nsh,
    /// Provider backbone bridge (802.1ah).
    Pbb,
    /// Cisco HDLC.
    CiscoHdlc,
    /// Vendor tag between the MAC addresses and the EtherType, or another link shim that was stepped over.
    LinkShim,
}

impl Encap {
    /// The name in output, lower case; stable across versions.
    pub const fn name(self) -> &'static str {
        match self {
            Encap::Vlan => "vlan",
            Encap::Qinq => "qinq",
            Encap::Mpls => "mpls",
            Encap::Pppoe => "pppoe",
            Encap::Ppp => "ppp",
            Encap::Gre => "gre",
            Encap::Erspan => "erspan",
            Encap::Vxlan => "vxlan",
            Encap::Geneve => "geneve",
            Encap::GtpU => "gtp-u",
            Encap::IpInIp => "ip-in-ip",
            Encap::SixInFour => "6in4",
            Encap::FourInSix => "4in6",
            Encap::SixInSix => "6in6",
            Encap::Teredo => "teredo",
            Encap::Ipv6Ext => "ipv6-ext",
            Encap::Ah => "ah",
            Encap::Ipv4Frag => "ipv4-frag",
            Encap::Ipv6Frag => "ipv6-frag",
            Encap::Wifi => "802.11",
            Encap::L2tp => "l2tp",
            Encap::Capwap => "capwap",
            Encap::Nsh => "nsh",
            Encap::Pbb => "802.1ah",
            Encap::CiscoHdlc => "c-hdlc",
            Encap::LinkShim => "link-shim",
        }
    }
}

/// The headers a packet was wrapped in, outermost first, at most [`EncapChain::MAX`].
#[derive(Clone, Copy, Debug)]
pub struct EncapChain {
    len: u8,
    items: [Encap; EncapChain::MAX],
}

impl EncapChain {
    /// The deepest chain that is decoded; a frame beyond it is counted and left.
    pub const MAX: usize = 15;

    /// No encapsulation.
    #[inline]
    pub const fn new() -> Self {
        EncapChain { len: 0, items: [Encap::Vlan; Self::MAX] }
    }

    /// Adds the next inner header; false if the chain is full.
    #[inline]
    #[must_use]
    pub fn push(&mut self, encap: Encap) -> bool {
        let Some(slot) = self.items.get_mut(usize::from(self.len)) else { return false };
        *slot = encap;
        self.len += 1;
        true
    }

    /// The headers, outermost first.
    #[inline]
    pub fn as_slice(&self) -> &[Encap] {
        &self.items[..usize::from(self.len)]
    }
}

impl Default for EncapChain {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for EncapChain {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for EncapChain {}
