//! Consumer groups of the classic protocol, from the member's side.

pub mod assignor;
