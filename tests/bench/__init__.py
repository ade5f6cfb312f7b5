"""Benchmarks of speed and memory, run by `make bench`."""
