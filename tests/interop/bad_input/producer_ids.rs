//! Whoever asks for producer ids without end is made to wait, and nobody else is.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use klog::wire::init_producer_id::InitProducerIdRequest;

use super::{MIB, assert_takes_at_most};
use crate::klogs_own::{Own, klog_with};
use crate::raw::Raw;

/// So many an address gets at once.
const BURST: usize = 10_000;
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// Asks for so many ids, a hundred at a time; returns how long the last one was held up.
fn ask(raw: &mut Raw, count: usize) -> Duration {
    let request = InitProducerIdRequest {
        transactional_id: None,
        producer_id: -1,
        producer_epoch: -1,
        ..Default::default()
    };
    let mut throttled = 0;
    for at in (0..count).step_by(100) {
        let together = (count - at).min(100);
        for _ in 0..together {
            raw.send(4, &request);
        }
        for _ in 0..together {
            let (_, told) = raw.receive::<InitProducerIdRequest>(4);
            assert_eq!(told.error_code, 0);
            throttled = told.throttle_time_ms;
        }
    }
    Duration::from_millis(u64::try_from(throttled).expect("no negative time"))
}

#[test]
fn a_flood_of_init_producer_id_waits_for_its_turn_and_others_do_not() {
    let settings = [("klog.producer.ids.per.second.per.ip", "1")];
    let broker = klog_with(Own::Bounds, &settings);
    let mut flood = Raw::connect(broker.address());
    assert_takes_at_most(16 * MIB, &broker, || {
        ask(&mut flood, BURST);
        // A slow machine has let some more come due meanwhile.
        let held_up = (0..BURST).find_map(|_| {
            let begun = Instant::now();
            let held_up = ask(&mut flood, 1);
            assert!(begun.elapsed() >= held_up, "who is told to have been held up was");
            Some(held_up).filter(|held_up| !held_up.is_zero())
        });
        assert!(held_up.is_some(), "nobody is held up");
        let begun = Instant::now();
        let mut other = Raw::connect_from(OTHER, broker.address());
        assert_eq!(ask(&mut other, 1), Duration::ZERO);
        assert!(begun.elapsed() < Duration::from_secs(1), "another address is served at once");
    });
}
