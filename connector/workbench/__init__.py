"""What shows users what a mapping does before it runs: mapping tests and their coverage.

Nothing here needs Kafka, the platform, or a variable that only these two sections of a config use.
"""
