//! Whether a node serves, and if not, why.

use crate::broker::node::Node;
use crate::http::Page;

/// How far a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It opens and recovers its directories.
    Starting = 0,
    /// It takes requests.
    Serving = 1,
    /// It answers what it was asked, and makes its logs durable.
    Stopping = 2,
}

impl From<u8> for State {
    fn from(raw: u8) -> State {
        match raw {
            0 => State::Starting,
            1 => State::Serving,
            _ => State::Stopping,
        }
    }
}

/// A node's health.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Health {
    status: &'static str,
    /// Why it does not serve, or not all that it has.
    reason: Option<String>,
}

/// The health of a node that is so far. A full disk is no ailment: reads go on, and it passes.
pub fn of(state: State, node: Option<&Node>) -> Health {
    let not_yet = |status, reason: &str| Health { status, reason: Some(reason.to_owned()) };
    match (state, node) {
        (State::Starting, _) => not_yet("starting", "log directories are opened and recovered"),
        (State::Stopping, _) | (State::Serving, None) => {
            not_yet("stopping", "the last answers are sent and the logs made durable")
        }
        (State::Serving, Some(node)) => match node.offline_dirs().as_slice() {
            [] => Health { status: "serving", reason: None },
            dirs => {
                let reason = format!("log directories are offline: {}", dirs.join(", "));
                Health { status: "impaired", reason: Some(reason) }
            }
        },
    }
}

impl Health {
    /// Whether it serves all that it has.
    pub fn is_well(&self) -> bool {
        self.reason.is_none()
    }

    /// 200 or 503, and a line of JSON.
    pub fn page(&self) -> Page {
        let status = if self.is_well() { 200 } else { 503 };
        let json = match &self.reason {
            None => serde_json::json!({ "status": self.status }),
            Some(reason) => serde_json::json!({ "status": self.status, "reason": reason }),
        };
        Page { status, content_type: "application/json", text: format!("{json}\n").into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_starts_or_stops_is_not_well_and_says_so() {
        for (state, word) in [(State::Starting, "starting"), (State::Stopping, "stopping")] {
            let page = of(state, None).page();
            assert_eq!(page.status, 503);
            let json: serde_json::Value = serde_json::from_slice(&page.text).unwrap();
            assert_eq!(json["status"], word);
            assert!(json["reason"].is_string());
        }
    }
}
