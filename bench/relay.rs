//! The floor of one producer and hot consumers: what is received is written to a file and sent from there as it comes, without any protocol.

use std::fs::File;
use std::path::Path;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::Context;
use rustix::fs::sendfile;

use crate::bare::{AT_ONCE, Moved, drain, take_in};
use crate::usage::thread_cpu_seconds;

/// Up to where a file is written, and who waits for more.
#[derive(Default)]
struct Written {
    up_to: Mutex<u64>,
    more: Condvar,
}

impl Written {
    fn note(&self, up_to: u64) {
        *self.up_to.lock().unwrap_or_else(PoisonError::into_inner) = up_to;
        self.more.notify_all();
    }

    /// Waits until it goes beyond `position`.
    fn beyond(&self, position: u64) -> u64 {
        let up_to = self.up_to.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.more.wait_while(up_to, |up_to| *up_to <= position);
        *waited.unwrap_or_else(PoisonError::into_inner)
    }
}

/// recv, CRC and pwritev of `count` pieces of `length` bytes by one thread, and a loop of sendfile for each of so many clients, which
/// drop the bytes; what was sent, by all of them.
pub fn relay(dir: &Path, count: u64, length: usize, clients: usize) -> anyhow::Result<Moved> {
    let (file, written) = (tempfile::tempfile_in(dir)?, Written::default());
    let total = count * length as u64;
    let clock = Instant::now();
    let cpu_seconds = thread::scope(|scope| {
        let follow = || send_as_it_comes(&file, &written, total);
        let senders: Vec<_> = (0..clients).map(|_| scope.spawn(follow)).collect();
        let received = take_in(&file, count, length, |up_to| written.note(up_to));
        // So that nobody waits for what does not come: sendfile then tells that the file ends.
        written.note(total);
        let ended =
            senders.into_iter().map(|sender| sender.join().ok().context("a sender ended")?);
        let sent = ended.collect::<anyhow::Result<Vec<f64>>>()?;
        anyhow::Ok(received?.cpu_seconds + sent.iter().sum::<f64>())
    })?;
    let (bytes, seconds) = (total * clients as u64, clock.elapsed().as_secs_f64());
    Ok(Moved { bytes, seconds, cpu_seconds })
}

/// The sender's processor time.
fn send_as_it_comes(file: &File, written: &Written, total: u64) -> anyhow::Result<f64> {
    let (stream, reader) = drain()?;
    let (mut position, before) = (0, thread_cpu_seconds());
    while position < total {
        let most = usize::try_from(written.beyond(position) - position)?.min(AT_ONCE);
        if sendfile(&stream, file, Some(&mut position), most)? == 0 {
            break;
        }
    }
    let cpu = thread_cpu_seconds() - before;
    drop(stream);
    reader.join().ok().context("the reader ended")??;
    Ok(cpu)
}
