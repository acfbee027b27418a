//! Ports for brokers, chosen before they start.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Below those that the system gives to whoever wants any (32768 to 60999 on Linux): such a one may be somebody's before
/// the broker has it, or while the broker is down between two starts.
const FIRST: u16 = 10_000;
const COUNT: u16 = 22_000;

/// `127.0.0.1:PORT` where nobody listens, and that nobody else in this process is given.
pub fn free_address() -> String {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    // Test binaries that run at the same time begin at different places.
    let own = (std::process::id() % 220) as u16 * 100;
    loop {
        let nth = GIVEN.fetch_add(1, Ordering::Relaxed);
        assert!(nth < COUNT, "no port is free from {FIRST} on");
        let address = format!("127.0.0.1:{}", FIRST + (own + nth) % COUNT);
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}
