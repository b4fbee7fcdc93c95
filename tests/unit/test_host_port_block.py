"""The block of ports that a mirrored guest gets: found where 4096 in a row are free, and only there."""

from __future__ import annotations

import pytest

from wslnet_lab.host.wsl.port_block import has_block


@pytest.mark.parametrize(
    ("dynamic", "excluded", "found"),
    [
        ((49152, 65535), (), True),
        ((20000, 22999), (), False),
        ((49152, 53247), (), True),
        ((49152, 53247), ((50000, 50000, True),), False),
        ((49152, 65535), ((53000, 53100, False), (57000, 57100, False), (61100, 61200, False)), True),
        ((49152, 65535), ((53000, 53100, False), (57000, 57100, False), (61000, 61500, False)), False),
        ((49152, 52000), ((60000, 60100, False),), False),
        ((49152, 65535), ((5357, 5357, False),), True),
    ],
)
def test_a_block_is_4096_free_ports_in_a_row(
    dynamic: tuple[int, int], excluded: tuple[tuple[int, int, bool], ...], *, found: bool
) -> None:
    assert has_block(dynamic, excluded) is found
