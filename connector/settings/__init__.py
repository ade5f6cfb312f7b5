"""What a config says, as types, and the problems that are found in one. Stands on core alone."""
