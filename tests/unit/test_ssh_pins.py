"""Pinned host keys: the first line counts, damage is told, concurrent writers do not harm each other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from wslnet.errors import HostKeyMismatch, HostKeyUnknown, InputError
from wslnet.transport.pins import HostKey, Pins

if TYPE_CHECKING:
    from pathlib import Path

KEY = HostKey("ssh-ed25519", b"\0\0\0\x0bssh-ed25519one")
OTHER = HostKey("ssh-ed25519", b"\0\0\0\x0bssh-ed25519two")


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins(tmp_path / "state" / "known_hosts")


def test_first_contact_needs_leave_to_pin(pins: Pins) -> None:
    with pytest.raises(HostKeyUnknown, match="vm1: no host key is pinned") as raised:
        pins.check("vm1", KEY, enroll=False)
    assert raised.value.exit_code == 20
    assert not pins.file.exists()
    pins.check("vm1", KEY, enroll=True)
    pins.check("vm1", KEY, enroll=False)
    assert pins.get("vm1") == KEY
    assert pins.get("vm2") is None


def test_another_key_is_refused_and_never_replaces_the_pinned_one(pins: Pins) -> None:
    pins.check("vm1", KEY, enroll=True)
    for enroll in (False, True):
        with pytest.raises(HostKeyMismatch, match="vm1: it shows another") as raised:
            pins.check("vm1", OTHER, enroll=enroll)
        assert "\n" not in raised.value.message
    assert pins.get("vm1") == KEY
    pins.check("vm2", OTHER, enroll=True)


def test_forgetting_leaves_the_others_and_comments(pins: Pins) -> None:
    for name in ("vm1", "vm2"):
        pins.check(name, KEY, enroll=True)
    with pins.file.open("a") as file:
        file.write("# by hand\n\n")
    assert pins.forget("vm1")
    assert not pins.forget("vm1")
    assert pins.get("vm1") is None
    assert pins.get("vm2") == KEY
    assert "# by hand" in pins.file.read_text()


@pytest.mark.parametrize("line", ["vm1", "vm1 ssh-ed25519", "vm1 ssh-ed25519 ???", "vm1 ssh-ed25519 QUJD x"])
def test_a_damaged_file_is_named_with_its_line(pins: Pins, line: str) -> None:
    pins.check("vm2", KEY, enroll=True)
    with pins.file.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match="known_hosts line 2: not a host key"):
        pins.get("vm2")


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").mkdir()
    with pytest.raises(InputError, match="known_hosts"):
        Pins(tmp_path / "known_hosts").get("vm1")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        Pins(tmp_path / "file" / "known_hosts").check("vm1", KEY, enroll=True)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="bytes"):
        Pins(tmp_path / "bytes").get("vm1")


def test_many_at_once_pin_one_line_each_and_all_agree(pins: Pins) -> None:
    refused = []

    def enroll(machine: str, key: HostKey) -> None:
        try:
            pins.check(machine, key, enroll=True)
        except HostKeyMismatch:
            refused.append(machine)

    threads = [
        threading.Thread(target=enroll, args=(f"vm{number % 10}", HostKey("ssh-ed25519", b"key%d" % number)))
        for number in range(40)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(refused) == 30
    assert {pins.get(f"vm{number}") is not None for number in range(10)} == {True}
