//! The legal ground on which live traffic is inspected: `run` does not start without it.
//!
//! Reading the names that subscribers ask for is an interference with the secrecy of communications. It is lawful only
//! where a law or an order says so, only as far as that reaches, and only as long as somebody keeps looking at it. The
//! block therefore states all of that beside the settings it governs, and is shown in `/status` and in reports.

use jiff::civil::Date;

use crate::model::{Proto, Scope};

/// What the operator states in `[legal]`. All of it is required.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LegalBlock {
    /// The law that allows or demands the inspection, with its article.
    pub basis: String,
    /// Number and date of the order, or of the mandate, under that law.
    pub reference: String,
    /// Who answers for it: a person or an office, and how to reach them.
    pub contact: String,
    /// The last day on which this ground may be relied on without being looked at again.
    pub review_date: Date,
    /// The protocols that may be inspected; nothing else is parsed on live traffic.
    pub scope: Scope,
}

/// Why `run` wants the block, and what to write: shown when it is missing.
pub const WHAT_TO_WRITE: &str = "write down the legal ground of the inspection before traffic is read: `basis` (the law \
    and article), `reference` (the order or mandate), `contact` (who answers for it), `review_date` (when it is looked \
    at again, such as 2027-06-30) and `scope` (which of \"dns\", \"tls\", \"quic\", \"http\" it covers)";

impl LegalBlock {
    /// Whether the review date has passed; `today` is the local date. On the day itself it has not.
    pub fn is_review_overdue(&self, today: Date) -> bool {
        today > self.review_date
    }

    /// The names of the protocols in scope, in their usual order.
    pub fn scope_names(&self) -> Vec<&'static str> {
        Proto::ALL.into_iter().filter(|p| self.scope.allows(*p)).map(Proto::name).collect()
    }
}

/// The local date.
pub fn today() -> Date {
    jiff::ZonedDateTime::now().date()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn overdue_from_the_day_after() {
        let legal = LegalBlock {
            basis: "law".into(),
            reference: "order".into(),
            contact: "office".into(),
            review_date: date(2027, 6, 30),
            scope: Scope::NONE.with(Proto::Quic).with(Proto::Dns),
        };
        assert!(!legal.is_review_overdue(date(2027, 6, 30)));
        assert!(legal.is_review_overdue(date(2027, 7, 1)));
        assert_eq!(legal.scope_names(), ["dns", "quic"]);
    }
}
