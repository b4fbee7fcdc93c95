"""The ops of the Windows agent (docs/protocols.md 2): verb and JSON arguments in, plain data out."""

from .table import WRITE_VERBS, execute

__all__ = ["WRITE_VERBS", "execute"]
