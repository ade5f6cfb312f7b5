"""Supervised background tasks, and an HTTP server as a task of the event loop."""
