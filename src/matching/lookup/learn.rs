//! Learning a code from the names that it will write: which endings are frequent, and how often each octet comes.
//!
//! A sample is enough. It keeps the memory and the time of learning bounded whatever the lists hold: the code is a
//! matter of size only, and names unlike the sample are still written, with more bits.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::code::{EMPTY, END, MAX_BITS, MAX_TAILS, Recipe, SEPARATOR, SYMBOLS, TAIL_LABELS};

/// Names in a sample, at most.
pub(super) const SAMPLE: u64 = 1 << 16;
/// An ending is worth its place in the table of endings if so many names have it.
const WORTHWHILE: u64 = 32;

/// Learns from names in wire form, each of which stands for `weight` names.
pub(super) fn learn<'n>(sample: impl Iterator<Item = &'n [u8]> + Clone, weight: u64) -> Recipe {
    let mut tails = endings(sample.clone(), weight);
    let mut symbols = [0_u64; SYMBOLS];
    let numbers: HashMap<Box<[u8]>, usize> =
        tails.iter().enumerate().map(|(number, (wire, _))| (wire.clone(), number)).collect();
    for wire in sample {
        let (starts, labels) = last_labels(wire);
        let found = (0..TAIL_LABELS.min(labels)).rev().find_map(|i| {
            let start = *starts.get(i)?;
            Some((start, *numbers.get(wire.get(start..)?)?))
        });
        let (end, number) = found.unwrap_or((wire.len(), 0));
        if let Some((_, count)) = tails.get_mut(number) {
            *count += 1;
        }
        count_symbols(wire.get(..end).unwrap_or_default(), &mut symbols);
    }
    let lengths = lengths(&symbols);
    let tail_lengths = self::lengths(&tails.iter().map(|(_, count)| *count).collect::<Vec<_>>());
    let mut recipe = Recipe { symbols: [0; SYMBOLS], tails: Vec::with_capacity(tails.len()) };
    recipe.symbols.iter_mut().zip(lengths).for_each(|(to, len)| *to = len);
    recipe.tails.extend(tails.into_iter().zip(tail_lengths).map(|((wire, _), len)| (wire, len)));
    recipe
}

/// No ending, and then those that many names have, with counts of zero.
fn endings<'n>(sample: impl Iterator<Item = &'n [u8]>, weight: u64) -> Vec<(Box<[u8]>, u64)> {
    let mut counts: HashMap<&[u8], u64> = HashMap::new();
    for wire in sample {
        let (starts, labels) = last_labels(wire);
        // An ending that is the whole name comes once a list.
        for start in starts.iter().take(TAIL_LABELS.min(labels.saturating_sub(1))) {
            if let Some(tail) = wire.get(*start..) {
                *counts.entry(tail).or_default() += 1;
            }
        }
    }
    let mut frequent: Vec<_> =
        counts.into_iter().filter(|(_, count)| *count > 1 && count * weight >= WORTHWHILE).collect();
    // The most frequent first; among equals by name, so that the same lists make the same code.
    frequent.sort_unstable_by_key(|(wire, count)| (Reverse(*count), *wire));
    frequent.truncate(MAX_TAILS - 1);
    let none = (Box::default(), 0);
    std::iter::once(none).chain(frequent.into_iter().map(|(wire, _)| (wire.into(), 0))).collect()
}

/// Where the last label starts, the last two and so on up to [`TAIL_LABELS`]; and how many labels there are.
fn last_labels(wire: &[u8]) -> ([usize; TAIL_LABELS], usize) {
    let (mut starts, mut labels, mut at) = ([0; TAIL_LABELS], 0, 0);
    while let Some(&len) = wire.get(at) {
        starts.rotate_right(1);
        starts[0] = at;
        labels += 1;
        at += 1 + usize::from(len);
    }
    (starts, labels)
}

