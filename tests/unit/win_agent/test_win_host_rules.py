"""Rules of Windows' own firewall, from the texts that the registry holds of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wslnet_win_agent import registry
from wslnet_win_agent.facts import gather

if TYPE_CHECKING:
    from wslnet_win_agent.host import Host

    from .conftest import FakeWindows

# The example of [MS-GPFAS] 4.2, with the addresses of a note.
EXAMPLE = (
    "v2.10|Action=Allow|Active=TRUE|Dir=In|Protocol=6|Profile=Public|LPort=8080|LPort2_10=5000-5010|"
    "LA4=192.168.1.0/255.255.255.0|RA4=LocalSubnet|RA42=IntErnet|RA6=LocalSubnet|App=c:\\path\\foo.exe|"
    "Svc=foo|Name=规则 = 1|IF={5f6b1c1a-0000-4000-8000-00000000000a}|"
)


def found(host: Host, windows: FakeWindows, source: str, **values: object) -> list[dict[str, Any]]:
    windows.registry[registry.HOST_RULES[source]] = values
    facts: Any = gather(host, ["host_rules"])
    rules: list[dict[str, Any]] = facts["host_rules"]
    return rules


def test_one_rule(host: Host, windows: FakeWindows) -> None:
    assert found(host, windows, "GroupPolicy", **{"{F7EE5C6D}": EXAMPLE}) == [
        {
            "name": "{F7EE5C6D}",
            "display_name": "规则 = 1",
            "action": "Allow",
            "profiles": ["Public"],
            "protocol": "tcp",
            "local_ports": ["8080", "5000-5010"],
            "remote_addresses": ["LocalSubnet", "IntErnet", "LocalSubnet"],
            "program": "c:\\path\\foo.exe",
            "service": "foo",
            "interfaces": ["{5F6B1C1A-0000-4000-8000-00000000000A}"],
            "source": "GroupPolicy",
        }
    ]


def test_what_is_off_or_goes_out_or_is_no_rule_is_left_out(host: Host, windows: FakeWindows) -> None:
    rules = found(
        host,
        windows,
        "Local",
        off="v2.31|Action=Allow|Active=FALSE|Dir=In|",
        out="v2.31|Action=Allow|Active=TRUE|Dir=Out|",
        number=7,
        words="nothing of this",
        every="v2.31|Action=Block|Active=TRUE|Dir=In|",
    )
    assert [(rule["name"], rule["action"], rule["local_ports"]) for rule in rules] == [("every", "Block", [])]


def test_no_rules_at_all(host: Host) -> None:
    assert gather(host, ["host_rules", "os"])["host_rules"] == []
