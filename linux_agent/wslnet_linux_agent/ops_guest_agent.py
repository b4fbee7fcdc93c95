"""The guest agent of a domain, spoken to through libvirt: files read and written, programs run inside it.

Nothing goes over a network here: what is read is as trustworthy as the host itself. Not part of the bundle.
"""

import base64
import json
import time

from wslnet_linux_agent import shell
from wslnet_linux_agent.ops import OpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ASK_S = 10.0
_RUN_S = 20.0
_POLL_S = 0.1
_MOST = 1048576


def opened(domain: "str") -> "Agent":
    """Give the agent of a domain.

    Raises:
        OpError: it does not answer; the message is libvirt's.
    """
    agent = Agent(domain)
    agent.ask("guest-ping")
    return agent


class Agent:
    """A guest's agent; its user in the guest is root."""

    uid = 0

    def __init__(self, domain: "str") -> "None":
        self._domain = domain

    def close(self) -> "None":
        """Do nothing: no session is open between two commands."""

    def ask(self, command: "str", **arguments: "Any") -> "Any":
        """Send one command and give what it returns.

        Raises:
            OpError: the guest has no agent, or it refuses; the message is libvirt's.
        """
        text = json.dumps({"execute": command, "arguments": arguments})
        argv = ["virsh", "qemu-agent-command", "--domain", self._domain, text]
        return json.loads(shell.run(argv, _ASK_S).text())["return"]

    def read(self, path: "str") -> "bytes | None":
        """Give the content of a file, at most 1 MiB of it; None if there is none."""
        try:
            handle = self.ask("guest-file-open", path=path, mode="r")
        except OpError as error:
            if "No such file" in str(error):
                return None
            raise
        data = b""
        while len(data) < _MOST:
            part = self.ask("guest-file-read", handle=handle)
            data += base64.b64decode(part["buf-b64"])
            if part["eof"] or not part["count"]:
                break
        self.ask("guest-file-close", handle=handle)
        return data

    def write(self, path: "str", data: "bytes", mode: "str") -> "None":
        """Write a file anew (`w`) or at its end (`a`)."""
        handle = self.ask("guest-file-open", path=path, mode=mode)
        try:
            text = base64.b64encode(data).decode("ascii")
            written = self.ask("guest-file-write", handle=handle, **{"buf-b64": text})
        finally:
            self.ask("guest-file-close", handle=handle)
        if written["count"] != len(data):
            raise OpError("failed", "%s: only %d bytes were written" % (path, written["count"]))

    def run(self, argv: "list[str]") -> "tuple[int, bytes]":
        """Run a program in the guest to its end; gives its exit code and what it printed."""
        pid = self.ask("guest-exec", path=argv[0], arg=argv[1:], **{"capture-output": True})["pid"]
        deadline = time.monotonic() + _RUN_S
        while time.monotonic() < deadline:
            state = self.ask("guest-exec-status", pid=pid)
            if state["exited"]:
                return int(state.get("exitcode", 255)), base64.b64decode(state.get("out-data", ""))
            time.sleep(_POLL_S)
        raise OpError("timed-out", "%s does not end in the guest" % argv[0])
