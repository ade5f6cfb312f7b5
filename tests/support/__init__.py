"""Helpers of many tests: a virtual clock, a raw HTTP server, in-memory sinks and sources, harnesses for the flow."""
