#!/usr/bin/env -S python3 -IS
"""libvirt's `virsh` as far as machines are listed, started and stopped, with the texts of libvirt 9.0."""

from __future__ import annotations

import json
import socket
import sys
from typing import Any

_SOCKET = "/run/libvirt/libvirt-sock"
_DONE = {
    "start": "Domain '{}' started",
    "shutdown": "Domain '{}' is being shutdown",
    "destroy": "Domain '{}' destroyed",
    "managedsave": "\nDomain '{}' state saved by libvirt",
}
_OFF = "Requested operation is not valid: domain is not running"
_IGNORED = ("-q", "--quiet", "-r", "--readonly", "--domain", "--table")
_VERSION = """\
Compiled against library: libvirt 9.0.0
Using library: libvirt 9.0.0
Using API: QEMU 9.0.0
Running hypervisor: QEMU 7.2.9

"""


class FailureError(Exception):
    """What virsh prints before it ends with 1: one line after `error: ` for each argument."""


def ask(method: str, **params: str) -> Any:  # noqa: ANN401 - JSON
    """Asks the virtual machine monitor."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(60)
            connection.connect(_SOCKET)
            connection.sendall(json.dumps({"method": method, "params": params}).encode() + b"\n")
            answer = json.loads(connection.makefile().readline())
    except (OSError, ValueError) as error:
        raise FailureError(
            "failed to connect to the hypervisor", f"Failed to connect socket to '{_SOCKET}': {error}"
        ) from error
    if "error" in answer:
        raise FailureError(answer["error"]["message"])
    return answer["result"]


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Columns as virsh prints them: a rule under the head, three spaces between."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: tuple[str, ...]) -> str:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        return (" " + "   ".join(padded)).rstrip()

    rule = "-" * (sum(widths) + 3 * len(widths))
    return "\n".join([line(head), rule, *map(line, rows)]) + "\n\n"


def find(name: str) -> dict[str, Any]:
    """The domain that a name, id or UUID means."""
    for domain in ask("domains"):
        if name in (domain["name"], domain["uuid"], domain["id"]):
            return dict(domain)
    raise FailureError(f"failed to get domain '{name}'")


def list_domains(options: set[str]) -> str:
    """`virsh list`: without a choice of states the running ones."""
    running = not options & {"--inactive", "--state-shutoff"} or bool(options & {"--all", "--state-running"})
    shut_off = bool(options & {"--all", "--inactive", "--state-shutoff"})
    wanted = {"running"} if running else set()
    wanted |= {"shut off"} if shut_off else set()
    chosen = [domain for domain in ask("domains") if domain["state"] in wanted]
    chosen.sort(key=lambda domain: (domain["state"] != "running", domain["name"]))
    for key in ("name", "uuid"):
        if f"--{key}" in options:
            return "".join(f"{domain[key]}\n" for domain in chosen) + "\n"
    saved = "--managed-save" in options
    states = {d["name"]: "saved" if saved and d["saved"] else d["state"] for d in chosen}
    return table(("Id", "Name", "State"), [(d["id"], d["name"], states[d["name"]]) for d in chosen])


def change(verb: str, name: str) -> str:
    """`virsh start`, `shutdown`, `destroy`, `managedsave`."""
    domain = find(name)
    failed = f"Failed to {verb} domain '{name}'"
    if verb == "managedsave":
        failed = f"Failed to save domain '{name}' state"
    if verb == "start" and domain["state"] == "running":
        raise FailureError("Domain is already active")
    if verb != "start" and domain["state"] != "running":
        raise FailureError(failed, _OFF)
    try:
        ask(f"domain_{verb}", name=domain["name"])
    except FailureError as failure:
        raise FailureError(failed, *failure.args) from None
    return f"{_DONE[verb].format(name)}\n\n"


def interfaces(name: str) -> str:
    """`virsh domifaddr`: what libvirt's DHCP server has leased."""
    domain = find(name)
    if domain["state"] != "running":
        raise FailureError("Failed to query for interfaces addresses", _OFF)
    lease = (domain["tap"], domain["mac"], "ipv4", domain["address"])
    lines = [
        f" {a:<10} {b:<20} {c:<8}     {d}\n"
        for a, b, c, d in (("Name", "MAC address", "Protocol", "Address"), lease)
    ]
    return f"{lines[0]}{'-' * 79}\n{lines[1]}\n"


def list_networks(options: set[str]) -> str:
    """`virsh net-list`."""
    names = [network["name"] for network in ask("networks")]
    if "--name" in options:
        return "".join(f"{name}\n" for name in names) + "\n"
    return table(
        ("Name", "State", "Autostart", "Persistent"), [(name, "active", "yes", "yes") for name in names]
    )


def run(words: list[str], options: set[str]) -> str:
    """What virsh prints for a command."""
    verb, names = (words[0] if words else ""), words[1:]
    if verb == "list":
        return list_domains(options)
    if verb == "net-list":
        return list_networks(options)
    if verb == "version":
        return _VERSION
    if verb not in {*_DONE, "domstate", "domifaddr"}:
        raise FailureError(f"unknown command: '{verb}'")
    if not names:
        raise FailureError(f"command '{verb}' requires <domain> option")
    if verb == "domstate":
        return f"{find(names[0])['state']}\n\n"
    return interfaces(names[0]) if verb == "domifaddr" else change(verb, names[0])


def main(arguments: list[str]) -> int:
    """Runs one command; 1 and lines on stderr when it fails."""
    while arguments[:1] in (["-c"], ["--connect"]):
        arguments = arguments[2:]
    words = [each for each in arguments if not each.startswith("-")]
    options = {each for each in arguments if each.startswith("-") and each not in _IGNORED}
    try:
        sys.stdout.write(run(words, options))
    except FailureError as failure:
        sys.stderr.write("".join(f"error: {line}\n" for line in failure.args))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
