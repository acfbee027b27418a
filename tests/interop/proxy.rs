//! A TCP proxy that stands where the broker says it is: it can lose the broker's answers, as a network does that breaks, and hold
//! everything up for a while, as one does that stalls.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

const DEADLINE: Duration = Duration::from_secs(20);

pub struct Proxy {
    address: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    target: OnceLock<String>,
    open: Mutex<Vec<TcpStream>>,
    loses: AtomicBool,
    lost: AtomicUsize,
    /// Bytes that clients have sent.
    sent: AtomicUsize,
    /// Nothing passes until then.
    held_until: Mutex<Option<Instant>>,
}

impl Proxy {
    /// Listens; it leads nowhere yet.
    pub fn start() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let shared = Arc::<Shared>::default();
        let own = shared.clone();
        thread::spawn(move || listener.incoming().flatten().for_each(|client| own.serve(client)));
        Proxy { address, shared }
    }

    /// Where clients find it.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Leads to the broker from now on.
    pub fn lead_to(&self, target: &str) {
        self.shared.target.set(target.to_owned()).expect("it leads to one broker");
    }

    /// Waits until clients have sent so many bytes.
    pub fn wait_until_sent(&self, bytes: usize) {
        let end = Instant::now() + DEADLINE;
        while self.shared.sent.load(Ordering::Acquire) < bytes {
            assert!(Instant::now() < end, "clients send nothing");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets nothing pass for so long; loses nothing.
    pub fn stall(&self, duration: Duration) {
        *self.shared.held_until.lock().expect("no panic") = Some(Instant::now() + duration);
    }

    /// Lets requests through and loses the answers, until so many are lost; then cuts all connections.
    pub fn lose_answers(&self, count: usize) {
        let (shared, end) = (&self.shared, Instant::now() + DEADLINE);
        shared.lost.store(0, Ordering::Release);
        shared.loses.store(true, Ordering::Release);
        while shared.lost.load(Ordering::Acquire) < count {
            assert!(Instant::now() < end, "the broker does not answer");
            thread::sleep(Duration::from_millis(1));
        }
        for stream in shared.open.lock().expect("no panic").drain(..) {
            stream.shutdown(Shutdown::Both).ok();
        }
        shared.loses.store(false, Ordering::Release);
    }
}

impl Shared {
    fn serve(self: &Arc<Shared>, client: TcpStream) {
        let Some(broker) = self.target.get().and_then(|to| TcpStream::connect(to).ok()) else {
            return;
        };
        for stream in [&client, &broker] {
            stream.set_nodelay(true).ok();
            let own = stream.try_clone().expect("a socket can be cloned");
            self.open.lock().expect("no panic").push(own);
        }
        let clone = |stream: &TcpStream| stream.try_clone().expect("a socket can be cloned");
        let (to_client, to_broker) = (clone(&client), clone(&broker));
        let shared = self.clone();
        let count = move |bytes: &[u8]| {
            shared.sent.fetch_add(bytes.len(), Ordering::AcqRel);
            shared.hold();
            true
        };
        thread::spawn(move || pass_on(client, to_broker, count));
        let shared = self.clone();
        let is_kept = move |bytes: &[u8]| {
            shared.hold();
            let loses = shared.loses.load(Ordering::Acquire);
            shared.lost.fetch_add(usize::from(loses && !bytes.is_empty()), Ordering::AcqRel);
            !loses
        };
        thread::spawn(move || pass_on(broker, to_client, is_kept));
    }

    fn hold(&self) {
        let until = *self.held_until.lock().expect("no panic");
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        thread::sleep(left.unwrap_or_default());
    }
}

/// Copies until either side ends; both end then.
fn pass_on(mut from: TcpStream, mut to: TcpStream, is_kept: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..count];
        if is_kept(bytes) && to.write_all(bytes).is_err() {
            break;
        }
    }
    from.shutdown(Shutdown::Both).ok();
    to.shutdown(Shutdown::Both).ok();
}
