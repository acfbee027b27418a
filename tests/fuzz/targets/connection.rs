//! A broker in this process, and a client that sends any bytes: the broker answers or closes, and serves the next one.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use klog::broker::{Broker, Loggers, SERVED};
use klog::config::{BrokerConfig, Listener};
use klog::os::Os;

/// A broker is replaced after so many inputs: what they make must not pile up.
const INPUTS: u32 = 20_000;

struct Served {
    address: SocketAddr,
    inputs: u32,
    _broker: Broker,
    _runtime: tokio::runtime::Runtime,
    _data: tempfile::TempDir,
}

impl Served {
    fn start() -> Served {
        let data = tempfile::tempdir().expect("a folder");
        let config = BrokerConfig {
            listeners: vec![Listener::plaintext("127.0.0.1", 0)],
            log_dirs: vec![data.path().into()],
            request_max_bytes: 1 << 20,
            io_timeout_ms: 2_000,
            num_partitions: 1,
            ..BrokerConfig::default()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let broker = runtime
            .block_on(Broker::start(config, Os::real(), Loggers::default()))
            .expect("it starts");
        let address = broker.local_addrs()[0];
        Served { address, inputs: 0, _broker: broker, _runtime: runtime, _data: data }
    }
}

static SERVED_NOW: Mutex<Option<Served>> = Mutex::new(None);

fn broker() -> SocketAddr {
    let mut now = SERVED_NOW.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if now.as_ref().is_some_and(|served| served.inputs >= INPUTS) {
        *now = None;
    }
    let served = now.get_or_insert_with(Served::start);
    served.inputs += 1;
    served.address
}

/// Requests with sound headers around bodies as they stand in `data`: API, version, length, body, again and again.
fn requests(mut data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let [which, version, length, rest @ ..] = data {
        let served = &SERVED[usize::from(*which) % SERVED.len()];
        let version = served.min + i16::from(*version) % (served.max - served.min + 1);
        let (body, after) = rest.split_at(usize::from(*length).min(rest.len()));
        let mut frame = Vec::new();
        frame.extend(served.api.key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend([0, 0, 0, 1, 0xff, 0xff]);
        if served.api.flexible(version) {
            frame.push(0);
        }
        frame.extend(body);
        out.extend((frame.len() as i32).to_be_bytes());
        out.extend(frame);
        data = after;
    }
    out
}

/// The first byte chooses between bytes as they are and requests with sound headers.
pub fn connection(data: &[u8]) {
    let [kind, rest @ ..] = data else { return };
    let bytes = if kind & 1 == 0 { rest.to_vec() } else { requests(rest) };
    let mut stream = TcpStream::connect(broker()).expect("the broker accepts connections");
    stream.set_read_timeout(Some(Duration::from_secs(15))).expect("a deadline");
    // A broker that has closed already resets the connection: no failure.
    let _ = stream.write_all(&bytes).and_then(|()| stream.shutdown(Shutdown::Write));
    let mut answers = Vec::new();
    match stream.read_to_end(&mut answers) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return,
        Err(error) => panic!("neither answered nor closed: {error}"),
    }
    let mut left = &answers[..];
    while let Some((length, rest)) = left.split_first_chunk::<4>() {
        let length = usize::try_from(i32::from_be_bytes(*length)).expect("a length");
        left = rest.get(length..).expect("only whole answers are sent");
    }
    assert!(left.is_empty(), "only whole answers are sent");
}
