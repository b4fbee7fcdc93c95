"""The agent's loop: requests from stdin, one reply each to stdout, until stdin ends.

Nothing else may be written to stdout, and nothing at all to the machine's disk.
"""

import os
import sys

from wslnet_linux_agent import ops, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Sessions of plain users lack the folders in which the tools for networks lie.
_TOOL_FOLDERS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


def main() -> "None":
    """Serve until the controller closes the pipe; a broken frame ends the agent with code 1."""
    folders = [folder for folder in os.environ.get("PATH", "").split(":") if folder]
    os.environ["PATH"] = ":".join(folders + [f for f in _TOOL_FOLDERS if f not in folders])
    decoder = wire.Decoder()
    source = sys.stdin.buffer  # type: Any
    try:
        while True:
            data = source.read1(65536)
            if not data:
                return
            decoder.feed(data)
            request = decoder.take()
            while request is not None:
                _send(answer(request))
                request = decoder.take()
    except wire.FrameError as error:
        sys.stderr.write("wslnet agent: %s\n" % error)
        sys.exit(1)
    except BrokenPipeError:
        # The controller is gone; flushing stdout once more at exit would only print a traceback.
        os._exit(1)


def answer(request: "dict[str, Any]") -> "dict[str, Any]":
    """Give the reply to one request."""
    todo = request.get("ops")
    if not isinstance(todo, list):
        raise wire.FrameError("a request without a list of ops")
    return {"id": request.get("id"), "results": ops.run(todo)}


def load(args: "ops.Args") -> "dict[str, Any]":
    """Verb `load`: take the source of a module that is too seldom needed to be in the bundle."""
    finder = sys.meta_path[0]  # type: Any
    finder.add(args.text("name"), args.text("source"))
    return {}


def _send(reply: "dict[str, Any]") -> "None":
    try:
        frame = wire.encode(reply)
    except wire.FrameError as error:
        too_long = ops.failure("failed", "the answer cannot be sent: %s" % error)
        frame = wire.encode({"id": reply["id"], "results": [too_long for _ in reply["results"]]})
    sys.stdout.buffer.write(frame)
    sys.stdout.buffer.flush()
