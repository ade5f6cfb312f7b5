"""The vocabulary and the pure logic: records, events, errors; batching, ordering, retry and settlement.

No I/O and no clock: the time is an argument. Every other folder may import it; it imports none of them.
"""
