"""The mapping language: compiled once, at start, into one function per route."""

from connector.mapping.compile import compile_mapping
from connector.mapping.mapper import CompiledMapping, Mapper

__all__ = ["CompiledMapping", "Mapper", "compile_mapping"]
