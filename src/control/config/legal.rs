//! `[legal]`: see [`crate::control::legal`] for what it is for.

use super::reader::{Table, choice_of, text_item};
use crate::control::legal::{LegalBlock, WHAT_TO_WRITE};
use crate::model::{Proto, Scope};

/// Reads the block from the document's root; `None` if it is not complete, and the problems say why.
pub(super) fn read(root: &mut Table<'_, '_>) -> Option<LegalBlock> {
    let (present, legal) = root.table("legal", |t| {
        // Each field is asked for before any may be missing, so that all that is missing is told at once.
        let basis = t.required_text("basis", "the law and article that allow or demand the inspection");
        let reference = t.required_text("reference", "number and date of the order or mandate");
        let contact = t.required_text("contact", "who answers for it, and how to reach them");
        let review_date = if t.is_missing("review_date", "the date of the next review, such as 2027-06-30") {
            None
        } else {
            t.date("review_date")
        };
        let scope = if t.is_missing("scope", "the protocols that the order covers, such as [\"dns\", \"tls\"]") {
            None
        } else {
            scope(t)
        };
        let legal = match (basis, reference, contact, review_date, scope) {
            (Some(basis), Some(reference), Some(contact), Some(review_date), Some(scope)) => {
                Some(LegalBlock { basis, reference, contact, review_date, scope })
            }
            _ => None,
        };
        (t.is_present(), legal)
    });
    if !present {
        root.error_at("legal", "the table [legal] is missing", WHAT_TO_WRITE);
    }
    legal
}

fn scope(t: &mut Table<'_, '_>) -> Option<Scope> {
    let choices = Proto::ALL.map(|p| (p.name(), p));
    let protocols = t.list("scope", 1..=Proto::ALL.len(), |item| {
        let text = text_item(item)?;
        choice_of(text, &choices).map_err(|help| format!("{text:?} is no protocol that is read: {help}"))
    })?;
    (!protocols.is_empty()).then(|| protocols.into_iter().fold(Scope::NONE, Scope::with))
}
