"""Machines are read side by side, so their first facts are typed side by side."""

from __future__ import annotations

import subprocess
import sys

PROCESSES = 6
"""Without the lock about every second process ends by SIGSEGV."""

PROGRAM = """
import sys, threading
from wslnet.model.linux_facts import LinuxFacts
from wslnet.model.typed import typed
from wslnet.model.windows_facts import WindowsFacts

sys.setswitchinterval(1e-6)
gate = threading.Barrier(8)
made = []

def make(shape):
    gate.wait()
    made.append(typed({}, shape))

threads = [threading.Thread(target=make, args=(shape,)) for shape in [LinuxFacts, WindowsFacts] * 4]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(len(made) != len(threads))
"""


def test_the_first_facts_of_many_machines_are_typed_at_once() -> None:
    command = [sys.executable, "-c", PROGRAM]
    ends = [subprocess.run(command, check=False, timeout=60).returncode for _ in range(PROCESSES)]
    assert ends == [0] * PROCESSES
