"""What a config says, as frozen types with their defaults, and the word for what is wrong with one.

It reads no file: `config` does. It imports `core` alone.
"""
