"""Docker in WSL around a drill: its bridge, one container, and what carries the container's port."""

from __future__ import annotations

import json
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.lab.servers import GREET, greeting, program

from .names import asks, nameserver, without_tunnel
from .stages import write

if TYPE_CHECKING:
    from collections.abc import Iterator

PROXY_GREETING = "proxy"
_BOXES: dict[str, str] = {}


def container(wsl: str, space: str) -> list[list[str]]:
    """What makes docker0 in WSL's namespace, and a container behind it: a namespace with 172.17.0.2."""
    here, inside = ["ip", "-n", wsl], ["ip", "-n", space]
    return [
        ["ip", "netns", "add", space],
        [*here, "link", "add", "docker0", "type", "bridge"],
        [*here, "address", "add", "172.17.0.1/16", "dev", "docker0"],
        [*here, "link", "add", "vethbox", "type", "veth", "peer", "name", "eth0", "netns", space],
        [*here, "link", "set", "vethbox", "master", "docker0", "up"],
        [*here, "link", "set", "docker0", "up"],
        [*inside, "address", "add", "172.17.0.2/16", "dev", "eth0"],
        [*inside, "link", "set", "eth0", "up"],
        [*inside, "route", "add", "default", "via", "172.17.0.1"],
    ]


@contextmanager
def docker(lab: Any, version: str) -> Iterator[str]:
    """Docker with one container: a namespace on docker0; what it published is carried by a proxy on 8080.

    Gives the name of the namespace.
    """
    space, wsl = f"t{os.getpid()}-box", lab.netns("wsl")
    nat = ["ip", "netns", "exec", wsl, "iptables", "-t", "nat"]
    published = ["PREROUTING", "-m", "addrtype", "--dst-type", "LOCAL", "-j", "DOCKER"]
    outwards = ["POSTROUTING", "-s", "172.17.0.0/16", "!", "-o", "docker0", "-j", "MASQUERADE"]
    make = [
        *container(wsl, space),
        [*nat, "-N", "DOCKER"],
        [*nat, "-A", *published],
        [*nat, "-A", *outwards],
    ]
    take = [
        [*nat, "-D", *published],
        [*nat, "-D", *outwards],
        [*nat, "-F", "DOCKER"],
        [*nat, "-X", "DOCKER"],
        ["ip", "netns", "delete", space],
        ["ip", "-n", wsl, "link", "delete", "docker0"],
    ]
    try:
        for step in make:
            subprocess.run(step, check=True, timeout=10)
        write(lab, "wsl", "/run/docker/containers.json", json.dumps([]))
        write(lab, "wsl", "/run/docker/version", version)
        # Its restart: the engine of the lab is a file.
        write(lab, "wsl", "/etc/init.d/docker", "#!/bin/sh\n")
        assert lab.run("wsl", ["chmod", "+x", "/etc/init.d/docker"]).returncode == 0
        with (
            greeting(lab, "wsl", "0.0.0.0", 8080, PROXY_GREETING),
            program(space, GREET, "0.0.0.0", "80", "box"),
        ):
            yield space
    finally:
        for step in take:
            subprocess.run(step, check=False, timeout=10)
        lab.run("wsl", ["rm", "-rf", "/run/docker", "/etc/docker", "/etc/init.d/docker"])


@contextmanager
def docker_behind_gateway(lab: Any) -> Iterator[None]:
    """Docker without WSL's tunnel: names are asked from the gateway, as before there was one."""
    with without_tunnel(lab):
        assert lab.run("wsl", ["sysctl", "-w", "net.ipv4.ip_forward=1"]).returncode == 0
        with docker(lab, "28.0.4") as space:
            _BOXES[lab.name] = space
            yield


def container_asks(lab: Any) -> bool:
    """Packets: a container asks whom Docker would name in it (its daemon.json, else WSL's, else 8.8.8.8)."""
    settings = lab.run("wsl", ["cat", "/etc/docker/daemon.json"]).stdout
    own = json.loads(settings).get("dns", []) if settings else []
    servers = own or [one for one in (nameserver(lab),) if not one.startswith("127.")] or ["8.8.8.8"]
    return asks(lab, "wsl", servers[0], space=_BOXES[lab.name])
