//! Rank 1. The Kafka protocol's messages, each declared once. Pure.
