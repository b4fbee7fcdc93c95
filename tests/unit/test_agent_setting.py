"""Verb `setting.put` and the fact `settings`: files as they are, put only in the place of what was read."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec
import pytest

from wslnet.model.linux_facts import Settings, SettingState
from wslnet_linux_agent import ops_setting
from wslnet_linux_agent.ops import Args, OpError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, NEW = b"nas:/x /mnt/x nfs ro 0 0\n", b"nas:/x /mnt/x nfs ro,nofail 0 0\n"


@pytest.fixture
def fstab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "fstab"
    monkeypatch.setattr(ops_setting, "PATHS", (str(file),))
    return file


def content(data: bytes) -> dict[str, object]:
    return {"content": base64.b64encode(data).decode()}


def put(path: Path, to: object, expect: object) -> None:
    ops_setting.put(Args({"path": str(path), "to": to, "expect": expect}))


def state(path: Path) -> SettingState | None:
    return msgspec.convert(ops_setting.settings(), Settings).files[str(path)]


def test_a_file_is_replaced_and_keeps_its_mode(fstab: Path) -> None:
    assert state(fstab) is None
    fstab.write_bytes(OLD)
    fstab.chmod(0o640)
    put(fstab, content(NEW), content(OLD))
    assert (fstab.read_bytes(), fstab.stat().st_mode & 0o777) == (NEW, 0o640)
    assert state(fstab) == SettingState(content=base64.b64encode(NEW).decode())
    put(fstab, content(OLD), content(NEW))
    assert fstab.read_bytes() == OLD
    assert sorted(fstab.parent.iterdir()) == [fstab]


def test_a_link_and_a_file_take_each_others_place(fstab: Path, tmp_path: Path) -> None:
    target = tmp_path / "shared"
    target.write_bytes(OLD)
    put(fstab, {"link": "shared"}, None)
    assert (state(fstab), fstab.read_bytes()) == (SettingState(link="shared"), OLD)
    put(fstab, content(NEW), {"link": "shared"})
    assert (fstab.is_symlink(), fstab.read_bytes(), target.read_bytes()) == (False, NEW, OLD)
    put(fstab, None, content(NEW))
    assert state(fstab) is None


def test_what_somebody_has_changed_meanwhile_stays(fstab: Path) -> None:
    fstab.write_bytes(NEW)
    with pytest.raises(OpError, match="not what was read"):
        put(fstab, content(OLD), content(OLD))
    assert fstab.read_bytes() == NEW


def act(verb: Callable[[Args], object], name: str) -> None:
    verb(Args({"module": name}))


def test_no_other_path_and_no_other_module(fstab: Path) -> None:
    with pytest.raises(OpError, match="does not write"):
        put(fstab.with_name("passwd"), content(NEW), None)
    for verb in (ops_setting.load_module, ops_setting.unload_module):
        with pytest.raises(OpError, match="does not load"):
            act(verb, "nf_tables")


def test_a_module_is_loaded_and_taken_out_by_modprobe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool, said = tmp_path / "modprobe", tmp_path / "said"
    tool.write_text(
        f'#!/bin/sh\necho "$@" >> {said}\n[ "$1" != kvm_amd ] || {{ echo "no such" >&2; exit 1; }}\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    act(ops_setting.load_module, "kvm_intel")
    act(ops_setting.unload_module, "kvm_intel")
    assert said.read_text().splitlines() == ["kvm_intel", "-r kvm_intel"]
    with pytest.raises(OpError, match="no such"):
        act(ops_setting.load_module, "kvm_amd")
