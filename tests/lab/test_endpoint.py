"""The constrained endpoint: a whole `setup` and its `undo` by one who is no administrator, from the LAN.

An administrator installs it; WSL's owner, who is none, then does everything through it, with wsl.exe by his
own task. What the endpoint does not list was never sent, and what was sent besides is refused.
"""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from wslnet_lab.socks import SocksProxy
from wslnet_win_agent.endpoint.offer import CONFIGURATION, FUNCTIONS, READS

from .asking import WSLNET, lab_calls, run
from .canonical.snapshot import differences, take
from .conftest import RunningLab, labs, wslnet
from .write_rules import judge_story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

OWNER = "DESKTOP-WUJING\\owner"
KEPT = "endpoint wslnet on its own machine"
VERDICT = "windows/C/Program Files/WindowsPowerShell/Modules/WslnetEndpoint/local-use.json"
OFFERED = {*FUNCTIONS, "Get-Command", *(name for names in READS.values() for name in names)}


@dataclass(frozen=True)
class Story:
    """The lab, and the inventories of its people."""

    lab: RunningLab
    chief: Path
    owner: Path
    beside: Path


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    with labs() as up:
        lab = up(f"t{os.getpid()}-endpoint", "endpoint")
        lan = SocksProxy(lab.netns("lan"))
        try:
            yield _people(lab, f"socks5h://127.0.0.1:{lan.port}")
            judge_story(lab)
        finally:
            threading.Thread(target=lan.shutdown).start()
            lan.server_close()


def _people(lab: RunningLab, from_lan: str) -> Story:
    text = lab.inventory.read_text()
    by_windows = re.search(r"proxy = \"(socks5h[^\"]*)\"", text)
    assert by_windows is not None
    named = text.replace(
        'address = "127.0.0.1"', f'address = "{_card(lab)}"\nconfiguration = "{CONFIGURATION}"', 1
    )
    head, _, rest = named.partition("[machines.windows]")
    windows, mark, below = rest.partition("[machines.wsl]")
    remote = head + "[machines.windows]" + windows.replace(by_windows[1], from_lan) + mark
    # WSL is reached by way of Windows, as from every machine that is not Windows itself.
    remote += f'\nproxy = "{by_windows[1]}"' + below
    people = {
        "chief": text.replace('user = "owner"', 'user = "chief"', 1),
        "owner": remote,
        "beside": text.replace('user = "owner"', f'user = "owner"\nconfiguration = "{CONFIGURATION}"', 1),
    }
    places = {}
    for name, content in people.items():
        places[name] = lab.inventory.with_name(f"inventory-{name}.toml")
        places[name].write_text(content)
    return Story(lab, **places)


def _card(lab: RunningLab) -> str:
    """Windows' own address in the LAN."""
    cards = [one for one in lab.control("adapters") if one["kind"] == "physical"]
    return str(next(one["address"] for card in cards for one in card["addresses"] if one["family"] == 4))


def _calls(story: Story, since: int) -> list[dict[str, Any]]:
    return lab_calls(story.lab)[since:]


def test_an_administrator_installs_it(story: Story) -> None:
    code, said = run(story.chief, "endpoint", "install", "--for", OWNER, "--yes")
    again = run(story.chief, "endpoint", "install", "--for", OWNER, "--yes")
    _, status = run(story.chief, "endpoint", "status")

    assert (code, said["result"]) == (0, "committed")
    assert [one["resource"] for one in said["changes"]] == ["endpoint wslnet", "task \\wslnet\\programs"]
    assert (again[0], again[1]["result"]) == (0, "unchanged")
    assert (status["registered"], status["intact"], status["problems"]) == (True, True, [])
    assert status["programs"] in {"Ready", "Running"}  # it ends a while after the last request
    # The second one has probed it, and Windows kept the owner's own session out.
    assert (status["local_for_others"], (story.lab.inventory.parent / VERDICT).exists()) == ("blocked", False)
    assert "may not open a remote shell on 127.0.0.1" in again[1]["notes"][-1]


def test_the_whole_setup_and_its_undo_by_one_who_is_no_administrator(story: Story) -> None:
    since = len(lab_calls(story.lab))
    assert run(story.owner, "status")[0] == 0  # the task's first start makes its folder in the profile
    before = take(story.lab)
    code, said = run(story.owner, "setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")
    assert (code, said.get("result")) == (0, "committed"), said
    assert said["unverified"] == []
    doctor, found = run(story.owner, "doctor")
    assert (doctor, found["summary"]["fail"], found["summary"]["crash"]) == (0, 0, 0), found
    for words in (
        ("firewall", "allow", "tcp/9090@lan"),
        ("forward", "add", "--to", "vm1:22", "--listen", "2201@lan"),
    ):
        code, said = run(story.owner, *words, "--yes")
        assert (code, said.get("result")) == (0, "committed"), said
        assert run(story.owner, *words, "--yes")[1]["result"] == "unchanged"
    code, said = run(story.owner, "setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes")
    assert (code, said["result"]) == (0, "unchanged"), said
    for _ in range(3):
        code, said = run(story.owner, "undo", "--yes")
        assert (code, said.get("result")) == (0, "committed"), said
    assert differences(before, take(story.lab)) == []

    sessions = [
        one for one in _calls(story, since) if one["kind"] == "psrp" and one["configuration"] != "local"
    ]
    assert sessions
    assert {one["configuration"] for one in sessions} == {CONFIGURATION}
    assert not any(command["script"] for one in sessions for command in one["commands"])
    assert {command["name"] for one in sessions for command in one["commands"]} <= OFFERED
    # Every run of wsl.exe was the owner's own, at this Windows: none came over the network.
    assert [one for one in _calls(story, since) if one["kind"] == "winrs"] == []