fn count_symbols(mut wire: &[u8], symbols: &mut [u64; SYMBOLS]) {
    let mut labels = 0_u64;
    while let Some((&len, rest)) = wire.split_first() {
        let (label, rest) = rest.split_at_checked(usize::from(len)).unwrap_or((rest, &[]));
        label.iter().for_each(|octet| symbols[usize::from(*octet)] += 1);
        symbols[EMPTY] += u64::from(label.is_empty());
        labels += 1;
        wire = rest;
    }
    symbols[SEPARATOR] += labels.saturating_sub(1);
    symbols[END] += 1;
}

/// Lengths of the code words for symbols that come so often: Huffman's, with no word longer than [`MAX_BITS`]. Every
/// symbol gets one, those that never came too.
fn lengths(counts: &[u64]) -> Vec<u8> {
    if counts.len() < 2 {
        return vec![0; counts.len()];
    }
    let total = counts.iter().sum::<u64>().max(1);
    let mut weights: Vec<u64> =
        counts.iter().map(|count| ((u128::from(*count) << MAX_BITS) / u128::from(total)).max(1) as u64).collect();
    loop {
        let lengths = huffman(&weights);
        if lengths.iter().all(|len| *len <= u32::from(MAX_BITS)) {
            return lengths.into_iter().map(|len| len as u8).collect();
        }
        // Flatter with every turn; in the end all weigh the same, and 4,096 symbols then have 12 bits each.
        weights.iter_mut().for_each(|weight| *weight = weight.div_ceil(2));
    }
}

fn huffman(weights: &[u64]) -> Vec<u32> {
    // Nodes: the symbols, then pairs in the order in which they are made, so that parents have higher numbers.
    let mut parents = vec![0_usize; weights.len() * 2 - 1];
    let mut heap: BinaryHeap<Reverse<(u64, usize)>> =
        weights.iter().enumerate().map(|(symbol, weight)| Reverse((*weight, symbol))).collect();
    for node in weights.len()..parents.len() {
        let mut weight = 0;
        for Reverse((lighter, child)) in heap.pop().into_iter().chain(heap.pop()) {
            weight += lighter;
            parents[child] = node;
        }
        heap.push(Reverse((weight, node)));
    }
    let mut depths = vec![0_u32; parents.len()];
    for node in (0..parents.len() - 1).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    depths.truncate(weights.len());
    depths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_symbols_get_short_words_and_none_is_too_long() {
        // Weights like Fibonacci's numbers make the deepest tree there is.
        let mut counts: Vec<u64> = vec![1, 1];
        (2..60).for_each(|i| counts.push(counts[i - 1] + counts[i - 2]));
        let lengths = lengths(&counts);
        assert!(lengths.iter().all(|len| (1..=MAX_BITS).contains(len)));
        assert!(lengths.windows(2).all(|pair| pair[0] >= pair[1]), "{lengths:?}");
        let space: f64 = lengths.iter().map(|len| 0.5_f64.powi(i32::from(*len))).sum();
        assert!((space - 1.0).abs() < 1e-9, "{space}");
        assert_eq!(self::lengths(&[0; MAX_TAILS]), [12; MAX_TAILS]);
        assert_eq!(self::lengths(&[7]), [0]);
    }

    #[test]
    fn endings_that_many_names_share_are_learnt() {
        let wire = |text: &str| crate::model::DomainName::from_text(text.as_bytes()).unwrap().as_wire().to_vec();
        let names: Vec<_> =
            (0..100).flat_map(|i| [wire(&format!("n{i}.com")), wire(&format!("n{i}.blog.net"))]).collect();
        let recipe = learn(names.iter().map(Vec::as_slice), 1);
        let tails: Vec<_> = recipe.tails.iter().map(|(wire, _)| &**wire).collect();
        assert_eq!(tails, [&b""[..], b"\x03com", b"\x03net", b"\x04blog\x03net"]);
        assert!(recipe.symbols[usize::from(b'n')] < recipe.symbols[usize::from(b'x')]);
    }
}
