"""Words and pure logic: what flows, how it ends, and the rules of batching, ordering, retry and settlement.

No I/O, no clock: the time is an argument. Everything else in the connector may import it, and it imports nothing.
"""
