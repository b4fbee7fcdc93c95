"""Fact `guest_keys`: host keys and authorized keys in running domains. Read only; not part of the bundle."""

import base64
import contextlib

from wslnet_linux_agent import ops_guest_channel
from wslnet_linux_agent.facts_guests import running
from wslnet_linux_agent.ops import OpError
from wslnet_linux_agent.ops_guest_stream import Ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HOST_KEYS = ("ed25519", "ecdsa", "rsa")
_FIRST_PERSON, _NOBODY = 1000, 65534
_MOST_ACCOUNTS = 8


def guest_keys() -> "list[dict[str, Any]] | None":
    """Fact `guest_keys`: host keys and authorized keys in running domains, entered as `guest.enter` told."""
    domains = running()
    return None if domains is None else [_keys(name) for name in domains]


def _keys(domain: "str") -> "dict[str, Any]":
    try:
        with contextlib.closing(ops_guest_channel.opened(domain)) as guest:
            lines = _host_keys(guest)
            accounts = [_account(guest, fields) for fields in _people(guest)]
    except (OpError, Ended) as error:
        return {"domain": domain, "problem": str(error), "host_keys": [], "accounts": []}
    return {"domain": domain, "problem": None, "host_keys": lines, "accounts": accounts}


def _host_keys(guest: "Any") -> "list[str]":
    """Public host keys of OpenSSH, else what dropbear tells of its own."""
    files = [guest.read("/etc/ssh/ssh_host_%s_key.pub" % one) for one in _HOST_KEYS]
    lines = [data.decode("utf-8", "replace").strip() for data in files if data is not None]
    for one in () if lines else _HOST_KEYS:
        code, said = guest.run(["dropbearkey", "-y", "-f", "/etc/dropbear/dropbear_%s_host_key" % one])
        told = said.decode("utf-8", "replace").split("\n") if code == 0 else []
        lines += [line for line in told if line.startswith(("ssh-", "ecdsa-"))]
    return lines


def _people(guest: "Any") -> "list[list[str]]":
    """Whose keys are of interest; one who is not root is shown their own alone."""
    passwd = guest.read("/etc/passwd") or b""
    rows = [line.split(":") for line in passwd.decode("utf-8", "replace").split("\n")]
    rows = [row for row in rows if len(row) == 7 and row[2].isdigit() and row[5].startswith("/")]  # noqa: PLR2004 - passwd(5)
    rows = [row for row in rows if not row[6].strip().endswith(("/nologin", "/false"))]
    if guest.uid != 0:
        return [row for row in rows if int(row[2]) == guest.uid]
    people = [row for row in rows if row[2] == "0" or _FIRST_PERSON <= int(row[2]) < _NOBODY]
    return people[:_MOST_ACCOUNTS]


def _account(guest: "Any", fields: "list[str]") -> "dict[str, Any]":
    folder = fields[5].rstrip("/") + "/.ssh"
    keys = guest.read(folder + "/authorized_keys")
    # Without a file it matters whether the folder is there: what is made is taken back.
    there = keys is not None or guest.run(["test", "-d", folder])[0] == 0
    return {
        "user": fields[0],
        "uid": int(fields[2]),
        "gid": int(fields[3]),
        "folder": folder,
        "folder_exists": there,
        "content": None if keys is None else base64.b64encode(keys).decode("ascii"),
    }
