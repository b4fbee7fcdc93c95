"""Which interfaces shall forward, and the run that switches them, on a Windows held in memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from wslnet.app.forwarding import Selection, prepare, survey
from wslnet.app.unguarded import run_unguarded
from wslnet.errors import AgentError, InputError, NeedsElevation, PlanRefused
from wslnet.model.change import OpResult
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.model.windows_facts import Adapter, Interface, WindowsAddress, WindowsFacts, WindowsRoute
from wslnet.profiles.forwarding import choose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wslnet.model.change import Op

CARD, DS, WSL, FSE, LAN, VLAN, INTERNAL = 12, 20, 21, 22, 23, 24, 25
NAMES = {
    CARD: "以太网",
    DS: "vEthernet (默认开关)",
    WSL: "vEthernet (WSL (Hyper-V firewall))",
    FSE: "vEthernet (FSE HostVnic)",
    LAN: "vEthernet (LAN)",
    VLAN: "vEthernet (VLAN10)",
    INTERNAL: "vEthernet (Test)",
}
CARD_MAC = "1c:83:41:cf:a8:7c"


def facts(**changed: Any) -> WindowsFacts:
    adapters = [Adapter(CARD, NAMES[CARD], "Realtek PCIe GbE", CARD_MAC)]
    adapters += [
        Adapter(index, name, "Hyper-V Virtual Ethernet Adapter", f"00:15:5d:00:00:{index}", virtual=True)
        for index, name in NAMES.items()
        if index != CARD
    ]
    whole = WindowsFacts(
        elevated=True,
        adapters=tuple(adapters),
        interfaces=tuple(
            Interface(index, name, family, connected=True)
            for index, name in NAMES.items()
            for family in (4, 6)
        ),
        addresses=(WindowsAddress(CARD, NAMES[CARD], 4, "172.24.21.109", 24),),
        routes=(WindowsRoute(CARD, NAMES[CARD], 4, "0.0.0.0/0", "172.24.21.254"),),
    )
    return replace(whole, **changed)


def chosen(windows: WindowsFacts, **options: Any) -> list[int]:
    return [one.interface.index for one in choose(windows, **options) if one.chosen]


def reasons(windows: WindowsFacts, **options: Any) -> dict[int, str]:
    return {one.interface.index: one.reason or "" for one in choose(windows, **options)}


def test_the_notes_pattern_and_the_default_switch_in_other_languages() -> None:
    assert chosen(facts()) == [DS, WSL, LAN]
    told = reasons(facts())
    assert "takes no IP settings" in told[FSE]
    assert "WLAN or VLAN" in told[VLAN]
    assert "does not match" in told[INTERNAL]
    assert CARD not in told


def test_the_users_own_pattern_takes_the_place_of_the_notes_and_ignores_case() -> None:
    assert chosen(facts(), match="TEST") == [INTERNAL]
    assert chosen(facts(), match="vlan10") == [VLAN]
    assert chosen(facts(), match="FSE") == []
    with pytest.raises(InputError, match="no regular expression"):
        choose(facts(), match="(")


def test_what_leads_out_of_this_pc_is_opened_only_when_asked_for() -> None:
    external = tuple(
        replace(one, mac=CARD_MAC) if one.index == LAN else one for one in facts().adapters or ()
    )
    by_card = facts(adapters=external)
    assert chosen(by_card) == [DS, WSL]
    assert "External switch on 以太网" in reasons(by_card)[LAN]
    assert chosen(by_card, include_external=True) == [DS, WSL, LAN, VLAN]
    for dst in ("0.0.0.0/0", "::/0"):
        gateway = facts(routes=(WindowsRoute(LAN, NAMES[LAN], 4, dst, "10.0.0.1"),))
        assert chosen(gateway) == [DS, WSL]
        assert "default gateway" in reasons(gateway)[LAN]
    assert chosen(facts(), match="以太网") == []
    assert chosen(facts(routes=()), match="以太网") == [], "a card without a gateway today is a card still"
    assert chosen(facts(), match="以太网", include_external=True) == [CARD]
    assert chosen(facts(), match="FSE", include_external=True) == []


def test_ipv6_only_when_asked_for() -> None:
    found = choose(facts(), families=(4, 6))
    assert [(one.interface.index, one.interface.family) for one in found if one.chosen] == [
        (index, family) for index in (DS, WSL, LAN) for family in (4, 6)
    ]


@dataclass
class ModelWindows:
    """A fleet of one Windows; `refuse` maps an interface's index to the answer to switching it on."""

    state: Path
    facts: WindowsFacts = field(default_factory=facts)
    refuse: dict[int, str] = field(default_factory=dict)
    match: str | None = None
    writes: list[dict[str, object]] = field(default_factory=list)
    locked: bool = False

    @property
    def inventory(self) -> Inventory:
        machine = Machine("windows", Kind.WINDOWS, user="guest")
        return Inventory(Path("wslnet.toml"), self.state, {"windows": machine}, forwarding_match=self.match)

    def execute(self, machine: str, ops: Sequence[Op], *, deadline_s: float) -> tuple[OpResult, ...]:
        assert (machine, deadline_s > 0) == ("windows", True)
        results: list[OpResult] = []
        for op in ops:
            failed = any(not one.ok for one in results)
            results.append(OpResult(code="not-run", message="") if failed else self._one(op))
        return tuple(results)

    def forget(self, machines: Iterable[str]) -> None:
        raise AssertionError(f"nothing restarts: {machines}")

    def _one(self, op: Op) -> OpResult:
        args = dict(op.args)
        if op.verb == "facts":
            return OpResult({name: msgspec.to_builtins(getattr(self.facts, name)) for name in args["needs"]})  # type: ignore[attr-defined]
        if op.verb.startswith("lock."):
            self.locked = op.verb == "lock.hold"
            return OpResult({"state": "held" if self.locked else "free"})
        assert (op.verb, self.locked) == ("forwarding.set", True)
        code = self.refuse.get(int(str(args["interface_index"])))
        if code is not None and args["enabled"]:
            return OpResult(code=code, message="Access is denied. (Windows System Error 5)")
        self.writes.append(args)
        key = args["interface_index"], args["family"]
        changed = tuple(
            replace(one, forwarding=bool(args["enabled"])) if (one.index, one.family) == key else one
            for one in self.facts.interfaces or ()
        )
        self.facts = replace(self.facts, interfaces=changed)
        return OpResult({})

    @property
    def on(self) -> list[int]:
        return [one.index for one in self.facts.interfaces or () if one.forwarding]


