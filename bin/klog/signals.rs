//! Ctrl-C and SIGTERM: the first asks to stop, the second exits at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::exit::{Ended, Kind};

/// Watches for the signals that ask a command to stop. Cheap to clone.
#[derive(Clone)]
pub struct Signals {
    asked: watch::Receiver<Option<Kind>>,
}

impl Signals {
    /// Takes over SIGINT and SIGTERM, within a runtime. From now on the second of either ends the process at once.
    ///
    /// # Errors
    /// If the system refuses a handler.
    pub fn install() -> std::io::Result<Signals> {
        let (tell, asked) = watch::channel(None);
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::spawn(async move {
            loop {
                let kind = tokio::select! {
                    Some(()) = interrupt.recv() => Kind::Interrupted,
                    Some(()) = terminate.recv() => Kind::Terminated,
                    else => return,
                };
                if tell.borrow().is_some() {
                    std::process::exit(kind.code().into());
                }
                tell.send_replace(Some(kind));
            }
        });
        Ok(Signals { asked })
    }

    /// Waits for the first signal; returns at once if it came already.
    pub async fn stop(&mut self) -> Kind {
        let seen = self.asked.wait_for(Option::is_some).await.map(|kind| *kind);
        match seen {
            Ok(Some(kind)) => kind,
            // The watching task lives as long as the runtime.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// The signal that came, if one did.
    pub fn asked(&self) -> Option<Kind> {
        *self.asked.borrow()
    }

    /// `Err` once a signal has come: ends a command that has said what there is to say.
    ///
    /// # Errors
    /// [`Ended::Signal`].
    pub fn check(&self) -> Result<(), Ended> {
        self.asked().map_or(Ok(()), |kind| Err(Ended::Signal(kind)))
    }
}
