"""`doctor --fix`: what fixes declare becomes a plan, kept where wslnet-agent is; the rest is only told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from wslnet.app.after_reboot import waiting_for_boot
from wslnet.app.doctor_fix import prepare_fix
from wslnet.engine.planner import RESTART_VERB
from wslnet.model.change import OpResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from wslnet.model.change import Op
    from wslnet.model.machine import Inventory
    from wslnet.model.snapshot import Snapshot

CASES = Path(__file__).parents[2] / "cases" / "checks" / "mirror.links.json"
LOST = "the way out lost its address, and its MAC tells which card it is"
BOOT = "5f0c7e1e-0000-4000-8000-000000000001"


class Model:
    """Machines that answer from a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @property
    def inventory(self) -> Inventory:
        return self.snapshot.inventory

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert deadline_s > 0
        assert [op.verb for op in ops] == ["facts"], "planning only looks"
        return (OpResult(msgspec.to_builtins(self.snapshot.facts[machine])),)

    def forget(self, _: Iterable[str]) -> None:
        """Nothing is kept."""


@pytest.mark.row("S0-13")
@pytest.mark.parametrize("agent", [True, False])
def test_a_lost_address_is_given_back_and_watched_where_the_agent_is(
    snapshot: Callable[..., Snapshot], *, agent: bool
) -> None:
    (case,) = (one for one in json.loads(CASES.read_text("utf-8"))["cases"] if one["name"] == LOST)
    patch: dict[str, Any] = case["patch"]
    identity = {"hostname": "h", "kernel": "6.6", "boot_id": BOOT, "python": "3.11", "uid": 0}
    patch["facts"]["wsl"] |= {"identity": identity, "owned": {"agent": agent, "items": []}}
    seen = snapshot("done", patch)
    plan = prepare_fix(Model(seen), seen.inventory, lambda *_: None, only=["mirror.links"]).plan
    op = {"link": "eth1", "address": "172.24.21.109", "prefix": 24, "boot": BOOT}
    done = {one.resource: (one.do.verb, dict(one.do.args)) for one in plan.changes}
    assert done.pop("address 172.24.21.109/24") == ("card.add_address", op)
    kept = {"kept address 172.24.21.109/24", "kept link eth1"}
    assert set(done) == (kept if agent else set())
    whole = prepare_fix(Model(seen), seen.inventory, lambda *_: None).plan
    assert whole.changes == plan.changes
    assert all(note.startswith("not mended by this: ") for note in whole.notes), whole.notes


def test_a_fix_of_the_mode_restarts_into_the_mode_that_it_writes(snapshot: Callable[..., Snapshot]) -> None:
    seen = snapshot("seed")
    plan = prepare_fix(Model(seen), seen.inventory, lambda *_: None, only=["mode.actual"]).plan
    (barrier,) = (one for one in plan.changes if one.do.verb == RESTART_VERB)
    assert (barrier.do.args["mode"], barrier.undo and barrier.undo.args["mode"]) == ("mirrored", "nat")


@pytest.mark.row("S1-18")
def test_a_service_comes_back_with_a_restart_into_the_mode_that_wslconfig_asks_for(
    snapshot: Callable[..., Snapshot],
) -> None:
    broken = {"name": "SharedAccess", "state": "Stopped", "start": "Disabled"}
    windows = {"services": [broken], "wsl": {"running": True, "mode": "virtioproxy"}}
    windows["wslconfig"] = {"exists": True, "content": "$text:[wsl2]\n"}
    seen = snapshot("seed", {"facts": {"windows": windows, "wsl": {"wsl": {"mode": "virtioproxy"}}}})
    plan = prepare_fix(Model(seen), seen.inventory, lambda *_: None, only=["win.services"]).plan
    service, barrier = plan.changes[:2]
    assert service.do.args == {"name": "SharedAccess", "start": "Manual", "running": True}
    assert (barrier.do.verb, barrier.do.args["mode"]) == (RESTART_VERB, "nat")
    assert waiting_for_boot(plan.changes) is None


