#!/usr/bin/env -S python3 -IS
"""libvirt's `virsh` as far as machines are listed, switched and asked, with the texts of libvirt 9.0."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import sys
from typing import Any

_SOCKET = "/run/libvirt/libvirt-sock"
_CONSOLES = "/run/libvirt/consoles"
_ESCAPE = b"\x1d"
_DONE = {
    "start": "Domain '{}' started",
    "shutdown": "Domain '{}' is being shutdown",
    "destroy": "Domain '{}' destroyed",
    "managedsave": "\nDomain '{}' state saved by libvirt",
}
_OFF = "Requested operation is not valid: domain is not running"
_IGNORED = (
    "-q",
    "--quiet",
    "-r",
    "--readonly",
    "--domain",
    "--network",
    "--table",
    "--name-or-uuid",
    "--safe",
)
_NETWORK_DONE = {"net-start": "started", "net-destroy": "destroyed"}
_OF_A_NETWORK = ("net-start", "net-destroy", "net-dumpxml", "net-dhcp-leases", "net-update")
_OF_A_DOMAIN = (*_DONE, "domstate", "domifaddr", "domiflist", "dumpxml", "qemu-agent-command", "console")
_OWN_VERSION = "9.0.0\n"
_VERSION = """\
Compiled against library: libvirt 9.0.0
Using library: libvirt 9.0.0
Using API: QEMU 9.0.0
Running hypervisor: QEMU 7.2.9

"""


class FailureError(Exception):
    """What virsh prints before it ends with 1: one line after `error: ` for each argument."""


def ask(method: str, **params: object) -> Any:  # noqa: ANN401 - JSON
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


def interfaces(name: str, source: str) -> str:
    """`virsh domifaddr`: what libvirt's DHCP server, the guest agent or the host's ARP table says."""
    domain = find(name)
    if domain["state"] != "running":
        raise FailureError("Failed to query for interfaces addresses", _OFF)
    if source == "arp":
        # As the libvirt of Debian 12 answers; newer ones can.
        raise FailureError("Failed to query for interfaces addresses", "internal error: wrong nlmsg len")
    if source == "agent":
        ask("domain_agent", name=domain["name"], command={"execute": "guest-ping"})
        told = ask("domain_links", name=domain["name"])
        links = [(link["device"], link["mac"], link["addresses"]) for link in told]
    else:
        links = [(domain["tap"], domain["mac"], leased(domain))]
    rows = [("Name", "MAC address", "Protocol", "Address")]
    for device, mac, addresses in links:
        for place, text in enumerate(addresses):
            protocol, address = text.split()
            rows.append((device, mac, protocol, address) if place == 0 else ("-", "-", protocol, address))
    lines = [f" {a:<10} {b:<20} {c:<8}     {d}\n" for a, b, c, d in rows]
    return f"{lines[0]}{'-' * 79}\n{''.join(lines[1:])}\n"


def leased(domain: dict[str, Any]) -> list[str]:
    """What libvirt's DHCP has given to a domain: the IPv4 addresses of its card."""
    links = ask("domain_links", name=domain["name"])
    mine = (link["addresses"] for link in links if link["device"] == domain["device"])
    return [one for addresses in mine for one in addresses if one.startswith("ipv4 ")]


def cards(name: str) -> str:
    """`virsh domiflist`."""
    domain = find(name)
    tap = domain["tap"] if domain["state"] == "running" else "-"
    head = ("Interface", "Type", "Source", "Model", "MAC")
    return table(head, [(tap, "network", domain["network"], "virtio", domain["mac"])])


def agent_command(name: str, text: str) -> str:
    """`virsh qemu-agent-command`: one command of the guest agent as JSON, its answer as JSON."""
    domain = find(name)
    if domain["state"] != "running":
        raise FailureError("Requested operation is not valid: domain is not running")
    answer = ask("domain_agent", name=domain["name"], command=json.loads(text))
    return json.dumps({"return": answer}, separators=(",", ":")) + "\n\n"


