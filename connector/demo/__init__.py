"""The connector at work, everything embedded: no Kafka, no Java, no configuration."""

from __future__ import annotations

from connector.demo.play import main

__all__ = ["main"]
