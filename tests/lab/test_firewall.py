"""Ports let into WSL, by packets: for the LAN only, for a time only, and nothing left behind by undo."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from .asking import reboot
from .asking import run as ask
from .canonical.snapshot import differences, take
from .servers import greeting, heard

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

HOST = "172.24.21.109"
PORT = 8080


def serving(lab: Any, address: str = "0.0.0.0", port: int = PORT) -> AbstractContextManager[None]:
    """A service in WSL."""
    return greeting(lab, "wsl", address, port, "from wsl")


def reached(lab: Any, port: int = PORT) -> bool:
    return heard(lab, "lan", HOST, port) == "from wsl"


def exposed(lab: Any) -> set[int]:
    return {one["port"] for one in ask(lab, "firewall", "audit")[1]["exposed"]}


def rules(lab: Any) -> list[tuple[int, str | None, str | None]]:
    listed = ask(lab, "firewall", "list")[1]["rules"]
    return [(one["port"], one["scope"], one["until"]) for one in listed]


def test_in_nat_mode_it_says_what_a_rule_does_not_do(story_lab: Any) -> None:
    code, said = ask(story_lab, "firewall", "allow", "tcp/8080@lan", "--dry-run")
    assert code == 10
    assert [one["action"] for one in said["changes"]] == ["add"]
    assert any("forward add" in note for note in said["notes"])
    code, said = ask(story_lab, "firewall", "allow", "tcp/8080@lan", "--for", "2h", "--yes")
    assert (code, said["error"]["hint"]) == (2, "wslnet boot install")


@pytest.mark.row("S3-09")
def test_a_port_for_the_lan_is_open_while_it_is_allowed(story_lab: Any) -> None:
    assert ask(story_lab, "setup", "--mirrored", "--yes")[0] == 0
    before = take(story_lab)
    with serving(story_lab):
        assert not reached(story_lab)
        code, said = ask(story_lab, "firewall", "allow", "tcp/8080@lan", "--yes")
        assert (code, said["result"]) == (0, "committed"), said
        assert reached(story_lab)
        audit = ask(story_lab, "firewall", "audit")[1]
        (found,) = [one for one in audit["exposed"] if one["port"] == PORT]
        assert (found["sources"], audit["open_default"]) == (["172.24.21.0/24"], False)
        code, said = ask(story_lab, "firewall", "allow", "tcp/8080@lan", "--yes")
        assert (code, said["result"]) == (0, "unchanged"), said
        code, said = ask(story_lab, "firewall", "revoke", "tcp/8080", "--yes")
        assert (code, said["result"]) == (0, "committed"), said
        assert not reached(story_lab)
    for _ in range(2):
        assert ask(story_lab, "undo", "--yes")[0] == 0
    assert differences(before, take(story_lab)) == []


@pytest.mark.row("S3-08")
def test_the_open_default_is_named_and_taken_back(story_lab: Any) -> None:
    with serving(story_lab):
        assert ask(story_lab, "firewall", "allow", "--open-all", "--yes")[0] == 0
        assert reached(story_lab)
        audit = ask(story_lab, "firewall", "audit")[1]
        assert audit["open_default"]
        assert any("firewall revoke --open-all" in words for words in audit["warnings"])
        code, said = ask(story_lab, "firewall", "revoke", "--open-all", "--yes")
        assert (code, said["result"]) == (0, "committed"), said
        assert not reached(story_lab)


@pytest.mark.full
def test_what_is_granted_for_a_time_goes_by_itself(story_lab: Any) -> None:
    assert ask(story_lab, "boot", "install", "--yes")[0] == 0
    with serving(story_lab):
        code, said = ask(story_lab, "firewall", "allow", "tcp/8080@lan", "--for", "2m", "--yes")
        assert (code, said["result"]) == (0, "committed"), said
        ((port, scope, until),) = rules(story_lab)
        assert (port, scope) == (PORT, "lan")
        assert reached(story_lab)
        (network, _) = ask(story_lab, "boot", "status")[1]["tasks"]
        assert f"once at {until}" in network["next"]
        deadline = time.monotonic() + 400
        while reached(story_lab):
            assert time.monotonic() < deadline
            time.sleep(2)
    assert rules(story_lab) == []
    assert PORT not in exposed(story_lab)


@pytest.mark.full
def test_what_ended_while_windows_was_off_goes_at_its_start(story_lab: Any) -> None:
    code, said = ask(story_lab, "firewall", "allow", "tcp/8080@lan", "--for", "2h", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    ((_, _, until),) = rules(story_lab)
    # As if Windows had been off for two hours: the end is over when it comes up.
    ended = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name in ("firewall.json", "tasks.json"):
        file = story_lab.inventory.parent / "windows" / name
        text = file.read_text("utf-8")
        assert until in text, name
        file.write_text(text.replace(str(until), ended), "utf-8")
    time.sleep(2)
    reboot(story_lab, "windows")
    deadline = time.monotonic() + 120
    while rules(story_lab):
        assert time.monotonic() < deadline
        time.sleep(1)
    assert PORT not in exposed(story_lab)


@pytest.mark.full
def test_a_time_and_a_wait_for_confirmation_are_refused_with_the_reason(story_lab: Any) -> None:
    words = ("firewall", "allow", "tcp/8080@lan", "--for", "2h", "--confirm-within", "5m", "--yes")
    code, said = ask(story_lab, *words)
    assert (code, said["error"]["code"]) == (15, "unsupported"), said
    assert "the task that would take it back" in said["error"]["message"]
    assert rules(story_lab) == []
