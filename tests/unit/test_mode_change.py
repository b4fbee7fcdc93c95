"""From mode to mode on paper: which switch bridged mode takes, and what the mode of before leaves behind."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wslnet.app.after_reboot import wish_of
from wslnet.app.undo import interrupted
from wslnet.engine.apply import check_forecast
from wslnet.engine.elevation import demand_rights
from wslnet.engine.journal import FOLDER, Journal
from wslnet.engine.planner import make_plan
from wslnet.engine.run_log import End, refuse_beside_pending
from wslnet.errors import InputError, NeedsElevation, PlanRefused, Unsupported
from wslnet.model.allow import Allow
from wslnet.model.change import Action, Change, Op
from wslnet.model.fallback import held_by_boot
from wslnet.model.forward import parse_forward
from wslnet.model.linux_facts import LinuxFacts, Owned, OwnedItem, WslInfo
from wslnet.model.machine import Inventory, Kind, Machine, Wish
from wslnet.model.snapshot import Snapshot
from wslnet.model.topology import address_of
from wslnet.model.windows_facts import (
    Adapter,
    HyperVFirewall,
    HyperVRule,
    Os,
    PortProxy,
    WindowsAddress,
    WindowsFacts,
    WindowsRoute,
)
from wslnet.model.windows_wsl import WslConfigFile, WslService
from wslnet.profiles.bridged_mode import bridged_resources
from wslnet.profiles.left_behind import kept_no_more, without_left_behind
from wslnet.profiles.modes import SetupOptions
from wslnet.profiles.table import profile_of
from wslnet.resources.port_holder import PortHolder

MAC = "1c:83:41:cf:a8:7c"
CARD = Adapter(12, "以太网", mac=MAC, status="Up")
SWITCH = Adapter(30, "vEthernet (LAN)", mac=MAC, status="Up", virtual=True)
INTERNAL = Adapter(31, "vEthernet (Default Switch)", mac="00:15:5d:00:00:01", status="Up", virtual=True)
OF_WSL = Adapter(41, "vEthernet (WSL (Hyper-V firewall))", mac="00:15:5d:00:00:02", status="Up", virtual=True)
MACHINES = {
    "windows": Machine("windows", Kind.WINDOWS),
    "wsl": Machine("wsl", Kind.WSL, "windows", distro="Debian"),
    "lan": Machine("lan", Kind.PEER, address="172.24.21.50"),
}
KEYS = "[wsl2]\nnetworkingMode=bridged\nvmSwitch=LAN # mine\nDHCP=true\n"


def snapshot(mode: str, config: str = "", *forwards: str, **windows: Any) -> Snapshot:
    address = None if mode == "none" else "172.23.102.37" if mode in {"nat", "bridged"} else "127.0.0.1"
    facts = WindowsFacts(
        os=Os(22631, edition="Professional"),
        adapters=(CARD, SWITCH, INTERNAL, OF_WSL),
        interfaces=(),
        addresses=(
            WindowsAddress(30, SWITCH.name, 4, "172.24.21.109", 24),
            WindowsAddress(41, OF_WSL.name, 4, "172.23.96.1", 20),
        ),
        routes=(WindowsRoute(30, SWITCH.name, 4, "0.0.0.0/0", "172.24.21.254"),),
        portproxy=(),
        hyperv_firewall=HyperVFirewall(supported=True),
        wslconfig=WslConfigFile(
            ".wslconfig", exists=True, content=base64.b64encode(config.encode()).decode()
        ),
        wsl=WslService(installed=True, running=True, mode=mode, address=address),
    )
    wish = Wish(mode, forward=tuple(parse_forward(one) for one in forwards))
    wsl = LinuxFacts(wsl=WslInfo(mode), owned=Owned(agent=True))
    inventory = Inventory(Path("wslnet.toml"), Path("state"), MACHINES, wish)
    return Snapshot(inventory, {"windows": replace(facts, **windows), "wsl": wsl})


def asked(found: Snapshot, **options: Any) -> str | None:
    return bridged_resources(found, SetupOptions(**options))[0].diff(found.facts["windows"])[0].after


@pytest.mark.row("S1-24")
def test_the_only_external_switch_is_taken() -> None:
    assert asked(snapshot("nat")) == "wsl2.networkingMode=bridged, wsl2.vmSwitch=LAN"
    two = (CARD, SWITCH, replace(SWITCH, index=32, name="vEthernet (Office)"))
    with pytest.raises(InputError, match="several External switches: LAN, Office"):
        asked(snapshot("nat", adapters=two))
    assert asked(snapshot("nat", adapters=two), vm_switch="Office") is not None
    kept = snapshot("nat", "[wsl2]\nvmSwitch=Office\n", adapters=two)
    assert asked(kept) == "wsl2.networkingMode=bridged, wsl2.vmSwitch=Office"


@pytest.mark.row("S1-24")
@pytest.mark.parametrize(
    ("edition", "reason"),
    [("Core", "Windows Home"), ("CoreN", "Windows Home"), ("Professional", "make one in")],
)
def test_without_a_switch_it_is_unsupported_with_the_reason(edition: str, reason: str) -> None:
    found = snapshot(
        "nat", "[wsl2]\nvmSwitch=Gone\n", adapters=(CARD, INTERNAL), os=Os(22631, edition=edition)
    )
    with pytest.raises(Unsupported, match=reason) as refused:
        asked(found)
    assert refused.value.exit_code == 15


@pytest.mark.parametrize(
    "options", [{"open_all": True}, {"host_loopback": True}, {"allow": (Allow("tcp", 80),)}]
)
def test_options_of_mirrored_mode_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        asked(snapshot("nat"), **options)
    with pytest.raises(Unsupported, match="on the LAN by themselves"):
        asked(snapshot("nat", "", "tcp/8080=wsl:80"))


@pytest.mark.row("S3-02")
@pytest.mark.parametrize("mode", ["mirrored", "nat"])
def test_the_keys_of_bridged_mode_go_with_it(mode: str) -> None:
    found = snapshot("bridged", KEYS)
    wanted, notes = without_left_behind(found, mode, profile_of(mode).resources(found, SetupOptions()))
    (change,) = [one for one in make_plan(found, wanted, mode=mode).changes if "wslconfig" in one.resource]
    assert "S3-02" in change.rows
    written = base64.b64decode(str(change.do.args["content"])).decode()
    assert written == f"[wsl2]\nnetworkingMode={mode}\n# mine\n"
    assert notes == ()


def test_keys_of_bridged_mode_that_do_nothing_are_not_left_in_nat() -> None:
    found = snapshot("nat", "[wsl2]\nvmSwitch=LAN\n")
    wanted, _ = without_left_behind(found, "nat", profile_of("nat").resources(found, SetupOptions()))
    resources = [one.resource for one in make_plan(found, wanted, mode="nat").changes]
    assert "wslconfig without wsl2.vmSwitch" in resources


def rule(name: str) -> HyperVRule:
    return HyperVRule(name, "wslnet: tcp/8080 into WSL", "Inbound", "Allow", True, "TCP", ("8080",))  # noqa: FBT003 - the row of a rule


@pytest.mark.row("S3-02")
def test_rules_of_ours_that_the_new_mode_does_not_need_are_removed() -> None:
    names = [
        "wslnet-allow-tcp-8080",
        "wslnet-publish-tcp-9000",
        "wslnet-reach-hv1-tcp-22",
        "mine",
        "wslnet-odd",
    ]
    firewall = HyperVFirewall(supported=True, rules=tuple(map(rule, names)))
    found = snapshot("mirrored", "", hyperv_firewall=firewall)

    def gone(mode: str) -> set[str]:
        wanted, _ = without_left_behind(found, mode, profile_of(mode).resources(found, SetupOptions()))
        plan = make_plan(found, wanted, mode=mode)
        return {one.resource for one in plan.changes if one.action is Action.REMOVE}

    assert gone("nat") == {"hyperv-rule wslnet-allow-tcp-8080", "hyperv-rule wslnet-publish-tcp-9000"}
    wanted, _ = without_left_behind(
        found, "mirrored", profile_of("mirrored").resources(found, SetupOptions())
    )
    assert all(getattr(one, "present", True) for one in wanted)
    found = snapshot("nat", "", hyperv_firewall=firewall)
    assert gone("bridged") == {"hyperv-rule wslnet-reach-hv1-tcp-22"}


@pytest.mark.row("S3-02")
def test_port_proxies_that_lead_nowhere_are_ours_to_remove_or_told() -> None:
    ours = PortProxy("v4tov4", "0.0.0.0", 8080, "172.23.102.37", 80)
    theirs = PortProxy("v4tov4", "*", 3000, "172.23.102.37", 3000)
    other = PortProxy("v4tov4", "*", 3001, "10.0.0.1", 3001)
    found = snapshot("nat", "", "tcp/8080=wsl:80", portproxy=(ours, theirs, other))
    wanted, notes = without_left_behind(
        found, "mirrored", profile_of("mirrored").resources(found, SetupOptions())
    )
    plan = make_plan(found, wanted, mode="mirrored")
    removed = [one.resource for one in plan.changes if one.action is Action.REMOVE]
    assert removed == ["portproxy 0.0.0.0:8080"]
    assert ["*:3000" in one and "forward prune" in one for one in notes] == [True]


def test_what_only_the_old_mode_kept_up_is_kept_no_more() -> None:
    found = snapshot("nat", "", "tcp/8080=wsl:80")
    mirrored = profile_of("mirrored").behind(snapshot("mirrored", "", "tcp/8080=wsl:80"))
    (holder,) = [one for one in mirrored if isinstance(one, PortHolder)]
    item = OwnedItem(holder.name, "run", Op("holder.start", {"proto": "tcp", "port": 8080}).to_json())
    facts = LinuxFacts(wsl=WslInfo("nat"), owned=Owned(agent=True, items=(item,)))
    found = Snapshot(found.inventory, {**found.facts, "wsl": facts})
    told = {one.name: one for one in kept_no_more(found, "mirrored", "nat", ())}
    assert f"kept {holder.name}" in told
    assert told[f"kept {holder.name}"].diff(facts)[0].after == "not put back any more"
    assert kept_no_more(found, "nat", "nat", ()) == ()


def change(machine: str, resource: str) -> Change:
    return Change(machine, resource, Action.ADD, None, "x", "x", Op("x"), None)


def test_behind_the_barrier_only_machines_that_could_not_be_seen_may_surprise() -> None:
    found = [change("wsl", "route x")]
    with pytest.raises(PlanRefused, match="not in the plan"):
        check_forecast([], found)
    check_forecast([], found, {"wsl": "unseen"})
    check_forecast([change("wsl", "kept y")], [change("wsl", "kept y")])


@pytest.mark.parametrize(
    ("mode", "windows", "lan"),
    [
        ("nat", "172.23.102.37", "172.23.102.37"),
        ("bridged", "172.23.102.37", "172.23.102.37"),
        ("mirrored", "127.0.0.1", "172.24.21.109"),
        ("virtioproxy", "127.0.0.1", "172.24.21.109"),
        ("consomme", "127.0.0.1", "172.24.21.109"),
        ("none", None, None),
    ],
)
def test_where_wsl_is_in_each_mode(mode: str, windows: str | None, lan: str | None) -> None:
    found = snapshot(mode)
    assert address_of(found, "wsl", "windows") == windows
    assert address_of(found, "wsl", "lan") == lan


@pytest.mark.row("S3-07")
def test_an_update_rides_in_the_restart_and_needs_an_administrator() -> None:
    found = snapshot("mirrored", "[wsl2]\nnetworkingMode=mirrored\n", elevated=False)
    resources = profile_of("mirrored").resources(found, SetupOptions())
    assert make_plan(found, resources, mode="mirrored").changes == ()
    (restart,) = make_plan(found, resources, mode="mirrored", update="pre").changes
    assert restart.undo is not None
    assert (restart.do.args["update"], "update" in restart.undo.args) == ("pre", False)
    assert restart.after == "mode mirrored, WSL updated first (wsl --update --pre-release)"
    with pytest.raises(NeedsElevation):
        demand_rights(found, [restart])


FSE = Adapter(51, "vEthernet (FSE HostVnic)", status="Up", virtual=True)


@pytest.mark.parametrize(
    ("adapters", "mode", "wanted", "held"),
    [
        ((CARD, FSE), "nat", "mirrored", True),
        ((CARD, FSE), None, "mirrored", True),
        ((CARD, FSE), "mirrored", "mirrored", False),
        ((CARD, FSE), "nat", "bridged", False),
        ((CARD,), "nat", "mirrored", False),
    ],
)
def test_mirrored_that_ran_in_this_boot_and_does_not_come_back_needs_a_reboot(
    adapters: tuple[Adapter, ...], mode: str | None, wanted: str, *, held: bool
) -> None:
    why = held_by_boot(WindowsFacts(adapters=adapters), mode, wanted)
    assert (why is not None) == held
    assert why is None or "reboot Windows, then wslnet resume" in why


def test_nothing_begins_beside_a_run_that_waits_for_a_reboot(tmp_path: Path) -> None:
    plan = make_plan(snapshot("nat", "[wsl2]\n"), (), mode="mirrored")
    with Journal(tmp_path / FOLDER, "r1") as journal:
        journal.open_run(replace(plan, profile={"mode": "mirrored", "options": {"update_wsl": "pre"}}), ())
        journal.intent(plan.changes[0])
        journal.write("needs-reboot", reason="why")
    with pytest.raises(PlanRefused, match="waits for a reboot"):
        refuse_beside_pending(tmp_path)
    log = interrupted(tmp_path)
    assert log is not None
    assert log.ended is End.NEEDS_REBOOT
    assert wish_of(log, snapshot("nat").inventory).wish.mode == "mirrored"
