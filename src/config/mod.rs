//! Rank 1. Broker and topic configuration by Kafka's names. Pure.
