"""The four services of Rapport. None imports another; they meet in shared.contracts and on Kafka."""
