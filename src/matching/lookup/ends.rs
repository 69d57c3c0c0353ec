//! Where each bucket of the table begins and ends, in some two octets a bucket.
//!
//! Buckets come in groups of [`GROUP`], one group in half a cache line: the octet of the table where the group begins,
//! and for each bucket how far behind that it ends. If a group is longer than 64 KiB, which takes many lists of very
//! long names, every bucket's end stands there in full.

/// Buckets in a group.
pub(super) const GROUP: usize = 14;

/// The start of the group, low half first, and the ends of its buckets counted from there.
type Group = [u16; GROUP + 2];

/// The ends of all buckets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// In groups.
    Grouped { groups: Box<[Group]>, buckets: usize },
    /// One by one.
    Plain(Box<[u32]>),
}

impl Ends {
    /// From the ends one by one, which must not go down.
    pub(super) fn new(ends: &[u32]) -> Ends {
        let mut groups = Vec::with_capacity(ends.len().div_ceil(GROUP));
        let mut start = 0_u32;
        for chunk in ends.chunks(GROUP) {
            let mut group: Group = [0; GROUP + 2];
            let (head, offsets) = group.split_at_mut(2);
            head.copy_from_slice(&[start as u16, (start >> 16) as u16]);
            for (to, end) in offsets.iter_mut().zip(chunk) {
                let Ok(offset) = u16::try_from(end - start) else { return Ends::Plain(ends.into()) };
                *to = offset;
            }
            start = chunk.last().copied().unwrap_or(start);
            groups.push(group);
        }
        Ends::Grouped { groups: groups.into(), buckets: ends.len() }
    }

    /// From octets as [`Ends::to_octets`] gives them; none if there are not as many as `buckets` need.
    pub(super) fn from_octets(octets: &[u8], buckets: usize, grouped: bool) -> Option<Ends> {
        if !grouped {
            let (ends, rest) = octets.as_chunks::<4>();
            let ends: Box<[u32]> = ends.iter().map(|end| u32::from_le_bytes(*end)).collect();
            return (rest.is_empty() && ends.len() == buckets).then_some(Ends::Plain(ends));
        }
        let (chunks, rest) = octets.as_chunks::<{ size_of::<Group>() }>();
        let group = |octets: &[u8; size_of::<Group>()]| {
            let mut group: Group = [0; GROUP + 2];
            group.iter_mut().zip(octets.as_chunks::<2>().0).for_each(|(to, from)| *to = u16::from_le_bytes(*from));
            group
        };
        let groups: Box<[Group]> = chunks.iter().map(group).collect();
        (rest.is_empty() && groups.len() == buckets.div_ceil(GROUP)).then_some(Ends::Grouped { groups, buckets })
    }

    /// The octets to keep in a file, little endian, and whether they are grouped.
    pub(super) fn to_octets(&self) -> (Vec<u8>, bool) {
        match self {
            Ends::Grouped { groups, .. } => (groups.iter().flatten().flat_map(|n| n.to_le_bytes()).collect(), true),
            Ends::Plain(ends) => (ends.iter().flat_map(|end| end.to_le_bytes()).collect(), false),
        }
    }

    /// How many buckets there are.
    #[inline]
    pub(super) fn buckets(&self) -> usize {
        match self {
            Ends::Grouped { buckets, .. } => *buckets,
            Ends::Plain(ends) => ends.len(),
        }
    }

    /// Where a bucket begins and ends; nothing of the table for a bucket that is none.
    #[inline]
    pub(super) fn bucket(&self, bucket: usize) -> (usize, usize) {
        match self {
            Ends::Grouped { groups, .. } => {
                let Some([low, high, offsets @ ..]) = groups.get(bucket / GROUP) else { return (0, 0) };
                let start = usize::from(*low) | usize::from(*high) << 16;
                let within = bucket % GROUP;
                let before =
                    within.checked_sub(1).and_then(|i| offsets.get(i)).map_or(0, |offset| usize::from(*offset));
                let end = offsets.get(within).map_or(before, |offset| usize::from(*offset));
                (start + before, start + end)
            }
            Ends::Plain(ends) => {
                let start = bucket.checked_sub(1).and_then(|before| ends.get(before)).map_or(0, |end| *end as usize);
                (start, ends.get(bucket).map_or(start, |end| *end as usize))
            }
        }
    }

    /// Octets that they take.
    pub(super) fn memory_bytes(&self) -> usize {
        match self {
            Ends::Grouped { groups, .. } => size_of_val(&**groups),
            Ends::Plain(ends) => size_of_val(&**ends),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ends: &[u32], grouped: bool) {
        let packed = Ends::new(ends);
        let (octets, is_grouped) = packed.to_octets();
        assert_eq!((packed.buckets(), is_grouped), (ends.len(), grouped));
        let mut start = 0;
        for (bucket, end) in ends.iter().enumerate() {
            assert_eq!(packed.bucket(bucket), (start, *end as usize), "{bucket}");
            start = *end as usize;
        }
        assert!(packed.bucket(ends.len() + GROUP).0 >= packed.bucket(ends.len() + GROUP).1);
        assert_eq!(Ends::from_octets(&octets, ends.len(), grouped).as_ref(), Some(&packed));
        assert_eq!(Ends::from_octets(&octets, ends.len() + GROUP, grouped), None);
        if let Some((_, short)) = octets.split_first() {
            assert_eq!(Ends::from_octets(short, ends.len(), grouped), None);
        }
    }

    #[test]
    fn ends_come_back() {
        check(&[], true);
        check(&[7], true);
        check(&(0..1_000).map(|i| i * 60_000 / 14).collect::<Vec<_>>(), true);
        check(&(0..100).map(|i| i * 5_000).collect::<Vec<_>>(), false);
        check(&[0, 0, u32::MAX], false);
    }
}
