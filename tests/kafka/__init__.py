"""Tests on a real Apache Kafka broker, and what starts one."""
