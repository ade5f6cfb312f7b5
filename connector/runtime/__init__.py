"""What a long-running process needs: supervised background tasks, an HTTP server as a task, signals and exit.

It knows nothing of Kafka or the platform; the connector and the sandbox both run on it.
"""
