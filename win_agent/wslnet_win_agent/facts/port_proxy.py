"""The portproxy rules, from the registry: netsh prints them in the user's language (windows-facts 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wslnet_win_agent import registry

if TYPE_CHECKING:
    from wslnet_win_agent.registry import RegistryKeys


def portproxy(keys: RegistryKeys) -> list[dict[str, object]]:
    """Give all rules; a value that is none is skipped, as the service does."""
    rules: list[dict[str, object]] = []
    for family, path in registry.PORTPROXY.items():
        for name, value in keys.values(path).items():
            listen_address, _, listen_port = name.rpartition("/")
            connect_address, _, connect_port = str(value).rpartition("/")
            if listen_port.isdigit() and connect_port.isdigit():
                rules.append(
                    {
                        "family": family,
                        "listen_address": listen_address,
                        "listen_port": int(listen_port),
                        "connect_address": connect_address,
                        "connect_port": int(connect_port),
                    }
                )
    return rules
