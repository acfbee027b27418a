//! Frames: four bytes of length, then so many bytes.

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::budget::{Budget, FREE, Held};

const LENGTH: usize = 4;
/// What is asked of the socket at once while the length is unknown, or much is announced and little is there; more where the last frame was
/// longer. A batch as long as producers make them by default, 16 KiB, comes with one call, whatever stands around it in its request.
const STEP: usize = 20 << 10;

/// Why no frame was read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// A length that no request has.
    #[error("announced {announced} bytes, at most {max} are taken{}", looks_like(.first).map_or(String::new(), |what| format!("; it looks like {what}")))]
    Length {
        /// What the first four bytes say.
        announced: i32,
        /// The bound.
        max: usize,
        /// The first four bytes.
        first: [u8; 4],
    },
    /// The peer went away in the middle of a frame.
    #[error("closed in the middle of a frame")]
    Cut,
    /// The rest of the frame did not come in time.
    #[error("a frame of {announced} bytes did not arrive in time, only {received} of them")]
    Slow {
        /// How long it was to be.
        announced: usize,
        /// What came.
        received: usize,
    },
    /// Other requests hold all the memory that there is for them.
    #[error(
        "a frame of {announced} bytes found no room for more than {received} of them: other requests hold what queued.max.request.bytes allows"
    )]
    Crowded {
        /// How long it was to be.
        announced: usize,
        /// What came.
        received: usize,
    },
    /// Nothing came for long.
    #[error("no request came for long")]
    Idle,
    /// The socket failed.
    #[error(transparent)]
    Socket(#[from] io::Error),
}

/// What else speaks so, as far as four bytes tell.
fn looks_like(first: &[u8; 4]) -> Option<&'static str> {
    match first {
        b"GET " | b"POST" | b"HEAD" | b"PUT " | b"OPTI" | b"DELE" => Some("HTTP"),
        [0x16, 0x03, ..] => Some("TLS, but this listener is plaintext"),
        b"SSH-" => Some("SSH"),
        _ => None,
    }
}

/// A request's bytes without their length, and the part of the budget that they hold.
#[derive(Debug)]
pub struct Frame {
    /// The bytes.
    pub bytes: Bytes,
    /// To be dropped with them.
    pub held: Held,
}

/// What a frame may take.
#[derive(Debug, Clone, Copy)]
pub struct FrameLimits<'a> {
    /// The longest that is taken.
    pub max_bytes: usize,
    /// How long the one before was: as much is looked for at once, up to what is not counted of a frame. 0 where there was none.
    pub usual: usize,
    /// How long its first byte may take; `None`: for ever.
    pub idle: Option<Duration>,
    /// How long the rest may take.
    pub patience: Duration,
    /// What all requests share.
    pub budget: &'a Budget,
}

impl FrameLimits<'_> {
    /// What is asked of the socket at once.
    fn step(&self) -> usize {
        (LENGTH + self.usual).clamp(STEP, FREE)
    }
}

/// How far a frame has come.
struct Progress {
    announced: usize,
    wants_room: bool,
}

pub(super) async fn read(
    stream: &TcpStream,
    buffer: &mut BytesMut,
    limits: FrameLimits<'_>,
) -> Result<Option<Frame>, FrameError> {
    if buffer.is_empty() {
        let first = fill(stream, buffer, limits.step());
        let count = match limits.idle {
            Some(idle) => timeout(idle, first).await.map_err(|_| FrameError::Idle)??,
            None => first.await?,
        };
        if count == 0 {
            return Ok(None);
        }
    }
    let mut progress = Progress { announced: LENGTH, wants_room: false };
    match timeout(limits.patience, rest(stream, buffer, limits, &mut progress)).await {
        Ok(frame) => frame.map(Some),
        Err(_) => {
            let (announced, received) = (progress.announced, buffer.len());
            Err(match progress.wants_room {
                true => FrameError::Crowded { announced, received },
                false => FrameError::Slow { announced, received },
            })
        }
    }
}

async fn rest(
    stream: &TcpStream,
    buffer: &mut BytesMut,
    limits: FrameLimits<'_>,
    progress: &mut Progress,
) -> Result<Frame, FrameError> {
    let max = limits.max_bytes;
    let mut held = Held::default();
    loop {
        let mut missing = LENGTH;
        if let Some(first) = buffer.first_chunk::<LENGTH>() {
            let length = i32::from_be_bytes(*first);
            let taken = usize::try_from(length).ok().filter(|length| *length <= max);
            let length =
                taken.ok_or(FrameError::Length { announced: length, max, first: *first })?;
            progress.announced = length;
            if buffer.len() >= LENGTH + length {
                buffer.advance(LENGTH);
                return Ok(Frame { bytes: buffer.split_to(length).freeze(), held });
            }
            missing = LENGTH + length - buffer.len();
        }
        // As much again as came so far: an announced length alone makes nothing large.
        let step = missing.min(buffer.len().max(limits.step()));
        progress.wants_room = true;
        limits.budget.cover(&mut held, buffer.len() + step).await;
        progress.wants_room = false;
        if fill(stream, buffer, step).await? == 0 {
            return Err(FrameError::Cut);
        }
    }
}

async fn fill(stream: &TcpStream, buffer: &mut BytesMut, step: usize) -> io::Result<usize> {
    loop {
        stream.readable().await?;
        buffer.reserve(step);
        let room = buffer.capacity() - buffer.len();
        let mut read = None;
        let more = stream.try_io(Interest::READABLE, || {
            let count = stream.try_read_buf(buffer)?;
            read = Some(count);
            // A read that came short has emptied the socket: to note that spares asking it again.
            if count < room { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        match (read, more) {
            (Some(count), _) => return Ok(count),
            (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            (None, _) => {}
        }
    }
}
