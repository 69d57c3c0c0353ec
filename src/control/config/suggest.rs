//! The known name that a misspelt one most likely meant.

/// The candidate nearest to `word` by edits (insert, delete, replace, swap of neighbours), if it is near enough to be
/// a slip: at most one edit in every three letters, and at least one.
pub(in crate::control) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer words are no slips, and the table below is quadratic.
    if word.len() > 64 {
        return None;
    }
    let word: Vec<char> = word.to_lowercase().replace('-', "_").chars().collect();
    let allowed = (word.len() / 3).max(1);
    candidates
        .into_iter()
        .map(|c| (edits(&word, &c.chars().collect::<Vec<_>>()), c))
        .filter(|(n, _)| *n <= allowed)
        .min()
        .map(|(_, c)| c)
}

/// Edit distance with transpositions (optimal string alignment).
fn edits(a: &[char], b: &[char]) -> usize {
    let mut two_back = vec![0; b.len() + 1];
    let mut back: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (back[j] + usize::from(x != y)).min(back[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(two_back[j - 1] + 1);
            }
            row.push(best);
        }
        two_back = std::mem::replace(&mut back, row);
    }
    back[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_guesses_are_not_made() {
        let known = ["interfaces", "snaplen", "buffer", "timeout", "dns_ports"];
        for (word, meant) in [
            ("interface", Some("interfaces")),
            ("snap_len", Some("snaplen")),
            ("snapeln", Some("snaplen")),
            ("Timeout", Some("timeout")),
            ("dns-ports", Some("dns_ports")),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(nearest(&"a".repeat(100_000), known), None);
    }

    #[test]
    fn distances() {
        let d = |a: &str, b: &str| edits(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>());
        assert_eq!(
            (d("", "abc"), d("abc", ""), d("abc", "abc"), d("abc", "acb"), d("kitten", "sitting")),
            (3, 3, 0, 1, 3)
        );
    }
}
