"""Observation: typed events, and their listeners (metrics, log, health)."""
