"""Fact `in_use` of WSL: what its settings came out as, as far as the machine shows it. No judgement here."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Resolver:
    """Who resolves names: where /etc/resolv.conf leads as a link, None if it is none, and its servers."""

    link: str | None = None
    nameservers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InUse:
    """What WSL's settings came out as; `wsl_conf_link`: where /etc/wsl.conf leads, None if it is no link."""

    memory_kb: int = 0
    swap_kb: int = 0
    processors: int = 0
    command_line: str = ""
    resolver: Resolver = field(default_factory=Resolver)
    wsl_conf_link: str | None = None
