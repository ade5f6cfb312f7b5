"""`check --connect`: whether what a config names can be reached, and may be used as a connector uses it."""
