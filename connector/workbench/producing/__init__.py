"""`produce`: records of a file or of standard input into a topic, to try a config with."""
