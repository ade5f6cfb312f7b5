"""The command `init`: a first config and a first mapping test, proposed from records."""
