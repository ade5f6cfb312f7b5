"""The mapping language, compiled at start into one function per route that makes items of records.

`words`, `conversions` and `operators` are tables of what the language has; `compile` is where a config comes in,
`mapper` where a record does.
"""

from connector.mapping.compile import compile_mapping
from connector.mapping.mapper import CompiledMapping, Mapper

__all__ = ["CompiledMapping", "Mapper", "compile_mapping"]
