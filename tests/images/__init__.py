"""The image and the stack, built and run for real: `make images`, as root on Debian, without a registry.

The connector's own image is the real one on a stand-in base; Kafka, Prometheus and Grafana are stand-ins too
(`stand_ins/Dockerfile`). What is made is kept in `.cache/images`.
"""
