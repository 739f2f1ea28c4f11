"""Benchmarks, by `make bench-…`: they print a table and write `.local/bench/<name>.json`. No test runs them."""