def quiet(machine: str, text: str) -> None:
    assert machine
    assert text


def switch(windows: ModelWindows, *, enabled: bool, **selection: Any) -> Any:
    return run_unguarded(prepare(windows, Selection(**selection), enabled=enabled), quiet)


@pytest.mark.row("S3-14")
def test_the_inventory_names_the_pattern_once_for_all(tmp_path: Path) -> None:
    windows = ModelWindows(tmp_path, match="TEST")
    assert [one.interface.index for one in survey(windows, Selection()).choices if one.chosen] == [INTERNAL]
    by_option = survey(windows, Selection(match="vlan10")).choices
    assert [one.interface.index for one in by_option if one.chosen] == [VLAN]


def test_enable_and_disable_are_runs_with_a_journal(tmp_path: Path) -> None:
    windows = ModelWindows(tmp_path)
    done = switch(windows, enabled=True)
    assert (str(done.result), windows.on, done.exit_code) == ("committed", [DS, WSL, LAN], 0)
    assert [(one["interface_index"], one["family"]) for one in windows.writes] == [
        (DS, 4),
        (WSL, 4),
        (LAN, 4),
    ]
    (journal,) = (tmp_path / "journal").glob("*.jsonl")
    kinds = [json.loads(line)["kind"] for line in journal.read_text(encoding="utf-8").splitlines()]
    assert (kinds[0], kinds[-1]) == ("open", "committed")
    assert kinds.count("verified") == 3
    again = switch(windows, enabled=True)
    assert (str(again.result), again.exit_code, len(windows.writes)) == ("unchanged", 0, 3)
    assert str(switch(windows, enabled=False).result) == "committed"
    assert (windows.on, windows.locked) == ([], False)