def console(name: str) -> str:
    """`virsh console`: this terminal is the domain's until ^] is typed or the domain hangs up."""
    domain = find(name)
    if domain["state"] != "running":
        raise FailureError("The domain is not running")
    if not sys.stdin.isatty():
        raise FailureError("Cannot run interactive console without a controlling TTY")
    ours, theirs = os.openpty()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(_CONSOLES)
        socket.send_fds(connection, [json.dumps({"name": name}).encode() + b"\n"], [theirs] * 3)
        os.close(theirs)
        sys.stdout.write(f"Connected to domain '{name}'\nEscape character is ^] (Ctrl + ])\n")
        sys.stdout.flush()
        while True:
            ready = select.select([0, ours, connection.fileno()], [], [])[0]
            if connection.fileno() in ready:
                break
            typed = os.read(0, 4096) if 0 in ready else b""
            if _ESCAPE in typed or (0 in ready and not typed):
                return "\n"
            os.write(ours, typed)
            if ours in ready:
                os.write(1, os.read(ours, 4096))
        answer = json.loads(connection.makefile().readline() or "{}")
    raise FailureError(*([answer["error"]["message"]] if "error" in answer else []))


def describe(name: str) -> str:
    """`virsh dumpxml`, as far as names, cards and the channel of the guest agent are told."""
    domain = find(name)
    running = domain["state"] == "running"
    number = f" id='{domain['id']}'" if running else ""
    tap = f"      <target dev='{domain['tap']}'/>\n" if running else ""
    return (
        f"<domain type='kvm'{number}>\n  <name>{domain['name']}</name>\n  <uuid>{domain['uuid']}</uuid>\n"
        "  <devices>\n    <interface type='network'>\n"
        f"      <mac address='{domain['mac']}'/>\n      <source network='{domain['network']}'/>\n{tap}"
        "      <model type='virtio'/>\n    </interface>\n    <channel type='unix'>\n"
        "      <target type='virtio' name='org.qemu.guest_agent.0'/>\n"
        "    </channel>\n  </devices>\n</domain>\n\n"
    )


def find_network(name: str) -> dict[str, Any]:
    """The network of a name."""
    for network in ask("networks"):
        if network["name"] == name:
            return dict(network)
    raise FailureError(
        f"failed to get network '{name}'", f"Network not found: no network with matching name '{name}'"
    )


def network_xml(name: str, options: set[str]) -> str:
    """`virsh net-dumpxml`."""
    network = find_network(name)
    which = "config" if "--inactive" in options else "live"
    hosts = "".join(f"      <host mac='{one['mac']}' ip='{one['ip']}'/>\n" for one in network["hosts"][which])
    return (
        f"<network>\n  <name>{name}</name>\n  <forward mode='nat'/>\n"
        f"  <bridge name='{network['bridge']}' stp='on' delay='0'/>\n"
        f"  <ip address='{network['address']}' netmask='255.255.255.0'>\n    <dhcp>\n"
        f"      <range start='{network['first']}' end='{network['last']}'/>\n"
        f"{hosts}    </dhcp>\n  </ip>\n</network>\n\n"
    )


def leases(name: str) -> str:
    """`virsh net-dhcp-leases`."""
    network = find_network(name)
    running = [
        one for one in ask("domains") if one["state"] == "running" and one["network"] == network["name"]
    ]
    rows: list[tuple[str, ...]] = [
        ("2026-11-21 16:52:14", one["mac"], "ipv4", address.split()[1], one["name"], "-")
        for one in running
        for address in leased(one)
    ]
    head = ("Expiry Time", "MAC address", "Protocol", "IP address", "Hostname", "Client ID or DUID")
    return table(head, rows)


