//! Record batches against those who write and read them elsewhere: Kafka's own Java code and librdkafka.

mod allocations;
mod java;
mod librdkafka;
mod sample;
