//! Closed loop: some connections, on each of them one request in flight, the next one sent as soon as its answer is there.
//!
//! One thread, frames that were built before, two system calls a request: it shares the machine with the broker and must
//! be cheap. What it can drive at most is measured against a sink.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

const LENGTH: usize = 4;
const BUFFER: usize = 64 << 10;
const STALL: Timespec = Timespec { tv_sec: 60, tv_nsec: 0 };

/// What to send.
pub struct Load {
    /// For each connection its frames, which it sends in turn, again and again.
    pub frames: Vec<Vec<Vec<u8>>>,
    /// Fails if an answer, without its length, is not what was wanted.
    pub check: fn(Bytes) -> anyhow::Result<()>,
}

/// When to stop.
#[derive(Clone, Copy)]
pub enum Until {
    /// So long, after a warm-up of a fifth of it that is not measured.
    Time(Duration),
    /// So many requests.
    Requests(u64),
}

/// What came of it.
pub struct Outcome {
    pub requests: u64,
    pub seconds: f64,
    /// In µs, ascending.
    latencies: Vec<u32>,
}

impl Outcome {
    pub fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// In ms: so many of 1000 requests were answered in this time or less.
    pub fn latency_ms(&self, of_1000: usize) -> f64 {
        let at = (self.latencies.len() * of_1000 / 1000).min(self.latencies.len() - 1);
        f64::from(self.latencies[at]) / 1e3
    }
}

struct Connection<'a> {
    stream: TcpStream,
    frames: &'a [Vec<u8>],
    at: usize,
    written: usize,
    answer: Vec<u8>,
    sent: Instant,
}

/// Sends `load` to `address`.
pub fn run(address: &str, load: &Load, until: Until) -> anyhow::Result<Outcome> {
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    let mut connections = Vec::new();
    for (at, frames) in load.frames.iter().enumerate() {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let interest = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(&poll, &stream, EventData::new_u64(at as u64), interest)?;
        let answer = Vec::with_capacity(256);
        let sent = Instant::now();
        connections.push(Connection { stream, frames, at: 0, written: 0, answer, sent });
    }
    let begin = Instant::now();
    let (warm, end, most) = match until {
        Until::Time(time) => (begin + time / 5, begin + time / 5 + time, u64::MAX),
        Until::Requests(count) => (begin, begin + Duration::from_secs(3600), count),
    };
    let mut latencies: Vec<u32> = Vec::with_capacity(1 << 20);
    let mut buffer = vec![0; BUFFER];
    let mut events: Vec<Event> = Vec::with_capacity(connections.len());
    for connection in &mut connections {
        connection.write()?;
    }
    loop {
        events.clear();
        epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), Some(&STALL))?;
        ensure!(!events.is_empty(), "no answer came for {} s", STALL.tv_sec);
        let now = Instant::now();
        for event in &events {
            let connection = &mut connections[event.data.u64() as usize];
            if connection.written < connection.frames[connection.at].len() {
                connection.write()?;
            }
            if !connection.read(&mut buffer, load.check)? {
                continue;
            }
            if now >= warm {
                let latency = now.duration_since(connection.sent).as_micros();
                latencies.push(u32::try_from(latency).unwrap_or(u32::MAX));
            }
            connection.next(now)?;
        }
        if now >= end || latencies.len() as u64 >= most {
            let seconds = now.duration_since(warm).as_secs_f64();
            let requests = latencies.len() as u64;
            latencies.sort_unstable();
            ensure!(requests > 0, "no request was answered");
            return Ok(Outcome { requests, seconds, latencies });
        }
    }
}

impl Connection<'_> {
    fn next(&mut self, now: Instant) -> anyhow::Result<()> {
        self.at = (self.at + 1) % self.frames.len();
        self.written = 0;
        self.sent = now;
        self.write()
    }

    fn write(&mut self) -> anyhow::Result<()> {
        let frame = &self.frames[self.at];
        while self.written < frame.len() {
            match self.stream.write(&frame[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("sending a request"),
            }
        }
        Ok(())
    }

    /// Whether the answer is there, whole.
    fn read(
        &mut self,
        buffer: &mut [u8],
        check: fn(Bytes) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => bail!("the broker closed a connection"),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("reading an answer"),
            };
            self.answer.extend_from_slice(&buffer[..count]);
            if count < buffer.len() {
                break;
            }
        }
        let Some(length) = self.answer.first_chunk::<LENGTH>() else { return Ok(false) };
        let length = LENGTH + usize::try_from(i32::from_be_bytes(*length))?;
        if self.answer.len() < length {
            return Ok(false);
        }
        ensure!(self.answer.len() == length, "more came than one answer");
        check(Bytes::copy_from_slice(&self.answer[LENGTH..]))?;
        self.answer.clear();
        Ok(true)
    }
}
