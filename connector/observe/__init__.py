"""What the connector tells about itself: log, metrics, health, status, and the admin port that serves them.

The listeners of events (`log`, `metrics`, `health`) do not know each other; `status` is a snapshot of the flow.
"""
