"""The command `preview`: what a mapping does to records, before it does it."""
