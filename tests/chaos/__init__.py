"""Chaos: the real command line on a real broker, a reproducible schedule of faults, and a verdict from outside."""
