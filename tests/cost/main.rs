//! What a request costs the broker in instructions, system calls, allocations and looks at the clock: counted under valgrind, so
//! that a busy machine changes nothing.
//!
//! `cargo test --test cost -- --nocapture` prints what was counted. Budgets are those of the debug binary, in `budgets`.

mod budgets;
mod cases;
#[path = "../support/connection.rs"]
mod connection;
mod counts;
#[path = "../support/listening.rs"]
mod listening;
mod profile;
#[path = "../support/requests.rs"]
mod requests;
mod specs;
mod watched;
