//! Waiting for what a broker writes next.

use std::time::Duration;

/// How often a log is looked at that did not grow.
const IDLE: Duration = Duration::from_millis(200);
/// How soon one that did.
const BUSY: Duration = Duration::from_millis(20);

/// Waits a moment: shorter if something came since the last time.
pub fn wait(came: bool) {
    std::thread::sleep(if came { BUSY } else { IDLE });
}
