"""From a record's bytes to a value: the formats that a topic's values may have."""

from connector.decode.json import decode_json

__all__ = ["decode_json"]
