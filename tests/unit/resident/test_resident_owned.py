"""The file of what a machine keeps: by item, by run, and refused as a whole if it is not what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from wslnet.engine.commit import KEPT_VERBS
from wslnet.profiles import persistence
from wslnet_linux_agent import ops_owned
from wslnet_linux_agent.ops import Args, OpError

ON = {"verb": "sysctl.set", "args": {"key": "net.ipv4.ip_forward", "value": "1"}}
OFF = {"verb": "sysctl.set", "args": {"key": "net.ipv4.ip_forward", "value": "0"}}


def put(run: str, do: Any, name: str = "forwarding") -> None:
    ops_owned.put(Args({"name": name, "run": run, "do": do}))


def in_force() -> list[Any]:
    found = (ops_owned.in_force(one, ops_owned.confirmed()) for one in ops_owned.read())
    return [one["do"] for one in found if one is not None]


def test_what_agent_and_controller_must_agree_on() -> None:
    assert persistence.PROGRAM == ops_owned.PROGRAM
    assert frozenset(ops_owned.VERBS) == KEPT_VERBS


def test_an_item_counts_once_its_run_stands_and_until_then_the_one_before(disk: Path) -> None:
    put("R1", ON)
    put("R2", OFF)
    assert in_force() == [ON]
    (disk / "confirmed" / "R2").touch()
    assert in_force() == [OFF]


def test_what_was_never_confirmed_is_no_before(disk: Path) -> None:
    put("R2", OFF)
    put("R3", ON)
    assert in_force() == []
    assert "before" not in ops_owned.read()[0]
    assert disk.joinpath("wslnet", "owned.json").stat().st_mode & 0o777 == 0o644


def test_runs_are_undone_in_any_order(disk: Path) -> None:
    put("R1", ON, "first")
    (first,) = ops_owned.read()
    put("R2", OFF, "first")
    put("R2", ON, "second")
    ops_owned.restore(Args({"name": "first", "entry": first}))
    assert [one["name"] for one in ops_owned.read()] == ["first", "second"]
    assert ops_owned.read()[0] == first
    ops_owned.restore(Args({"name": "first", "entry": None}))
    ops_owned.restore(Args({"name": "second", "entry": None}))
    assert not (disk / "wslnet").exists()
    ops_owned.restore(Args({"name": "first", "entry": first}))
    assert not (disk / "wslnet").exists()


def test_what_is_undone_is_forgotten_only_if_it_is_that_what_is_kept(disk: Path) -> None:
    put("R1", ON)
    ops_owned.forget(Args({"name": "forwarding", "do": OFF}))
    assert in_force() == [ON]
    ops_owned.forget(Args({"name": "forwarding", "do": ON}))
    ops_owned.forget(Args({"name": "forwarding", "do": ON}))
    assert list(disk.joinpath("confirmed").iterdir()) == [disk / "confirmed" / "R1"]
    assert in_force() == []


@pytest.mark.parametrize(
    "do",
    [
        {"verb": "file.write", "args": {}},
        {"verb": "guard.arm", "args": {"undo": []}},
        {"verb": "sysctl.set"},
        {"verb": "sysctl.set", "args": []},
        "iptables -F",
    ],
)
@pytest.mark.usefixtures("disk")
def test_only_a_few_ops_may_be_kept(do: Any) -> None:
    with pytest.raises(OpError, match="no op that may be kept"):
        put("R1", do)
    assert not Path(ops_owned.FILE).exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"value": "1"', '"value": "0"'),
        lambda text: text.replace('"schema": 1', '"schema": 2'),
        lambda _: "[]",
        lambda _: "",
        lambda _: "\x00" * 10,
        lambda text: text + " " * ops_owned._MOST_BYTES,
    ],
)
def test_a_damaged_file_is_refused_in_one_line_and_never_written_over(disk: Path, damage: Any) -> None:
    put("R1", ON)
    file = disk / "wslnet" / "owned.json"
    damaged = damage(file.read_text("utf-8"))
    file.write_text(damaged, "utf-8")
    for act in (ops_owned.read, lambda: put("R1", OFF, "more")):
        with pytest.raises(OpError) as raised:
            act()
        assert "\n" not in str(raised.value)
        assert str(file) in str(raised.value)
    assert file.read_text("utf-8") == damaged
    assert ops_owned.owned()["problem"] == str(raised.value)


def test_a_file_that_others_could_write_is_refused(disk: Path) -> None:
    put("R1", ON)
    file = disk / "wslnet" / "owned.json"
    file.chmod(0o666)
    with pytest.raises(OpError, match="others than root"):
        ops_owned.read()
    file.unlink()
    file.symlink_to(disk / "elsewhere.json")
    (disk / "elsewhere.json").write_text(json.dumps({}))
    with pytest.raises(OpError, match="others than root"):
        ops_owned.read()
