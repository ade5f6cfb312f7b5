"""The figures of the README's table of faults: each is measured from outside, by one command."""
