#!/usr/bin/python3 -IS
"""libvirt's `virsh` as far as machines are listed, started and stopped, with the texts of libvirt 9.0."""

import json
import socket
import sys

_SOCKET = "/run/libvirt/libvirt-sock"
_DONE = {
    "start": "Domain '%s' started\n",
    "shutdown": "Domain '%s' is being shutdown\n",
    "destroy": "Domain '%s' destroyed\n",
}
_FAILED = {
    "start": "Failed to start domain '%s'",
    "shutdown": "Failed to shutdown domain '%s'",
    "destroy": "Failed to destroy domain '%s'",
}


class Failure(Exception):
    """What virsh prints after `error: ` before it ends with 1."""


def ask(method, **params):
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(60)
            connection.connect(_SOCKET)
            connection.sendall(json.dumps({"method": method, "params": params}).encode() + b"\n")
            answer = json.loads(connection.makefile().readline())
    except (OSError, ValueError):
        raise Failure(
            "failed to connect to the hypervisor\nerror: Failed to connect socket to '%s': Connection refused" % _SOCKET
        ) from None
    if "error" in answer:
        raise Failure(answer["error"]["message"])
    return answer["result"]


def table(rows, indent=" "):
    """Columns as virsh's vshTable prints them: a rule under the head, three spaces between."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [indent + "   ".join(cell.ljust(width) for cell, width in zip(row, widths)) for row in rows]
    lines = [line.rstrip() if number else line for number, line in enumerate(lines)]
    rule = "-" * (sum(widths) + 3 * len(widths))
    return "\n".join([lines[0].rstrip(), rule, *lines[1:]]) + "\n\n"


def find(name):
    for domain in ask("domains"):
        if name in (domain["name"], domain["uuid"], domain["id"]):
            return domain
    raise Failure("failed to get domain '%s'" % name)


def list_domains(options):
    domains = ask("domains")
    states = set()
    if "--all" in options or "--state-running" in options or "--inactive" not in options:
        states.add("running")
    if "--all" in options or "--state-shutoff" in options or "--inactive" in options:
        states.add("shut off")
    if "--state-shutoff" in options and "--state-running" not in options:
        states.discard("running")
    chosen = [domain for domain in domains if domain["state"] in states]
    chosen.sort(key=lambda domain: (domain["state"] != "running", domain["name"]))
    if "--name" in options or "--uuid" in options:
        key = "name" if "--name" in options else "uuid"
        return "".join(domain[key] + "\n" for domain in chosen) + "\n"
    return table([("Id", "Name", "State")] + [(d["id"], d["name"], d["state"]) for d in chosen])


def change(verb, name):
    domain = find(name)
    if verb == "start" and domain["state"] == "running":
        raise Failure("Domain is already active")
    if verb != "start" and domain["state"] != "running":
        raise Failure(
            _FAILED[verb] % name + "\nerror: Requested operation is not valid: domain is not running"
        )
    try:
        ask("domain_" + verb, name=domain["name"])
    except Failure as failure:
        raise Failure(_FAILED[verb] % name + "\nerror: " + str(failure)) from None
    return _DONE[verb] % name + "\n"


def interfaces(name):
    domain = find(name)
    if domain["state"] != "running":
        raise Failure("Failed to query for interfaces addresses\nerror: Requested operation is not valid: domain is not running")
    line = " %-10s %-20s %-8s     %s\n"
    head = line % ("Name", "MAC address", "Protocol", "Address") + "-" * 79 + "\n"
    return head + line % (domain["tap"], domain["mac"], "ipv4", domain["address"]) + "\n"


def networks(options):
    rows = [(each["name"], "active", "yes", "yes") for each in ask("networks")]
    if "--name" in options:
        return "".join(row[0] + "\n" for row in rows) + "\n"
    return table([("Name", "State", "Autostart", "Persistent")] + rows)


def version():
    return (
        "Compiled against library: libvirt 9.0.0\nUsing library: libvirt 9.0.0\n"
        "Using API: QEMU 9.0.0\nRunning hypervisor: QEMU 7.2.9\n\n"
    )


def run(arguments):
    words = [each for each in arguments if not each.startswith("-")]
    options = {each for each in arguments if each.startswith("-")}
    if words[:2] in (["qemu:///system"], []):
        raise Failure("no command")
    verb, names = words[0], words[1:]
    if verb == "list":
        return list_domains(options)
    if verb == "net-list":
        return networks(options)
    if verb == "version":
        return version()
    if verb not in (*_DONE, "domstate", "domifaddr"):
        raise Failure("unknown command: '%s'" % verb)
    if not names:
        raise Failure("command '%s' requires <domain> option" % verb)
    if verb == "domstate":
        return find(names[0])["state"] + "\n\n"
    if verb == "domifaddr":
        return interfaces(names[0])
    return change(verb, names[0])


def main(arguments):
    while arguments[:1] and arguments[0] in ("-c", "--connect"):
        arguments = arguments[2:]
    arguments = [each for each in arguments if each not in ("-q", "--quiet", "--domain", "-r", "--readonly")]
    try:
        sys.stdout.write(run(arguments))
    except Failure as failure:
        sys.stderr.write("error: %s\n\n" % failure if str(failure).startswith("failed to connect") else "error: %s\n" % failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
