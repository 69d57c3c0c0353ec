//! What was wrong with a capture file: nothing is skipped without being counted here.

/// What was skipped or cut while a file was read. Offsets in the messages count octets of the decompressed file from 0.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct DamageReport {
    /// Packet records that were there and could not be used, at least: where a stretch of the file is unreadable it
    /// counts as one.
    pub records_skipped: u64,
    /// Octets of those records and stretches. If reading stopped early: to the end of the file where its length is
    /// known, else to the end of what had been read.
    pub bytes_skipped: u64,
    /// The file ends within a record or within its compressed data, or reading stopped before its end.
    pub truncated: bool,
    /// The first things that were wrong, with their place; at most [`DamageReport::MAX_MESSAGES`].
    pub messages: Vec<String>,
    /// How many more there were.
    pub messages_suppressed: u64,
}

impl DamageReport {
    /// So many messages are kept.
    pub const MAX_MESSAGES: usize = 16;

    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        self.records_skipped == 0
            && self.bytes_skipped == 0
            && !self.truncated
            && self.messages.is_empty()
            && self.messages_suppressed == 0
    }

    /// Counts one record or stretch of `bytes` octets as lost.
    pub(super) fn skipped(&mut self, bytes: u64, message: impl FnOnce() -> String) {
        self.records_skipped = self.records_skipped.saturating_add(1);
        self.bytes_skipped = self.bytes_skipped.saturating_add(bytes);
        self.note(message);
    }

    /// Keeps a message while there is room; formats it only then.
    pub(super) fn note(&mut self, message: impl FnOnce() -> String) {
        if self.messages.len() < Self::MAX_MESSAGES {
            self.messages.push(message());
        } else {
            self.messages_suppressed = self.messages_suppressed.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DamageReport;

    #[test]
    fn keeps_few_messages_and_counts_all() {
        let mut d = DamageReport::default();
        assert!(d.is_clean());
        for i in 0..40 {
            d.skipped(10, || format!("bad record {i}"));
        }
        assert_eq!((d.records_skipped, d.bytes_skipped, d.messages.len(), d.messages_suppressed), (40, 400, 16, 24));
        assert_eq!(d.messages[0], "bad record 0");
        assert!(!d.is_clean());
    }
}
