//! Rank 3. A Kafka client library: producer, consumer, admin.
