"""Hardware on paper: adapters, routes and a WSL machine that exist in memory only.

For tests, and to run the Windows host without root or a lab. It keeps what it is told and answers
accordingly; commands in WSL go to `linux`, which is replaceable.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from wslnet_lab.host.hardware import (
    Adapter,
    EffectivePolicy,
    HardwareError,
    HostZone,
    LinkAddress,
    LinuxOutcome,
    Listener,
    Route,
    WslState,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wslnet_lab.attached import Streams
    from wslnet_lab.host.port_proxy import ProxyRule

_NAT_NETWORK = "172.23.96.0/20"
_IP_HELPER = "svchost"
_NAT_GUEST = "172.23.102.37"


def seed_adapters() -> tuple[Adapter, ...]:
    """The adapters of note 000 that matter: the LAN card, the VPN, a disconnected WLAN."""
    both = {4: False, 6: False}
    lan = LinkAddress(4, "172.24.21.109", 24)
    vpn = LinkAddress(4, "10.61.2.254", 32)
    ethernet = Adapter(
        name="以太网",
        index=25,
        guid="{8D0F1B2C-5E0A-4C55-9B7B-3E0D2C1A4F10}",
        description="Realtek PCIe GbE Family Controller",
        mac="1c:83:41:cf:a8:7c",
        mtu=1500,
        up=True,
        carrier=True,
        hidden=False,
        kind="physical",
        device="ethernet",
        addresses=(lan,),
        forwarding=dict(both),
        category="Private",
    )
    tunnel = replace(
        ethernet,
        name="ctEAO-10",
        index=12,
        guid="{4A1D7C3E-9B52-4E0F-8C11-6F2B8E7D9A20}",
        description="ctEAO Tunnel",
        mac="00:15:5d:13:0c:12",
        mtu=1420,
        kind="vpn",
        device="cteao10",
        addresses=(vpn,),
        forwarding=dict(both),
    )
    wlan = replace(
        ethernet,
        name="WLAN",
        index=9,
        guid="{B6E2F0A4-1C73-4D8E-A5D9-0E4C7B8A3F30}",
        description="Intel(R) Dual Band Wireless-AC 3168",
        mac="a8:59:5f:53:19:d9",
        up=False,
        carrier=False,
        device="wlan",
        addresses=(),
        forwarding=dict(both),
    )
    return ethernet, tunnel, wlan


class PaperHardware:
    """`Hardware` in memory. Public attributes are the paper; tests read and write them."""

    def __init__(self) -> None:
        self.cards: dict[int, Adapter] = {adapter.index: adapter for adapter in seed_adapters()}
        self.table: list[Route] = [
            Route(4, "default", "172.24.21.254", 25, 25, "static"),
            Route(4, "172.24.21.0/24", None, 25, 281, "kernel"),
            Route(4, "10.61.2.254/32", None, 12, 1, "kernel"),
        ]
        self.sockets: list[Listener] = []
        self.wsl = WslState(running=False)
        self.started: list[tuple[str, Mapping[str, object], str | None]] = []
        self.policy: EffectivePolicy | None = None
        self.zones: tuple[HostZone, ...] = ()
        self.executed: list[tuple[tuple[str, ...], str, bytes]] = []
        self.linux: Callable[[Sequence[str], str, bytes], LinuxOutcome] = _echo
        self.reachable: set[tuple[str, str, int]] = set()

    def adapters(self) -> tuple[Adapter, ...]:
        """See `Hardware`."""
        return tuple(self.cards.values())

    def routes(self) -> tuple[Route, ...]:
        """See `Hardware`."""
        return tuple(self.table)

    def listeners(self) -> tuple[Listener, ...]:
        """See `Hardware`."""
        return tuple(self.sockets)

    def portproxy(self, rules: Sequence[ProxyRule]) -> None:
        """See `Hardware`."""
        self.sockets = [each for each in self.sockets if each.process != _IP_HELPER] + [
            Listener(
                "tcp", 4, rule.listen_address.replace("*", "0.0.0.0"), rule.listen_port, 1100, _IP_HELPER
            )
            for rule in rules
        ]

    def set_forwarding(self, index: int, family: int, *, enabled: bool) -> None:
        """See `Hardware`."""
        card = self._card(index)
        self.cards[index] = replace(card, forwarding={**card.forwarding, family: enabled})

    def route_add(self, route: Route) -> None:
        """See `Hardware`."""
        self._card(route.index)
        if any(_same(route, other) for other in self.table):
            raise HardwareError("exists", f"route {route.dst} exists")
        self.table.append(route)

    def route_delete(self, route: Route) -> None:
        """See `Hardware`."""
        left = [other for other in self.table if not _same(route, other)]
        if len(left) == len(self.table):
            raise HardwareError("not-found", f"no route {route.dst}")
        self.table = left

    def address_add(self, index: int, family: int, address: str, prefix: int) -> None:
        """See `Hardware`."""
        card = self._card(index)
        self.cards[index] = replace(card, addresses=(*card.addresses, LinkAddress(family, address, prefix)))

    def address_delete(self, index: int, family: int, address: str, prefix: int) -> None:
        """See `Hardware`."""
        card = self._card(index)
        gone = LinkAddress(family, address, prefix)
        self.cards[index] = replace(card, addresses=tuple(a for a in card.addresses if a != gone))

    def wsl_start(
        self, mode: str, settings: Mapping[str, object], address: str | None
    ) -> tuple[str | None, str | None]:
        """See `Hardware`."""
        self.started.append((mode, dict(settings), address))
        guest = (address or _NAT_GUEST) if mode == "nat" else None
        self.wsl = WslState(running=True, mode=mode, address=guest, since=0.0)
        if mode == "nat":
            network = IPv4Network(str(settings.get("nat_network") or _NAT_NETWORK))
            gateway = LinkAddress(4, str(settings.get("nat_gateway") or network[1]), network.prefixlen)
            self._plug("vEthernet (WSL (Hyper-V firewall))", 41, "wsl-nat", (gateway,))
            return guest, gateway.address
        if mode == "mirrored":
            self._plug("vEthernet (FSE HostVnic)", 42, "fse", ())
        return None, None

    def wsl_stop(self, *, force: bool) -> None:
        """See `Hardware`; NAT's adapter stays, the mirrored one goes."""
        del force
        self.wsl = WslState(running=False)
        self.cards = {index: card for index, card in self.cards.items() if card.kind != "fse"}

    def wsl_terminate(self, distro: str) -> None:
        """See `Hardware`."""
        del distro

    def wsl_state(self) -> WslState:
        """See `Hardware`."""
        return self.wsl

    def wsl_exec(self, argv: Sequence[str], user: str, timeout_s: float, stdin: bytes) -> LinuxOutcome:
        """See `Hardware`."""
        del timeout_s
        if not self.wsl.running:
            raise HardwareError("not-running", "WSL is down")
        self.executed.append((tuple(argv), user, stdin))
        return self.linux(argv, user, stdin)

    def wsl_attach(self, argv: Sequence[str], user: str, streams: Streams) -> int:
        """See `Hardware`; what it would print is printed when it has ended."""
        outcome = self.wsl_exec(argv, user, 0.0, b"")
        streams.say(outcome.stdout, outcome.stderr)
        return outcome.exit_code

    def hyperv_firewall(self, policy: EffectivePolicy) -> None:
        """See `Hardware`."""
        self.policy = policy

    def host_firewall(self, zones: Sequence[HostZone]) -> None:
        """See `Hardware`."""
        self.zones = tuple(zones)

    def probe(self, proto: str, dst: str, port: int, timeout_s: float) -> tuple[bool, float, str]:
        """See `Hardware`: what is in `reachable` answers."""
        del timeout_s
        return (proto, dst, port) in self.reachable, 1.0, "on paper"

    def _card(self, index: int) -> Adapter:
        if index not in self.cards:
            raise HardwareError("not-found", f"no adapter {index}")
        return self.cards[index]

    def _plug(self, name: str, index: int, kind: str, addresses: tuple[LinkAddress, ...]) -> None:
        guid = f"{{D1E5A7B9-3C48-4F60-8A2D-9B0C6E4F1D{index}}}"
        self.cards[index] = Adapter(
            name=name,
            index=index,
            guid=guid,
            description="Hyper-V Virtual Ethernet Adapter",
            mac="00:15:5d:8a:40:01",
            mtu=1500,
            up=True,
            carrier=True,
            hidden=kind == "wsl-nat",
            kind=kind,
            device="paper",
            addresses=addresses,
            forwarding={4: False, 6: False},
            category="Public",
        )


def _same(one: Route, other: Route) -> bool:
    return (one.family, one.dst, one.via, one.index) == (other.family, other.dst, other.via, other.index)


def _echo(argv: Sequence[str], user: str, stdin: bytes) -> LinuxOutcome:
    del user, stdin
    return LinuxOutcome(0, (" ".join(argv) + "\n").encode(), b"")
