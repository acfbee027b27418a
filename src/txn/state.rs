//! What a transaction does.

/// The states, with Kafka's numbers and names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum TxnState {
    /// The producer has an epoch, and no transaction.
    Empty,
    /// Records and offsets may be added.
    Ongoing,
    /// It is to be committed: markers are being written.
    PrepareCommit,
    /// It is to be aborted: markers are being written.
    PrepareAbort,
    /// All its markers for the commit are written.
    CompleteCommit,
    /// All its markers for the abort are written.
    CompleteAbort,
}

impl TxnState {
    const ALL: [TxnState; 6] = [
        TxnState::Empty,
        TxnState::Ongoing,
        TxnState::PrepareCommit,
        TxnState::PrepareAbort,
        TxnState::CompleteCommit,
        TxnState::CompleteAbort,
    ];

    /// As it is stored.
    pub fn to_wire(self) -> i8 {
        self as i8
    }

    /// From a record; Kafka stores no other states.
    pub fn from_wire(raw: i8) -> Option<TxnState> {
        Self::ALL.into_iter().find(|state| state.to_wire() == raw)
    }

    /// Kafka's name.
    pub fn name(self) -> &'static str {
        match self {
            TxnState::Empty => "Empty",
            TxnState::Ongoing => "Ongoing",
            TxnState::PrepareCommit => "PrepareCommit",
            TxnState::PrepareAbort => "PrepareAbort",
            TxnState::CompleteCommit => "CompleteCommit",
            TxnState::CompleteAbort => "CompleteAbort",
        }
    }

    /// Whether Kafka has a state of this name: `Dead` and `PrepareEpochFence` are never seen here.
    pub fn is_name(name: &str) -> bool {
        name == "Dead"
            || name == "PrepareEpochFence"
            || Self::ALL.iter().any(|state| state.name() == name)
    }

    /// Whether it was decided how the transaction ends, and markers are still to be written.
    pub fn is_ending(self) -> bool {
        matches!(self, TxnState::PrepareCommit | TxnState::PrepareAbort)
    }

    /// Whether the transaction was or is being committed.
    pub fn commits(self) -> bool {
        matches!(self, TxnState::PrepareCommit | TxnState::CompleteCommit)
    }
}