@pytest.mark.parametrize(
    ("code", "registry", "value"),
    [
        ("ipv6.components", {"ipv6_disabled_components": 255}, 32),
        ("hyperv.firewall", {"hyperv_firewall_disabled": 1}, None),
    ],
)
def test_what_windows_takes_at_its_next_start_waits_for_it(
    snapshot: Callable[..., Snapshot], code: str, registry: dict[str, int], value: int | None
) -> None:
    config = {"exists": True, "content": "$text:[wsl2]\nnetworkingMode=mirrored\n"}
    seen = snapshot("seed", {"facts": {"windows": {"registry": registry, "wslconfig": config}}})
    plan = prepare_fix(Model(seen), seen.inventory, lambda *_: None, only=[code]).plan
    number, barrier = plan.changes[:2]
    assert (number.do.verb, number.do.args["value"]) == ("windows_value.set", value)
    assert (barrier.do.verb, barrier.do.args["mode"]) == (RESTART_VERB, "mirrored")
    assert plan.profile["mode"] == "mirrored"
    assert "reboot Windows, then wslnet resume" in (waiting_for_boot(plan.changes) or "")


def test_a_published_port_comes_back_with_the_next_boot_of_windows(snapshot: Callable[..., Snapshot]) -> None:
    cases = json.loads((CASES.parent / "port.conflict.json").read_text("utf-8"))["cases"]
    (case,) = (one for one in cases if "they are set back" in one["name"])
    seen = snapshot("seed", case["patch"])
    plan = prepare_fix(Model(seen), seen.inventory, lambda *_: None, only=["port.conflict"]).plan
    assert dict(plan.changes[0].do.args) == {"proto": "tcp", "first": 49152, "last": 65535}
    assert "dynamic tcp ports: Windows takes it when it starts anew" in (waiting_for_boot(plan.changes) or "")


def test_ports_that_mirrored_mode_lacks_are_given_back_and_wsl_starts_anew(
    snapshot: Callable[..., Snapshot],
) -> None:
    cases = json.loads((CASES.parent / "mode.actual.json").read_text("utf-8"))["cases"]
    (case,) = (one for one in cases if "it is set back" in one["name"])
    seen = snapshot("seed", case["patch"])
    plan = prepare_fix(Model(seen), seen.inventory, lambda *_: None, only=["mode.actual"]).plan
    ports, barrier = plan.changes[:2]
    assert (ports.do.verb, dict(ports.do.args)) == (
        "dynamic_ports.set",
        {"proto": "tcp", "first": 49152, "last": 65535},
    )
    assert (barrier.do.verb, barrier.do.args["mode"]) == (RESTART_VERB, "mirrored")


@pytest.mark.parametrize(
    ("build", "policies", "restarts"),
    [(22631, {}, True), (22000, {}, False), (22631, {"AllowNetworkingModeUserSetting": 0}, False)],
)
def test_a_fallback_is_tried_again_unless_something_else_explains_it(
    snapshot: Callable[..., Snapshot], build: int, policies: dict[str, int], *, restarts: bool
) -> None:
    config = {"exists": True, "content": "$text:[wsl2]\nnetworkingMode=mirrored\n"}
    windows = {"os": {"build": build, "revision": 4317}, "wslconfig": config}
    windows["registry"] = {"policies": policies}
    seen = snapshot("seed", {"facts": {"windows": windows}})
    plan = prepare_fix(
        Model(seen), seen.inventory, lambda *_: None, only=["mode.actual", "windows.build"]
    ).plan
    assert [one.do.verb for one in plan.changes[:1]] == ([RESTART_VERB] if restarts else [])


@pytest.mark.row("S1-17")
def test_a_dead_relay_is_mended_by_a_start_of_wsl_in_its_mode(snapshot: Callable[..., Snapshot]) -> None:
    listener = {"proto": "tcp", "family": 4, "address": "0.0.0.0", "port": 8080, "process": "nginx"}
    config = {"exists": True, "content": "$text:[wsl2]\n"}
    facts = {"wsl": {"listeners": [listener]}, "windows": {"wslconfig": config}}
    seen = snapshot("seed", {"wish": {"mode": "nat"}, "facts": facts})
    plan = prepare_fix(Model(seen), seen.inventory, lambda *_: None, only=["nat.localhost"]).plan
    assert plan.changes[0].do.verb == RESTART_VERB
    assert plan.changes[0].do.args["mode"] == "nat"
    assert plan.notes == ()
