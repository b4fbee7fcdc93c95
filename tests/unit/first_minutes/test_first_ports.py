"""Ports of both sides joined, with what mirrored mode does to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from wslnet.cli.ports import render
from wslnet.engine.port_table import port_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from wslnet.model.snapshot import Snapshot

    Make = Callable[..., Snapshot]


def windows(*rows: tuple[str, int, str]) -> dict[str, Any]:
    listeners = [
        {"proto": proto, "address": "0.0.0.0", "port": port, "pid": 2644, "process": process}
        for proto, port, process in rows
    ]
    return {"facts": {"windows": {"listeners": listeners}}}


def lines_of(snapshot: Snapshot) -> list[str]:
    return list(render(port_table(snapshot)))


def test_both_sides_in_one_row(stored: Make) -> None:
    lines = lines_of(stored("mirrored", windows(("tcp", 22, "sshd.exe"), ("udp", 5353, "svchost"))))
    assert lines[0].split() == ["port", "windows", "wsl"]
    assert lines[1] == "tcp/22    sshd.exe (2644) on 0.0.0.0  sshd on 0.0.0.0, ::"
    assert lines[2] == "  note: held on both sides: what arrives goes to Windows"
    assert lines[3] == "udp/5353  svchost (2644) on 0.0.0.0   -"


def test_wsl_own_relay_is_no_rival(stored: Make) -> None:
    lines = lines_of(stored("mirrored", windows(("tcp", 22, "wslrelay.exe"))))
    assert not any("held on both sides" in line for line in lines)


def test_ranges_of_a_mirrored_wsl(stored: Make) -> None:
    table = port_table(stored("mirrored", windows(("tcp", 45000, "teams.exe"))))
    assert table.reserved == (44620, 48715)
    assert {"tcp/5004", "udp/68"} <= set(table.never_steered)
    assert [one.notes for one in table.ports if one.port == 45000] == [
        ("inside the block that is reserved for WSL",)
    ]
    text = "\n".join(render(table))
    assert "reserved for WSL: 44620-48715" in text
    assert "not read: excluded tcp ports; look with: netsh interface ipv4 show excludedportrange" in text


def test_a_port_that_is_never_steered(stored: Make) -> None:
    listeners = [{"proto": "tcp", "family": 4, "address": "0.0.0.0", "port": 5004, "process": "rtp"}]
    lines = lines_of(stored("mirrored", {"facts": {"wsl": {"listeners": listeners}}}))
    assert "  note: mirrored mode never steers it to WSL" in lines


def test_nat_mode_has_no_such_ranges_and_tells_portproxy(stored: Make) -> None:
    rule = {
        "family": "v4tov4",
        "listen_address": "0.0.0.0",
        "listen_port": 8080,
        "connect_address": "172.23.102.37",
        "connect_port": 80,
    }
    patch = windows(("tcp", 8080, "svchost"))
    patch["facts"]["windows"]["portproxy"] = [rule]
    table = port_table(stored("nat", patch))
    assert (table.reserved, table.never_steered) == (None, ())
    lines = list(render(table))
    assert "  note: portproxy v4tov4 to 172.23.102.37:80" in lines
    assert "portproxy: v4tov4 0.0.0.0:8080 -> 172.23.102.37:80" in lines


def test_a_side_that_is_not_seen_is_named(stored: Make) -> None:
    table = port_table(stored("nat", unseen=("wsl",)))
    assert table.unseen == {"wsl": "wsl does not answer"}
    assert "not seen: wsl: wsl does not answer" in list(render(table))
    document = json.loads(json.dumps(table.to_json()))
    assert document["schema_version"] == 1
    assert document["ports"][0]["windows"][0]["process"] == "python"
