//! Who may pass now: one push at a time per source, not too many in a row, and no address with all the connections.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::refusal::Cause;

/// The gate of one source.
#[derive(Debug)]
pub(super) struct Gate {
    alone: Arc<Semaphore>,
    bucket: Mutex<Bucket>,
}

/// The right to push, given back when dropped.
#[derive(Debug)]
pub(super) struct Pass(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);

/// Pushes that are still free. One comes back at a time.
#[derive(Debug)]
struct Bucket {
    free: u32,
    most: u32,
    refill: Duration,
    /// When the last one came back.
    since: Instant,
}

impl Gate {
    pub(super) fn new(burst: u32, refill: Duration, now: Instant) -> Gate {
        let bucket = Bucket { free: burst, most: burst, refill: refill.max(Duration::from_millis(1)), since: now };
        Gate { alone: Arc::new(Semaphore::new(1)), bucket: Mutex::new(bucket) }
    }

    /// Lets one in.
    pub(super) fn enter(&self, now: Instant) -> Result<Pass, Cause> {
        let pass = Arc::clone(&self.alone).try_acquire_owned().map_err(|_| Cause::Busy)?;
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner).take(now)?;
        Ok(Pass(pass))
    }
}

impl Bucket {
    fn take(&mut self, now: Instant) -> Result<(), Cause> {
        let elapsed = now.saturating_duration_since(self.since);
        let back = u32::try_from(elapsed.as_nanos() / self.refill.as_nanos()).unwrap_or(u32::MAX);
        let full = self.most - self.free;
        if back >= full {
            (self.free, self.since) = (self.most, now);
        } else {
            self.free += back;
            self.since += self.refill * back;
        }
        self.free = self.free.checked_sub(1).ok_or(Cause::Rate)?;
        Ok(())
    }
}

/// How many connections each address has. Holds only addresses that have one.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<HashMap<IpAddr, u32>>);

/// A connection of an address, counted until dropped.
#[derive(Debug)]
pub(super) struct Counted {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    /// Counts a connection, unless the address has `most` already.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr, most: u32) -> Option<Counted> {
        let address = address.to_canonical();
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted { addresses: Arc::clone(self), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut all = self.addresses.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let now = Instant::now();
        let gate = Gate::new(5, Duration::from_secs(60), now);
        let pass = gate.enter(now).unwrap();
        assert_eq!(gate.enter(now).unwrap_err(), Cause::Busy);
        drop(pass);
        assert!(gate.enter(now).is_ok());
    }

    #[test]
    fn a_burst_then_one_a_minute() {
        let start = Instant::now();
        let at = |secs| start + Duration::from_secs(secs);
        let gate = Gate::new(2, Duration::from_secs(60), start);
        let enter = |secs| gate.enter(at(secs)).map(|_| ());
        assert_eq!([enter(0), enter(1), enter(2)], [Ok(()), Ok(()), Err(Cause::Rate)]);
        assert_eq!(
            [enter(59), enter(61), enter(62), enter(119)],
            [Err(Cause::Rate), Ok(()), Err(Cause::Rate), Err(Cause::Rate)]
        );
        assert_eq!([enter(120), enter(121)], [Ok(()), Err(Cause::Rate)]);
        // Long silence gives a burst back, not more.
        assert_eq!([enter(100_000), enter(100_000), enter(100_000)], [Ok(()), Ok(()), Err(Cause::Rate)]);
    }

    #[test]
    fn an_address_has_its_share() {
        let all = Arc::new(Addresses::default());
        let (a, b): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
        let first = all.enter(a, 2).unwrap();
        let second = all.enter("::ffff:192.0.2.1".parse().unwrap(), 2).unwrap();
        assert!(all.enter(a, 2).is_none());
        assert!(all.enter(b, 2).is_some());
        drop(first);
        assert!(all.enter(a, 2).is_some());
        drop(second);
        assert!(all.0.lock().unwrap().is_empty());
    }
}
