//! A TCP proxy in front of a broker, whose connections a test can cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use klog::client::{Client, ClientConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A proxy; it ends with the test's runtime.
pub struct Proxy {
    /// Where clients connect.
    pub address: String,
    cut: watch::Sender<u64>,
    /// While true, connections are refused and broker's answers swallowed.
    mute: Arc<AtomicBool>,
    /// While true, the broker's answers wait here.
    pub held: watch::Sender<bool>,
}

impl Proxy {
    /// Forwards to `target`.
    pub async fn start(target: String) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (cut, mute) = (watch::Sender::new(0), Arc::new(AtomicBool::new(false)));
        let proxy = Proxy { address, cut, mute, held: watch::Sender::new(false) };
        let (cuts, muted, holds) = (proxy.cut.clone(), proxy.mute.clone(), proxy.held.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if muted.load(Ordering::Acquire) {
                    continue;
                }
                let (target, mut cuts) = (target.clone(), cuts.subscribe());
                let held = holds.subscribe();
                tokio::spawn(async move {
                    let Ok(broker) = TcpStream::connect(target).await else { return };
                    let (mut from_client, mut to_client) = client.into_split();
                    let (from_broker, mut to_broker) = broker.into_split();
                    tokio::select! {
                        _ = copy(&mut from_client, &mut to_broker) => {}
                        _ = answers(from_broker, &mut to_client, held) => {}
                        _ = cuts.changed() => {}
                    }
                });
            }
        });
        proxy
    }

    /// A client whose every connection leads through it: a broker tells clients its own address, which is rewritten.
    pub async fn client(&self) -> Client {
        let config = ClientConfig {
            bootstrap: vec![self.address.clone()],
            broker_address: Some(self.address.clone()),
            // Backoffs that grew while the proxy refused must not eat up the short timeouts of these tests.
            retry_backoff: Duration::from_millis(20),
            retry_backoff_max: Duration::from_millis(100),
            reconnect_backoff_max: Duration::from_millis(100),
            ..ClientConfig::default()
        };
        Client::connect(config).await.unwrap()
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

async fn answers(
    mut from: OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut held: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mut bytes = [0; 4096];
    loop {
        let count = from.read(&mut bytes).await?;
        if count == 0 || held.wait_for(|held| !held).await.is_err() {
            return Ok(());
        }
        to.write_all(&bytes[..count]).await?;
    }
}
