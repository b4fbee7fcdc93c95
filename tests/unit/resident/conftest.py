"""A machine's disk for wslnet-agent's modules: their folders below a temporary one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from wslnet_linux_agent import ops_owned, ops_state, resident_log, resident_nets

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root below which everything lies; run R1 stands."""
    (tmp_path / "confirmed").mkdir()
    (tmp_path / "confirmed" / "R1").touch()
    monkeypatch.setattr(ops_owned, "FILE", str(tmp_path / "wslnet" / "owned.json"))
    monkeypatch.setattr(ops_owned, "CONFIRMED", str(tmp_path / "confirmed"))
    monkeypatch.setattr(resident_nets, "_FOLDER", str(tmp_path / "wslnet"))
    monkeypatch.setattr(ops_state, "FOLDER", str(tmp_path / "run"))
    monkeypatch.setattr(resident_log, "_FILE", str(tmp_path / "agent.log"))
    return tmp_path
