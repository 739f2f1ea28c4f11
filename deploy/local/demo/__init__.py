"""`make demo`: plays the whole loop on real Kafka and PostgreSQL, through public interfaces only."""
