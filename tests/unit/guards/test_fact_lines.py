"""Facts as lines: what moves by itself is forgotten, what somebody changed is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from wslnet.engine.fact_lines import difference, fact_lines, fingerprint
from wslnet.engine.foreign import changed_by_others
from wslnet.model.change import OpResult
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.linux_network import Address, Firewall, Link, Neighbour, Route
from wslnet.model.machine import Inventory, Kind, Machine
from wslnet.model.snapshot import Snapshot
from wslnet.model.windows_facts import WindowsFacts
from wslnet.model.windows_wsl import Distro, WslService
from wslnet.resources.sysctl import Sysctl

SAVE = (
    "*filter\n:INPUT ACCEPT [5:7]\n:FORWARD ACCEPT [0:0]\n:MINE - [0:0]\n[3:9] -A FORWARD -j MINE\nCOMMIT\n"
)
NFT = """table ip filter {
\tchain FORWARD {
\t\ttype filter hook forward priority filter; policy accept;
\t\tcounter packets 3 bytes 9 jump MINE
\t}
}
table inet theirs {
\tchain in {
\t\ttype filter hook input priority filter; policy accept;
\t\ttcp dport 22 counter packets 7 bytes 8 accept
\t}
}
"""


def facts(save: str = SAVE, nft: str = NFT) -> LinuxFacts:
    return LinuxFacts(
        links=(Link(2, "eth0", "00:00:5e:00:53:01", 1500, up=True, carrier=True, flags=("LOWER_UP",)),),
        addresses=(Address("eth0", 4, "192.0.2.1", 24),),
        routes=(Route(4, "default", "192.0.2.254", "eth0"),),
        neighbours=(Neighbour("eth0", 4, "192.0.2.254", state="REACHABLE"),),
        sysctls={"net.ipv4.ip_forward": "0", "net.ipv4.conf.eth0.rp_filter": "0"},
        firewall=Firewall({"iptables-nft": {"4": save}}, "iptables-nft", nft),
    )


def test_what_moves_by_itself_moves_no_fingerprint() -> None:
    moved = replace(
        facts(SAVE.replace("[3:9]", "[30:90]"), NFT.replace("packets 7 bytes 8", "packets 70 bytes 80")),
        neighbours=(),
        links=(replace((facts().links or ())[0], carrier=False, flags=()),),
        addresses=(replace((facts().addresses or ())[0], flags=("tentative",)),),
    )
    assert fingerprint(moved) == fingerprint(facts())
    hook = "type nat hook output priority -100; policy accept;"
    empty = f"table ip nat {{\n\tchain OUTPUT {{\n\t\t{hook}\n\t}}\n}}\n"
    assert fingerprint(facts(nft=NFT + empty)) == fingerprint(facts())


def test_a_distro_that_goes_idle_moves_no_fingerprint() -> None:
    def windows(state: str) -> WindowsFacts:
        distros = (Distro("Debian", "Running", 2, default=True), Distro("Other", state, 2))
        return WindowsFacts(wsl=WslService(installed=True, version="2.6.1.0", running=True, distros=distros))

    assert fingerprint(windows("Running")) == fingerprint(windows("Stopped"))
    gone = replace(windows("Stopped"), wsl=WslService(installed=True, version="2.6.1.0", running=True))
    assert fingerprint(gone) != fingerprint(windows("Stopped"))


def test_what_somebody_changed_is_told_once_and_in_its_place() -> None:
    before = fact_lines(facts())
    assert difference(before, before) == {}
    added = SAVE.replace("COMMIT", "[0:0] -A FORWARD -s 203.0.113.7/32 -j DROP\nCOMMIT")
    nft = NFT.replace("jump MINE\n", "jump MINE\n\t\tip saddr 203.0.113.7 counter packets 0 bytes 0 drop\n")
    assert difference(before, fact_lines(facts(added, nft))) == {
        "firewall": ("+ iptables-nft/4 filter -A FORWARD -s 203.0.113.7/32 -j DROP",)
    }
    policy = difference(before, fact_lines(facts(SAVE.replace(":FORWARD ACCEPT", ":FORWARD DROP"))))
    assert policy == {"firewall": ("+ iptables-nft/4 filter :FORWARD DROP",)}
    theirs = difference(before, fact_lines(facts(nft=NFT.replace("dport 22", "dport 23"))))
    assert theirs["firewall"][0] == "+ nft table inet theirs chain in tcp dport 23 accept"
    two = "*filter\n[0:0] -A FORWARD -j A\n[0:0] -A FORWARD -j B\nCOMMIT\n"
    swapped = "*filter\n[0:0] -A FORWARD -j B\n[0:0] -A FORWARD -j A\nCOMMIT\n"
    assert difference(fact_lines(facts(two)), fact_lines(facts(swapped))) == {
        "firewall": ("in another order",)
    }


class OneMachine:
    """A fleet of `vm1`, whose facts are given."""

    def __init__(self, found: LinuxFacts) -> None:
        self.found = found
        machines = {"vm1": Machine("vm1", Kind.VM, address="192.0.2.1")}
        self.inventory = Inventory(Path("wslnet.toml"), Path("state"), machines)

    def execute(self, _machine: str, ops: object, *, deadline_s: float) -> tuple[OpResult, ...]:
        import msgspec  # noqa: PLC0415

        assert deadline_s > 0
        return tuple(OpResult(msgspec.to_builtins(self.found)) for _ in ops)  # type: ignore[attr-defined]

    def forget(self, _machines: object) -> None:
        """Nothing is open."""


def test_our_own_changes_are_not_told_as_others() -> None:
    ours = SAVE.replace("[3:9]", '[0:0] -A FORWARD -m comment --comment "wslnet:a->b" -j ACCEPT\n[3:9]')
    after = replace(
        facts(ours),
        sysctls={"net.ipv4.ip_forward": "1", "net.ipv4.conf.eth0.rp_filter": "2"},
        routes=(*(facts().routes or ()), Route(4, "10.0.0.0/8", "192.0.2.9", "eth0", proto=119)),
    )
    fleet = OneMachine(after)
    before = Snapshot(fleet.inventory, {"vm1": facts()})
    changes = Sysctl("vm1", "net.ipv4.ip_forward", "1", "test").diff(facts())
    told = changed_by_others(fleet, before, changes)
    assert told == {
        "vm1": {"sysctls": ("+ net.ipv4.conf.eth0.rp_filter=2", "- net.ipv4.conf.eth0.rp_filter=0")}
    }
