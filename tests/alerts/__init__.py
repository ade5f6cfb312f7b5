"""The alert rules and the dashboard, held against Prometheus."""
