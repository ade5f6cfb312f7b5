"""The way of a record through the process: the pipeline (one page), a target's queue, the life of a batch.

Everything here runs on the event loop, without locks, and knows neither Kafka nor HTTP.
"""
