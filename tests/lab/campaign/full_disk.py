"""The program on a state folder that runs full: `full_disk.py NUMBER STATE ARGUMENT…`, as root.

In a mount namespace of its own the state lies on a small tmpfs. Before record NUMBER somebody else fills
it to the byte; behind the run they clean up, and `resume` follows. Prints what both said, one JSON line each.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from wslnet.cli.main import run
from wslnet.engine.journal import Journal

BALLAST = "somebody-elses-file"
_CLONE_NEWNS = 0x20000


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, timeout=10)


def fill(journal: Path) -> None:
    # A tmpfs gives whole pages: what is left of the last one would take a few more records.
    with journal.open("ab") as file:
        file.write(b"\n" * (-file.tell() % 4096))
    with (journal.parents[1] / BALLAST).open("ab", buffering=0) as file:
        for size in (65536, 4096, 64, 1):
            with contextlib.suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


def say(*arguments: str) -> None:
    """Runs the program in this process and prints its answer and exit code."""
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        code = run(list(arguments))
    print(json.dumps({"code": code, "said": json.loads(heard.getvalue())}), flush=True)  # noqa: T201 - its output


def main() -> None:
    number, state = int(sys.argv[1]), Path(sys.argv[2])
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    mount("--make-rprivate", "/")
    with tempfile.TemporaryDirectory(prefix="wslnet-full-") as real:
        mount("--bind", str(state), real)
        mount("-t", "tmpfs", "-o", "size=512k", "wslnet-test", str(state))
        shutil.copytree(real, state, dirs_exist_ok=True)
        append, written = Journal._append, 0

        def counted(self: Journal, kind: str, body: dict[str, object]) -> None:
            nonlocal written
            written += 1
            if written == number:
                fill(self.path)
            append(self, kind, body)

        Journal._append = counted  # type: ignore[method-assign]
        say(*sys.argv[3:], "--json")
        (state / BALLAST).unlink(missing_ok=True)
        inventory = sys.argv[sys.argv.index("--inventory") + 1]
        say("--inventory", inventory, "resume", "--json")
        shutil.copytree(state, real, dirs_exist_ok=True)
        subprocess.run(["umount", str(state)], check=True, timeout=10)
        subprocess.run(["umount", real], check=True, timeout=10)
    os._exit(0)


main()
