//! Rank 4. The broker: the shell around the pure machines and the logs. [`Broker::start`] opens the directories, follows the
//! metadata, listens and serves; [`Broker::shutdown`] stops cleanly.
//!
//! A frame goes through `connection` to `dispatch`, whose table is all that is served, and on to its handler in
//! `handlers`, one file per API. Handlers hold no lock over an `.await`, and leave to the blocking pool what may wait for
//! the disk. The broker trusts nothing that came from a socket, and never answers for a record that it could lose.

mod aside;
mod background;
mod cleaner;
mod connection;
mod coordinator_topic;
mod counts;
mod defaults;
mod directories;
mod dispatch;
mod group_commit;
mod groups;
mod handlers;
mod loggers;
mod metrics;
mod node;
mod partition;
mod partitions;
mod producer_ids;
mod queued;
mod quirks;
mod reply;
mod scrub;
mod sessions;
mod start;
mod turn;
mod txns;

pub use dispatch::{SERVED, Served};
pub use loggers::{Loggers, ROOT as ROOT_LOGGER};
pub use start::{Broker, StartError};
