//! How many connections there may be, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::base::Counter;

/// Counts connections.
#[derive(Debug)]
pub struct Limits {
    most: usize,
    most_per_address: usize,
    open: Mutex<Open>,
    opened: Counter,
    rejected: Counter,
}

/// How many connections there are and were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// Open now.
    pub open: usize,
    /// That may be open.
    pub most: usize,
    /// Taken so far.
    pub opened: u64,
    /// That would have broken a bound.
    pub rejected: u64,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// Which bound a connection would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    /// `max.connections`.
    #[error(
        "there are {0} connections, no more are taken (max.connections, or the descriptor limit of the process)"
    )]
    All(usize),
    /// `max.connections.per.ip`.
    #[error(
        "there are {0} connections from this address, no more are taken (max.connections.per.ip)"
    )]
    Address(usize),
}

/// A place among the connections, given back when dropped.
#[derive(Debug)]
pub struct Permit {
    limits: Arc<Limits>,
    address: IpAddr,
}

impl Limits {
    /// At most `most` connections, and `most_per_address` from one address.
    pub fn new(most: usize, most_per_address: usize) -> Arc<Limits> {
        Arc::new(Limits {
            most,
            most_per_address,
            open: Mutex::default(),
            opened: Counter::default(),
            rejected: Counter::default(),
        })
    }

    /// How many connections there are and were.
    pub fn load(&self) -> Load {
        Load {
            open: self.open.lock().all,
            most: self.most,
            opened: self.opened.get(),
            rejected: self.rejected.get(),
        }
    }

    /// Takes a place for a connection from `address`.
    ///
    /// # Errors
    /// Which bound it would break.
    pub fn admit(self: &Arc<Limits>, address: IpAddr) -> Result<Permit, TooMany> {
        let admitted = self.take(address);
        if admitted.is_ok() { &self.opened } else { &self.rejected }.bump();
        admitted
    }

    fn take(self: &Arc<Limits>, address: IpAddr) -> Result<Permit, TooMany> {
        let mut open = self.open.lock();
        if open.all >= self.most {
            return Err(TooMany::All(open.all));
        }
        let there = open.by_address.entry(address).or_default();
        if *there >= self.most_per_address {
            return Err(TooMany::Address(*there));
        }
        *there += 1;
        open.all += 1;
        Ok(Permit { limits: self.clone(), address })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.limits.open.lock();
        open.all -= 1;
        if let Some(there) = open.by_address.get_mut(&self.address) {
            *there -= 1;
            if *there == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_once_its_connection_is_gone() {
        let limits = Limits::new(3, 2);
        let (one, two) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let first = limits.admit(one).unwrap();
        let _second = limits.admit(one).unwrap();
        assert_eq!(limits.admit(one).unwrap_err(), TooMany::Address(2));
        let _third = limits.admit(two).unwrap();
        assert_eq!(limits.admit(two).unwrap_err(), TooMany::All(3));
        drop(first);
        assert!(limits.admit(one).is_ok());
    }
}