def update_network(words: list[str], options: set[str]) -> str:
    """`virsh net-update NETWORK add|delete ip-dhcp-host XML [--live] [--config]`."""
    name, command, section, xml = words
    network = find_network(name)
    if section != "ip-dhcp-host" or command not in {"add", "delete"}:
        raise FailureError(f"this stand-in has no 'net-update {command} {section}'")
    entry = dict(re.findall("([a-z]+)='([^']*)'", xml))
    where = [one for one in ("live", "config") if f"--{one}" in options] or ["live"]
    shown = f"<host mac='{entry.get('mac')}' name='(null)' ip='{entry.get('ip', '(null)')}'/>"
    for one in where:
        hosts = network["hosts"][one]
        same = [h for h in hosts if entry.get("mac") == h["mac"] and entry.get("ip", h["ip"]) == h["ip"]]
        clash = [h for h in hosts if entry.get("mac") == h["mac"] or entry.get("ip") == h["ip"]]
        refused = ""
        if command == "add" and clash:
            refused = f"there is an existing dhcp host entry in network '{name}' that matches \"{shown}\""
        if command == "delete" and not same:
            refused = f"couldn't locate a matching dhcp host entry in network '{name}'"
        if refused:
            raise FailureError(
                f"Failed to update network {name}", f"Requested operation is not valid: {refused}"
            )
        network["hosts"][one] = [*hosts, entry] if command == "add" else [h for h in hosts if h not in same]
    ask("network_hosts", name=name, hosts=network["hosts"])
    told = {"live": "live state", "config": "persistent config"}
    both = "persistent config and live state"
    return f"Updated network {name} {both if len(where) > 1 else told[where[0]]}\n\n"


def switch_network(verb: str, name: str) -> str:
    """`virsh net-destroy` and `net-start`."""
    try:
        ask(f"network_{verb.partition('-')[2]}", name=name)
    except FailureError as failure:
        raise FailureError(f"Failed to {verb.partition('-')[2]} network {name}", *failure.args) from None
    return f"Network {name} {_NETWORK_DONE[verb]}\n\n"


def list_networks(options: set[str]) -> str:
    """`virsh net-list`."""
    names = [network["name"] for network in ask("networks")]
    if "--name" in options:
        return "".join(f"{name}\n" for name in names) + "\n"
    return table(
        ("Name", "State", "Autostart", "Persistent"), [(name, "active", "yes", "yes") for name in names]
    )


def run(words: list[str], options: set[str], source: str) -> str:
    """What virsh prints for a command."""
    verb, names = (words[0] if words else ""), words[1:]
    if verb == "list":
        return list_domains(options)
    if verb == "net-list":
        return list_networks(options)
    if verb == "version" or "--version" in options:
        return _VERSION if verb else _OWN_VERSION
    if verb in _OF_A_NETWORK:
        return of_network(verb, names, options)
    if verb not in _OF_A_DOMAIN:
        raise FailureError(f"unknown command: '{verb}'")
    if not names:
        raise FailureError(f"command '{verb}' requires <domain> option")
    return of_domain(verb, names, source)


def of_network(verb: str, names: list[str], options: set[str]) -> str:
    """A command that concerns one network."""
    if not names:
        raise FailureError(f"command '{verb}' requires <network> option")
    if verb in _NETWORK_DONE:
        return switch_network(verb, names[0])
    if verb == "net-update":
        return update_network(names, options)
    return network_xml(names[0], options) if verb == "net-dumpxml" else leases(names[0])


def of_domain(verb: str, names: list[str], source: str) -> str:
    """A command that concerns one domain."""
    if verb == "domstate":
        return f"{find(names[0])['state']}\n\n"
    if verb == "domifaddr":
        return interfaces(names[0], source)
    if verb == "console":
        return console(names[0])
    if verb == "qemu-agent-command":
        return agent_command(*names)
    if verb in {"domiflist", "dumpxml"}:
        return (cards if verb == "domiflist" else describe)(names[0])
    return change(verb, names[0])


def main(arguments: list[str]) -> int:
    """Runs one command; 1 and lines on stderr when it fails."""
    while arguments[:1] in (["-c"], ["--connect"]):
        arguments = arguments[2:]
    source = "lease"
    if "--source" in arguments:
        place = arguments.index("--source")
        source = arguments[place + 1]
        arguments = [*arguments[:place], *arguments[place + 2 :]]
    words = [each for each in arguments if not each.startswith("-")]
    options = {each for each in arguments if each.startswith("-") and each not in _IGNORED}
    try:
        sys.stdout.write(run(words, options, source))
    except FailureError as failure:
        sys.stderr.write("".join(f"error: {line}\n" for line in failure.args))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
