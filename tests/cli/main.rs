//! The command line as a user meets it: real processes, a real broker on a free port, files and pipes.

mod consume;
mod consume_group;
mod copy;
mod generated;
mod groups;
mod main_job;
mod produce;
mod serve;
mod server;
mod topics;
mod usage;
