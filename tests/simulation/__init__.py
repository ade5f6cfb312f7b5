"""Deterministic simulation of the whole flow: the real connector on a fake clock, broker and platform.

`python -m tests.simulation --help` says how it is run; the theory stands at the top of `world.py`.
"""