def test_what_moved_since_the_plan_is_not_built_upon_and_is_named(tmp_path: Path) -> None:
    windows = ModelWindows(tmp_path)
    planned = prepare(windows, Selection(), enabled=True)
    one, *others = windows.facts.interfaces or ()
    windows.facts = replace(windows.facts, interfaces=(replace(one, mtu=1280), *others))
    with pytest.raises(PlanRefused, match=r"stale: windows: interfaces \(\+ .*mtu=1280"):
        run_unguarded(planned, quiet)
    assert (windows.writes, windows.locked) == ([], False)
    assert not (tmp_path / "journal").exists()


def test_nothing_begins_beside_a_run_that_waits(tmp_path: Path) -> None:
    windows = ModelWindows(tmp_path)
    planned = prepare(windows, Selection(), enabled=True)
    at = "2099-01-01T00:00:00+00:00"
    records = (
        {"kind": "open", "at": at, "run": "r", "plan": {}, "vms": [], "to_confirm": True},
        {"kind": "pending", "at": at, "run": "r", "deadline": at},
    )
    (tmp_path / "journal").mkdir()
    text = "".join(f"{json.dumps(one)}\n" for one in records)
    (tmp_path / "journal" / "20990101T000000-000000Z.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(PlanRefused, match="20990101T000000-000000Z waits for its confirmation"):
        run_unguarded(planned, quiet)
    assert (windows.writes, windows.locked) == ([], False)


def test_what_fails_is_taken_back(tmp_path: Path) -> None:
    windows = ModelWindows(tmp_path, refuse={LAN: "failed"})
    done = switch(windows, enabled=True)
    assert (str(done.result), done.exit_code, windows.on) == ("rolled-back", 12, [])
    assert "vEthernet (LAN)" in (done.reason or "")


def test_without_rights_nothing_is_begun(tmp_path: Path) -> None:
    windows = ModelWindows(tmp_path, facts(elevated=False), refuse=dict.fromkeys(NAMES, "not-permitted"))
    with pytest.raises(NeedsElevation, match="nothing was changed"):
        switch(windows, enabled=True)
    assert not (tmp_path / "journal").exists()


def test_a_windows_that_hides_its_rights_refuses_the_first_write(tmp_path: Path) -> None:
    windows = ModelWindows(tmp_path, facts(elevated=None), refuse=dict.fromkeys(NAMES, "not-permitted"))
    with pytest.raises(NeedsElevation, match="System Error 5"):
        switch(windows, enabled=True)
    assert windows.writes == []
    (journal,) = (tmp_path / "journal").glob("*.jsonl")
    assert json.loads(journal.read_text(encoding="utf-8").splitlines()[-1])["kind"] == "rolled-back"


def test_rights_that_end_half_way_are_a_rollback(tmp_path: Path) -> None:
    windows = ModelWindows(tmp_path, refuse={LAN: "not-permitted"})
    done = switch(windows, enabled=True)
    assert (str(done.result), done.exit_code, windows.on) == ("rolled-back", 12, [])


def test_a_tunnel_that_takes_everything_bars_the_way_out_only(tmp_path: Path) -> None:
    tunnel = Adapter(70, "Mihomo", "Meta Tunnel", virtual=True)
    plain = facts()
    with_tunnel = replace(
        plain,
        adapters=(*(plain.adapters or ()), tunnel),
        routes=(*(plain.routes or ()), WindowsRoute(70, "Mihomo", 4, "0.0.0.0/0", "198.18.0.2")),
    )
    windows = ModelWindows(tmp_path, with_tunnel)
    with pytest.raises(PlanRefused, match="41652"):
        prepare(windows, Selection("以太网", include_external=True), enabled=True)
    assert str(switch(windows, enabled=True).result) == "committed"
    assert survey(windows, Selection()).notes == ()
    looping = tuple(replace(one, forwarding=one.index == CARD) for one in plain.interfaces or ())
    told = survey(ModelWindows(tmp_path, replace(with_tunnel, interfaces=looping)), Selection()).notes
    assert told
    assert "Mihomo" in told[0]


def test_nothing_read_and_nothing_meant_are_told(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="did not tell its interfaces"):
        survey(ModelWindows(tmp_path, facts(interfaces=None)), Selection())
    windows = ModelWindows(tmp_path)
    with pytest.raises(InputError, match="no interface of windows is meant"):
        prepare(windows, Selection("nothing"), enabled=True)
