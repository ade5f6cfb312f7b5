"""The figures of the table of faults in docs/guarantees.md: each is measured from outside, by one command."""
