//! The threads of a client.

/// A runtime for the connections of clients, with one thread for two processors, at most four; what is given to its `block_on` runs on
/// the caller's own thread. With more threads than there is work for, each answer wakes one that finds nothing to do: beside a broker on
/// two processors, a second thread made end-to-end latencies half as long again and cost two fifths more CPU.
///
/// # Errors
/// If the system has no thread left.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let workers = std::thread::available_parallelism().map_or(1, |processors| processors.get() / 2);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(workers.clamp(1, 4)).enable_all().build()
}
