"""From the bytes of a record to a value: formats, charsets, and which topic has which.

Knows nothing of what is done with values.
"""

from connector.decode.decoding import Decoding, decodings
from connector.decode.json import decode_json, decode_text

__all__ = ["Decoding", "decode_json", "decode_text", "decodings"]
