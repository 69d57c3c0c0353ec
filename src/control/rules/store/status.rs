//! How things stand: how old each list is, what is due, who is waited for.

use jiff::{SignedDuration, Timestamp};

use super::Store;
use super::error::StoreError;
use super::records::Publication;
use crate::control::units::Span;

/// How a list stands.
#[derive(Clone, PartialEq, Debug)]
pub struct ListStatus {
    /// Its name.
    pub list: String,
    /// The snapshot in force, and its rules.
    pub head: Option<(u64, u64)>,
    /// Since when it is in force.
    pub since: Option<Timestamp>,
    /// When somebody last looked for a new file.
    pub looked: Option<Timestamp>,
    /// Whether it should have been looked at again by now.
    pub overdue: bool,
    /// By when it must be published, if what is in force is not.
    pub due: Option<Timestamp>,
    /// When an entry next begins or ends to hold.
    pub next_date: Option<Timestamp>,
    /// Files that were not taken or tripped a guard, so far.
    pub tripped: u64,
    /// Why the last file was not taken at all, if none was since.
    pub trouble: Option<(Timestamp, String)>,
    /// Names of the file in force that do not count.
    pub held: u64,
    /// What its definition lacks for a build.
    pub missing: Vec<&'static str>,
}

/// How the store stands.
#[derive(Clone, PartialEq, Debug)]
pub struct StoreStatus {
    /// The lists by name.
    pub lists: Vec<ListStatus>,
    /// Proposals that wait: number, kind, list, signatures so far.
    pub waiting: Vec<(u64, &'static str, Option<String>, usize)>,
    /// The last bundle of each channel.
    pub published: Vec<Publication>,
}

impl Store {
    /// How things stand at `now`.
    ///
    /// # Errors
    /// An object is damaged.
    pub fn status(&self, now: Timestamp) -> Result<StoreStatus, StoreError> {
        let mut published: Vec<Publication> = Vec::new();
        for publication in self.state.published.iter().rev() {
            if !published.iter().any(|newer| newer.what.channel == publication.what.channel) {
                published.push(publication.clone());
            }
        }
        let lists =
            self.state.lists.keys().map(|name| self.list_status(name, &published, now)).collect::<Result<_, _>>()?;
        let waiting = self.state.waiting().map(|proposal| {
            let list = proposal.change.list().map(str::to_owned);
            (proposal.id, proposal.change.kind(), list, proposal.approvals.len())
        });
        let waiting = waiting.collect();
        Ok(StoreStatus { lists, waiting, published })
    }

    fn list_status(&self, name: &str, published: &[Publication], now: Timestamp) -> Result<ListStatus, StoreError> {
        let source = self.source(name)?;
        let known = self.state.lists.get(name).cloned().unwrap_or_default();
        let head = self.state.head(name);
        let looked = self.looked(name);
        let is_out = |id: u64| published.iter().any(|p| p.what.lists.get(name) == Some(&id));
        let due = head.filter(|head| !is_out(head.id)).and_then(|head| after(head.time, source.deadline?));
        let held = match head.and_then(|head| head.content.held) {
            Some(held) => super::Held::load(&self.objects, &held)?.len() as u64,
            None => 0,
        };
        let next_look = source.schedule.zip(looked).and_then(|(schedule, looked)| after(looked, schedule));
        Ok(ListStatus {
            list: name.to_owned(),
            head: head.map(|head| (head.id, head.content.rules)),
            since: head.map(|head| head.time),
            looked,
            overdue: next_look.is_some_and(|next| next < now),
            due,
            next_date: self.next_date(name, now)?,
            tripped: known.tripped,
            trouble: known.trouble.map(|(time, trouble)| (time, trouble.what)),
            held,
            missing: source.missing(),
        })
    }
}

fn after(time: Timestamp, span: Span) -> Option<Timestamp> {
    time.checked_add(SignedDuration::try_from(span.duration()).ok()?).ok()
}
