"""Files of the user's are written whole or not at all, whatever the disk does."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from wslnet import whole_file
from wslnet.cli.carry_out import show_only
from wslnet.cli.init import _write
from wslnet.errors import InputError
from wslnet.transport.pins import Pins
from wslnet.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Planned:
    """As much of a plan as is shown and saved."""

    changes = ()

    def to_json(self) -> dict[str, object]:
        return {"id": "x" * 100_000}


def refuse(*_: object) -> Any:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


WRITERS: dict[str, Callable[[Path], object]] = {
    "plan": lambda file: show_only(Planned(), file, as_json=True),  # type: ignore[arg-type]
    "inventory": lambda file: _write(file, "x" * 100_000),
}


@pytest.mark.parametrize("writer", list(WRITERS))
@pytest.mark.parametrize("old", [None, b"old"])
def test_nothing_is_half_written(
    writer: str, old: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    if old is not None:
        file.write_bytes(old)
    monkeypatch.setattr(whole_file.os, "fsync", refuse)
    with pytest.raises(InputError, match="No space left on device"):
        WRITERS[writer](file)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([] if old is None else [old])


def test_pins_stay_when_the_disk_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(b"vm1 ssh-ed25519 AAAA\nvm2 ssh-ed25519 AAAA\n")
    monkeypatch.setattr(whole_file.os, "fsync", refuse)
    with pytest.raises(InputError, match="No space left on device"):
        Pins(file).forget("vm1")
    assert [each.read_bytes().count(b"\n") for each in tmp_path.iterdir()] == [2]


def test_the_mode_stays_a_link_is_followed_and_folders_are_made(tmp_path: Path) -> None:
    target = tmp_path / "a" / "b" / "file"
    write_whole(target, b"one")
    target.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(target)
    write_whole(link, b"two")
    assert (target.read_bytes(), stat.S_IMODE(target.stat().st_mode)) == (b"two", 0o640)
    assert link.is_symlink()
    assert [each.name for each in target.parent.iterdir()] == ["file"]


def test_what_is_no_plain_file_is_written_as_it_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_whole(pipe, b"plan")
        assert os.read(reader, 100) == b"plan"
    finally:
        os.close(reader)
