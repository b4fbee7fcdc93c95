"""Why a reading of a machine failed, in the words of its agent (docs/protocols.md 1 and 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FactError:
    """One reading that failed; `code` is one of the agent's words, `message` is for people."""

    code: str
    message: str


FactErrors = Mapping[str, FactError]
"""By the name of the reading; a part of one is named `firewall/nft`."""
