"""The way of a record through the process: the pipeline (one page), the queue of a target, the life of a batch."""
