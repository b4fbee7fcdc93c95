"""What somebody does to Windows by hand: cmdlets, programs, starts of it and of WSL."""

from __future__ import annotations

import subprocess
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
from tests.lab.asking import reboot, run

from .causes import soon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

VM2 = "192.168.124.91"


def cmdlet(lab: Any, name: str, **parameters: object) -> None:
    """One cmdlet, as an administrator types it."""
    assert refusals(lab, name, **parameters) == []


def refusals(lab: Any, name: str, **parameters: object) -> list[str]:
    """The same, and the FullyQualifiedErrorIds with which Windows refuses it."""
    windows = tomllib.loads(lab.inventory.read_text(encoding="utf-8"))["machines"]["windows"]
    asked = windows["secret"]["command"]
    password = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    wsman = WSMan(
        windows["address"],
        port=windows["port"],
        username=windows["user"],
        password=password,
        ssl=False,
        auth="negotiate",
        proxy=windows["proxy"],
    )
    with wsman, RunspacePool(wsman) as pool:
        shell = PowerShell(pool)
        # As every story's writes are judged (`write_rules`): stopping at an error, asking nobody.
        shell.add_cmdlet(name).add_parameters({"ErrorAction": "Stop", "Confirm": False, **parameters})
        shell.invoke()
        return [str(one.fq_error) for one in shell.streams.error]


def open_port(lab: Any, port: int) -> None:
    """Lets others come to a port of Windows itself, as whoever sets a portproxy up must."""
    rule = {"Name": f"by-hand-{port}", "DisplayName": f"by hand {port}"}
    cmdlet(lab, "New-NetFirewallRule", **rule, Protocol="TCP", LocalPort=[str(port)])


def registry_number(lab: Any, key: str, name: str, value: int) -> None:
    """One number of the registry."""
    argv = ["reg.exe", "add", key, "/v", name, "/t", "REG_DWORD", "/d", str(value), "/f"]
    done = lab.run("windows", argv)
    assert done.returncode == 0, done.stdout


def starts_anew(lab: Any, *machines: str) -> None:
    """Machines start again, WSL after its Windows; the VMs come up as they were."""
    for machine in machines:
        reboot(lab, machine)
    starts_vms(lab)


def starts_vms(lab: Any) -> None:
    """The VMs are started, as far as they do not run."""
    for host, domain in (("wsl", "vm1"), ("vm1", "vm2")):
        lab.run(host, ["virsh", "start", domain])
    assert soon(lambda: lab.pings("vm1", VM2))


@contextmanager
def vms_come_again(lab: Any) -> Iterator[None]:
    """Behind a drill the VMs run that nobody starts at a boot, and have their ways."""
    yield
    starts_vms(lab)
    # Nothing else: the wish may be of another mode than the drill's.
    ways = ("--only", "route.nested", "--only", "nested.reject")
    code, done = run(lab, "doctor", *ways, "--fix", "--yes")
    assert code == 0, done


def and_start(*machines: str, first: Callable[[Any], object]) -> Callable[[Any], None]:
    """Breaks by `first`, which has its effect when the machines start anew."""

    def act(lab: Any) -> None:
        first(lab)
        starts_anew(lab, *machines)

    return act
