"""Decoders from the bytes of a record to a value, one module per format. Knows nothing of what is done with values."""

from connector.decode.json import decode_json, decode_text

__all__ = ["decode_json", "decode_text"]
