"""`wslnet endpoint` against a Windows in this process, over WinRM."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from wslnet.cli.main import root
from wslnet_lab.host.__main__ import _build_server
from wslnet_lab.host.local_programs import LocalPrograms
from wslnet_lab.host.log import JsonLinesLog
from wslnet_lab.host.machine import WindowsMachine, build_windows
from wslnet_lab.host.paper_hardware import PaperHardware
from wslnet_lab.host.wire.settings import SettingsSource

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[tuple[WindowsMachine, int]]:
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "password").write_text("correct horse\n")
    log = JsonLinesLog(folder / "log/calls.jsonl")
    machine = build_windows(folder, PaperHardware(), log)
    machine.boot()
    server = _build_server(folder, LocalPrograms.of(machine, log, SettingsSource(folder)), 0)
    server.start()
    yield machine, server.port
    server.close()


@pytest.fixture
def wslnet(
    windows: tuple[WindowsMachine, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    machine, port = windows
    monkeypatch.setenv("WIN_SECRET", "correct horse")
    inventory = tmp_path / "wslnet.toml"
    inventory.write_text(
        "schema_version = 1\n"
        f'state = "{tmp_path / "state"}"\n'
        '[machines.windows]\nkind = "windows"\naddress = "127.0.0.1"\n'
        f'port = {port}\nuser = "{machine.state.settings.owner}"\nsecret = {{ env = "WIN_SECRET" }}\n',
        encoding="utf-8",
    )

    def run(*words: str) -> Any:
        return CliRunner().invoke(root, ["--inventory", str(inventory), "endpoint", *words])

    return run


def _status(wslnet: Callable[..., Any]) -> dict[str, Any]:
    found = wslnet("status", "--json")
    return json.loads(found.output)  # type: ignore[no-any-return]  # JSON


def test_install_status_remove(wslnet: Callable[..., Any]) -> None:
    before = _status(wslnet)
    planned = wslnet("install", "--dry-run", "--json")
    installed = wslnet("install", "--yes")
    there, again = _status(wslnet), wslnet("install", "--yes", "--json")
    told = wslnet("status")
    removed = wslnet("remove", "--yes", "--json")

    assert before["registered"] is False
    assert len(json.loads(planned.output)["changes"]) == 1
    assert "Windows blocks WinRM over loopback" in installed.output
    assert (there["registered"], there["intact"], there["problems"]) == (True, True, [])
    assert (there["local_for_others"], there["local_because"]) == ("blocked", "no probe has passed there")
    assert "and no probe has passed there; use it from another machine" in told.output
    assert json.loads(again.output)["result"] == "unchanged"
    assert json.loads(removed.output)["result"] == "committed"
    assert _status(wslnet)["registered"] is False


def test_an_account_that_is_none_is_refused(wslnet: Callable[..., Any]) -> None:
    assert wslnet("install", "--for", "x'; evil", "--yes").exit_code != 0
