"""The ops of the Windows agent (docs/protocols.md 2): verb and JSON arguments in, plain data out."""

from .table import execute

__all__ = ["execute"]
