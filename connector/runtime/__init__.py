"""What every long-lived part of the process stands on: watched background tasks, an HTTP server inside our loop."""
