"""Facts of a machine without Python, from what iproute2 and busybox print; anything else is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from wslnet.errors import Unsupported
from wslnet.model.change import Op
from wslnet.model.linux_facts import LinuxFacts
from wslnet.transport.plain_facts import answer

if TYPE_CHECKING:
    from collections.abc import Sequence

LINKS = """\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN mode DEFAULT qlen 1000\\    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1420 qdisc pfifo_fast master br0 state UP qlen 1000\\    link/ether 52:54:00:5a:1a:8e brd ff:ff:ff:ff:ff:ff
"""  # noqa: E501 - one line each
ADDRESSES = """\
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: eth0    inet 192.168.124.91/24 brd 192.168.124.255 scope global eth0
2: eth0    inet6 fe80::5054:ff:fe5a:1a8e/64 scope link
"""
ROUTES = """\
default via 192.168.124.1 dev eth0 proto dhcp metric 100
192.168.124.0/24 dev eth0 proto kernel scope link src 192.168.124.91
10.0.0.9 via 192.168.124.1 dev eth0
"""
ANSWERS = {
    "ip -o link": LINKS,
    "ip -o addr": ADDRESSES,
    "ip route": ROUTES,
    "cat /proc/sys/kernel/hostname": "vm2\n",
    "cat /proc/sys/kernel/osrelease": "6.1.0\n",
    "cat /proc/sys/kernel/random/boot_id": "b\n",
    "cat /proc/sys/net/ipv4/ip_forward": "0\n",
    "id -u": "0\n",
}
WHY = Unsupported("vm2: there is no python3 on it; install it there: apk add python3")


class Pipe:
    def __init__(self, text: str) -> None:
        self._data = [text.encode(), b""]

    def recv(self, _: float) -> bytes:
        return self._data.pop(0)

    def close(self) -> None:
        pass


class Box:
    """A shell that knows these commands."""

    machine, user = "vm2", "root"

    def execute(self, argv: Sequence[str], _: float) -> Any:
        return Pipe(ANSWERS[" ".join(argv)])


@pytest.mark.row("S0-32")
def test_a_guest_without_python_is_read_by_fixed_commands() -> None:
    needs = ["identity", "links", "addresses", "routes", "sysctls", "firewall"]
    (result,) = answer(Box(), [Op("facts", {"needs": needs})], WHY)  # type: ignore[arg-type]
    facts = msgspec.convert(result.value, LinuxFacts)
    assert facts.identity is not None
    assert (facts.identity.hostname, facts.identity.uid) == ("vm2", 0)
    assert [(one.name, one.mac, one.mtu, one.master) for one in facts.links or ()] == [
        ("lo", None, 65536, None),
        ("eth0", "52:54:00:5a:1a:8e", 1420, "br0"),
    ]
    assert [(one.link, one.family, one.address, one.prefix) for one in facts.addresses or ()] == [
        ("lo", 4, "127.0.0.1", 8),
        ("eth0", 4, "192.168.124.91", 24),
        ("eth0", 6, "fe80::5054:ff:fe5a:1a8e", 64),
    ]
    assert [(one.dst, one.via, one.proto, one.metric) for one in facts.routes or ()] == [
        ("default", "192.168.124.1", 16, 100),
        ("192.168.124.0/24", None, 2, 0),
        ("10.0.0.9/32", "192.168.124.1", 3, 0),
    ]
    assert facts.sysctls == {"net.ipv4.ip_forward": "0"}
    assert facts.firewall is None
    assert facts.errors is not None
    assert "apk add python3" in facts.errors["firewall"].message


@pytest.mark.row("S0-32")
def test_changes_of_it_are_refused_with_the_package() -> None:
    with pytest.raises(Unsupported, match="apk add python3"):
        answer(Box(), [Op("facts", {"needs": []}), Op("sysctl.set", {})], WHY)  # type: ignore[arg-type]
