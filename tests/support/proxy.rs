//! A TCP proxy in front of a broker, whose connections a test can cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::copy;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A proxy; it ends with the test's runtime.
pub struct Proxy {
    /// Where clients connect.
    pub address: String,
    cut: watch::Sender<u64>,
    /// While true, connections are refused and broker's answers swallowed.
    mute: Arc<AtomicBool>,
}

impl Proxy {
    /// Forwards to `target`.
    pub async fn start(target: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (cut, _) = watch::channel(0);
        let mute = Arc::new(AtomicBool::new(false));
        let (cuts, muted) = (cut.clone(), mute.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if muted.load(Ordering::Acquire) {
                    continue;
                }
                let (target, mut cuts) = (target.clone(), cuts.subscribe());
                tokio::spawn(async move {
                    let Ok(broker) = TcpStream::connect(target).await else { return };
                    let (mut from_client, mut to_client) = client.into_split();
                    let (mut from_broker, mut to_broker) = broker.into_split();
                    tokio::select! {
                        _ = copy(&mut from_client, &mut to_broker) => {}
                        _ = copy(&mut from_broker, &mut to_client) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        Proxy { address, cut, mute }
    }

    /// Cuts every connection that is open.
    pub fn cut(&self) {
        self.cut.send_modify(|n| *n += 1);
    }

    /// Refuses connections from now on, or takes them again.
    pub fn refuse(&self, refuse: bool) {
        self.mute.store(refuse, Ordering::Release);
        self.cut();
    }
}