def test_what_is_not_listed_is_refused(story: Story) -> None:
    code, said = run(story.owner, "endpoint", "remove", "--yes")
    assert code != 0
    assert "constrained endpoint" in said["error"]["message"]
    code, said = run(story.owner, "setup", "--mirrored", "--yes", "--confirm-within", "30s")
    assert (code, said["error"]["code"]) == (15, "unsupported")


def test_on_windows_itself_it_is_blocked_unless_loopback_is_open(story: Story) -> None:
    code, said = run(story.beside, "status")
    windows = next(one for one in said["machines"] if one["name"] == "windows")
    assert (code, windows["seen"]) == (0, False)
    assert "may not open a remote shell" in windows["reason"], windows["reason"]
    done = wslnet("lab", "break", "--name", story.lab.name, "winrm-loopback-open")
    assert done.returncode == 0, done.stderr
    code, said = run(story.beside, "status")
    windows = next(one for one in said["machines"] if one["name"] == "windows")
    assert (code, windows["seen"]) == (0, True)


def _at_windows(
    story: Story, words: tuple[str, ...], address: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Runs wslnet on Windows in the owner's own terminal, with the endpoint named in the inventory."""
    local = story.lab.inventory.with_name("inventory-local.toml").read_text()
    named = f'kind = "windows"\nconfiguration = "{CONFIGURATION}"\n'
    named += "" if address is None else f'address = "{address}"\n'
    inventory = story.lab.inventory.with_name("inventory-here.toml")
    inventory.write_text(local.replace('kind = "windows"\n', named, 1))
    program = ["env", "WSLNET_LAB_IDENTITY=limited", WSLNET, "--inventory", str(inventory), *words, "--json"]
    done = story.lab.run("windows", program, timeout_s=170)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def _used(story: Story, since: int) -> set[str]:
    """As which configurations the owner had sessions since then."""
    return {
        one["configuration"]
        for one in _calls(story, since)
        if one["kind"] == "psrp" and one["identity"] == "owner"
    }


def _install(story: Story) -> list[tuple[str, str]]:
    code, said = run(story.chief, "endpoint", "install", "--for", OWNER, "--yes")
    assert code == 0, said
    return [(one["resource"], one["action"]) for one in said["changes"]]


def test_at_windows_itself_it_is_used_only_after_a_probe(story: Story) -> None:
    shown = ("forwarding", "show")
    since = len(lab_calls(story.lab))
    code, said = _at_windows(story, shown)
    assert (code, said["error"]["code"]) == (15, "unsupported")
    assert "no probe has passed" in said["error"]["message"]
    # Loopback is open by now, and still nothing is tried before a probe has passed.
    for address in ("127.0.0.1", _card(story.lab)):
        assert _at_windows(story, shown, address)[0] == 15, address
    assert _used(story, since) == {"local"}

    assert _install(story) == [(KEPT, "add")]
    assert run(story.chief, "endpoint", "status")[1]["local_for_others"] == "passed"
    since = len(lab_calls(story.lab))
    code, said = _at_windows(story, ("forwarding", "enable", "--yes"))
    assert (code, said.get("result")) == (0, "committed"), said
    code, said = _at_windows(story, ("undo", "--yes"), "127.0.0.1")
    assert (code, said.get("result")) == (0, "committed"), said
    assert _used(story, since) == {"local", CONFIGURATION}
    changed = {
        one["configuration"]
        for one in _calls(story, since)
        if any("Forwarding" in command["name"] for command in one["commands"])
    }
    assert changed == {CONFIGURATION}


@pytest.mark.full
def test_the_whole_setup_at_windows_itself(story: Story) -> None:
    since = len(lab_calls(story.lab))
    before = take(story.lab)
    code, said = _at_windows(story, ("setup", "--mirrored", "--allow", "tcp/8080@lan", "--yes"))
    assert (code, said.get("result")) == (0, "committed"), said
    assert said["unverified"] == []
    code, said = _at_windows(story, ("undo", "--yes"))
    assert (code, said.get("result")) == (0, "committed"), said
    assert differences(before, take(story.lab)) == []
    assert [one for one in _calls(story, since) if one["kind"] == "winrs"] == []


def test_a_verdict_that_does_not_hold_any_more_is_not_used(story: Story) -> None:
    kept = story.lab.inventory.parent / VERDICT
    whole = kept.read_bytes()
    kept.write_bytes(whole.replace(b'"files": "', b'"files": "0'))
    code, said = _at_windows(story, ("forwarding", "show"))
    assert (code, said["error"]["code"]) == (15, "unsupported")
    assert "not those that the probe met" in said["error"]["message"]
    kept.write_bytes(whole)

    # Windows keeps others out again, as after an update: the next installation finds it out.
    assert wslnet("lab", "break", "--name", story.lab.name, "--clear").returncode == 0
    code, said = _at_windows(story, ("forwarding", "show"))
    assert (code, said["error"]["code"]) == (13, "needs-elevation")
    assert _install(story) == [(KEPT, "remove")]
    assert not kept.exists()

    kept.write_bytes(whole)
    code, said = run(story.chief, "endpoint", "remove", "--yes")
    assert (code, said["result"]) == (0, "committed"), said
    assert not kept.parent.exists()
