"""Reload: another config takes over while the process runs.

Used by the composition root alone: what differs between two configs, which targets go on, and when to read the files.
"""
