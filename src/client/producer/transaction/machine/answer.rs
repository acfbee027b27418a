//! What follows from the answers to a transactional producer's requests.

use super::super::super::super::error::ClientError;
use super::super::super::window::Identity;
use super::super::error::AbortCause;
use super::super::refusal::{Meaning, gravest};
use super::{Machine, Protocol, State, Step, Then, Told};
use crate::base::ErrorCode;

impl Machine {
    /// Takes what came of a step.
    pub(in super::super) fn on_answer(&mut self, step: &Step, told: Told) -> Then {
        let (codes, identity) = match told {
            Told::Answer { codes, identity } => (codes, identity),
            Told::Lost => {
                self.in_doubt |=
                    matches!(step, Step::AddPartitions { .. } | Step::AddOffsets { .. });
                return Then::FindAgain;
            }
            Told::Impossible(cause) => {
                self.fail(AbortCause::Refused(cause));
                return Then::Go;
            }
        };
        let Some((meaning, code)) = gravest(step.api(), codes) else {
            self.on_done(step, identity);
            return Then::Go;
        };
        let cause = || {
            let what = format!("{} of {}", step.what(), self.id);
            AbortCause::Refused(ClientError::Refused { what, code, message: None })
        };
        let nothing_began = code == ErrorCode::InvalidTxnState && self.in_doubt && !self.started;
        if nothing_began && let Step::End { .. } = step {
            self.over();
            return Then::Go;
        }
        match meaning {
            Meaning::Again => return Then::Pause,
            Meaning::FindAgain => return Then::FindAgain,
            Meaning::Abort => {
                let unknown = code == ErrorCode::UnknownProducerId;
                let aborts = matches!(self.state, State::Ending { commit: false, .. });
                match (step, aborts) {
                    // It cannot be aborted, for nobody knows of it; a new epoch makes sure of that.
                    (Step::End { .. }, true) if unknown && self.latest.raises_epochs => {
                        self.raise = true;
                        self.over();
                    }
                    (Step::End { .. }, true) => self.fail(cause()),
                    _ => self.must_abort(cause(), unknown),
                }
            }
            Meaning::Fatal => self.fail(cause()),
        }
        Then::Go
    }

    fn on_done(&mut self, step: &Step, identity: Option<Identity>) {
        match step {
            Step::Init { current } => {
                self.identity = identity.or(*current);
                if matches!(self.state, State::Unready | State::Ending { ended: true, .. }) {
                    self.raise = false;
                    self.be_ready();
                }
            }
            Step::AddPartitions { partitions, .. } => {
                self.started = true;
                for key in partitions {
                    self.wanted.remove(key);
                    self.announced.insert(key.clone());
                }
            }
            Step::AddOffsets { .. } => {
                self.started = true;
                if let Some(next) = self.offsets.front_mut() {
                    next.announced = true;
                }
            }
            Step::CommitOffsets { .. } => drop(self.offsets.pop_front()),
            Step::End { .. } => {
                self.identity = identity.or(self.identity);
                self.over();
            }
        }
    }

    /// The coordinator is done with the transaction.
    pub(super) fn over(&mut self) {
        let State::Ending { commit, .. } = self.state else { return };
        // From now on brokers take note: an epoch of its own keeps apart what was sent under the former protocol.
        let upgraded =
            (self.protocol, self.latest.protocol) == (Protocol::Announced, Protocol::Noted);
        self.raise |= upgraded && self.started;
        self.state = State::Ending { commit, ended: true };
        if !self.raise {
            self.be_ready();
        }
    }

    pub(super) fn raises(&self) -> bool {
        matches!(self.state, State::Ending { ended: true, .. })
    }

    fn be_ready(&mut self) {
        self.state = State::Ready;
        self.protocol = self.latest.protocol;
        self.wanted.clear();
        self.announced.clear();
        self.offsets.clear();
        (self.started, self.in_doubt) = (false, false);
        self.assert_invariants();
    }
}
