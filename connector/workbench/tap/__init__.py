"""`tap`: what flows through a running connector.

`view.py` masks it, in the connector's process; everything else is the command.
"""
