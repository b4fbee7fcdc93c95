"""Foreign writers: what other programs do to a machine's network, and how each takes it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_LIBVIRT = (
    "-d 192.168.124.0/24 -o virbr0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
    "-s 192.168.124.0/24 -i virbr0 -j ACCEPT",
    "-i virbr0 -o virbr0 -j ACCEPT",
    "-o virbr0 -j REJECT --reject-with icmp-port-unreachable",
    "-i virbr0 -j REJECT --reject-with icmp-port-unreachable",
)
"""The rules of vm1's network; a restart of it takes them out and puts them in at the head of FORWARD."""


@dataclass(frozen=True)
class Writer:
    """A foreign writer in `machine`; `wins`: its rules take the effect of an accept that was there before."""

    name: str
    machine: str
    does: tuple[str, ...]
    undoes: tuple[str, ...]
    wins: bool = False
    sign: str = ""
    """What must be told of it."""

    def commands(self, lab: Any) -> list[list[str]]:
        """Argument vectors that do it from this host."""
        return [["ip", "netns", "exec", lab.netns(self.machine), *words.split()] for words in self.does]

    def write(self, lab: Any) -> None:
        """Does it."""
        _all(lab, self.machine, self.does)

    def take_back(self, lab: Any) -> None:
        """Takes it back as its own program does."""
        _all(lab, self.machine, self.undoes)


def _all(lab: Any, machine: str, commands: Sequence[str]) -> None:
    for words in commands:
        done = lab.outside(machine, words.split())
        assert done.returncode == 0, (words, done.stderr)


WRITERS = {
    one.name: one
    for one in (
        Writer(
            "rule-above",
            "vm1",
            ("iptables -I FORWARD 1 -s 192.168.122.0/24 -d 192.168.124.0/24 -j DROP",),
            ("iptables -D FORWARD -s 192.168.122.0/24 -d 192.168.124.0/24 -j DROP",),
            wins=True,
            sign="-j DROP",
        ),
        Writer(
            "rule-elsewhere",
            "vm1",
            ("iptables -A INPUT -s 203.0.113.7/32 -j DROP",),
            ("iptables -D INPUT -s 203.0.113.7/32 -j DROP",),
            sign="203.0.113.7/32",
        ),
        Writer(
            "libvirt-network-restarted",
            "vm1",
            (
                *(f"iptables -D FORWARD {rule}" for rule in _LIBVIRT),
                *(f"iptables -I FORWARD {rule}" for rule in reversed(_LIBVIRT)),
            ),
            (
                *(f"iptables -D FORWARD {rule}" for rule in _LIBVIRT),
                *(f"iptables -A FORWARD {rule}" for rule in _LIBVIRT),
            ),
            wins=True,
        ),
        Writer(
            "docker",
            "vm1",
            (
                "iptables -N DOCKER",
                "iptables -N DOCKER-FORWARD",
                "iptables -N DOCKER-USER",
                "iptables -A DOCKER ! -i docker0 -o docker0 -j DROP",
                "iptables -A DOCKER-FORWARD -o docker0 -j DOCKER",
                "iptables -A DOCKER-FORWARD -i docker0 -j ACCEPT",
                "iptables -I FORWARD -j DOCKER-FORWARD",
                "iptables -I FORWARD -j DOCKER-USER",
                "iptables -P FORWARD DROP",
            ),
            (
                "iptables -P FORWARD ACCEPT",
                "iptables -D FORWARD -j DOCKER-USER",
                "iptables -D FORWARD -j DOCKER-FORWARD",
                "iptables -F DOCKER-FORWARD",
                "iptables -F DOCKER",
                "iptables -X DOCKER-USER",
                "iptables -X DOCKER-FORWARD",
                "iptables -X DOCKER",
            ),
            sign="DOCKER-USER",
        ),
        Writer(
            "route",
            "wsl",
            ("ip route add 203.0.113.0/24 via 192.168.122.191",),
            ("ip route del 203.0.113.0/24 via 192.168.122.191",),
            sign="203.0.113.0/24",
        ),
        Writer(
            "sysctl",
            "vm1",
            ("sysctl -qw net.ipv4.conf.enp1s0.rp_filter=2",),
            ("sysctl -qw net.ipv4.conf.enp1s0.rp_filter=0",),
            sign="rp_filter=2",
        ),
    )
}
