//! The time of a run, and a timer that is exact enough for latencies below a millisecond.

use std::io;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;

/// When a run began, and from when on it counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) started: Instant,
    /// The end of the warm-up.
    pub(super) measured_from: Instant,
    /// When it began, in milliseconds since the Unix epoch.
    started_at: i64,
}

impl Clock {
    /// Begins now.
    pub(super) fn start(warm_up: Duration) -> Clock {
        let started = Instant::now();
        let started_at =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as i64);
        Clock { started, measured_from: started + warm_up, started_at }
    }

    /// Milliseconds since the Unix epoch at this instant, without another look at a clock.
    pub(super) fn millis(&self, at: Instant) -> i64 {
        self.started_at + at.duration_since(self.started).as_millis() as i64
    }
}

/// A timer of the system's. tokio's own are exact to a millisecond, which would stand in every latency.
pub(super) struct Timer {
    /// Read like a pipe: eight bytes come once the time is up.
    expirations: pipe::Receiver,
}

impl Timer {
    /// A timer that is not running.
    ///
    /// # Errors
    /// If the system has no file descriptor left.
    pub(super) fn new() -> io::Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Timer { expirations: pipe::Receiver::from_owned_fd_unchecked(fd)? })
    }

    /// Waits. Safe to cancel.
    ///
    /// # Errors
    /// As the system says.
    pub(super) async fn sleep(&mut self, pause: Duration) -> io::Result<()> {
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Zero would stop the timer.
        let nanos = pause.max(Duration::from_nanos(1));
        let value = Timespec::try_from(nanos).map_err(|_| io::ErrorKind::InvalidInput)?;
        let once = Itimerspec { it_interval: zero, it_value: value };
        timerfd_settime(self.expirations.as_fd(), TimerfdTimerFlags::empty(), &once)?;
        // More room than there is to read: so tokio knows, without asking, that it is empty then.
        self.expirations.read(&mut [0; 16]).await.map(drop)
    }
}
