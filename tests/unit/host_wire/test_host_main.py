"""`python -m wslnet_lab.host` as the lab's daemon starts it, with a daemon of the test's own."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWERS = {
    "wsl_state": {"running": False, "mode": None, "address": None, "since": None},
    "adapters": [],
    "routes": [],
    "listeners": [],
    "hyperv_firewall": {},
    "host_firewall": {},
    "portproxy": [],
}


class _Daemon(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        request = json.loads(self.rfile.readline())
        self.wfile.write(json.dumps({"result": ANSWERS[request["method"]]}).encode() + b"\n")


@contextmanager
def daemon(folder: Path) -> Iterator[None]:
    with socketserver.ThreadingUnixStreamServer(str(folder / "control.sock"), _Daemon) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield
        server.shutdown()


@contextmanager
def windows_host(folder: Path) -> Iterator[int]:
    argv = [sys.executable, "-m", "wslnet_lab.host", "--lab", str(folder), "--port", "0"]
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        ready = folder / "windows" / "host.ready"
        deadline = time.monotonic() + 20
        while not ready.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            assert ready.exists(), process.stderr.read() if process.stderr and process.poll() else "too slow"
            yield json.loads(ready.read_text())["port"]
        finally:
            process.terminate()
            process.wait(5)


def test_the_host_boots_serves_and_logs(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("a pass word\n")
    (tmp_path / "windows.json").write_text(json.dumps({"computer": "PC-1", "wire": {"max_envelope_kb": 200}}))
    with daemon(tmp_path), windows_host(tmp_path) as port:
        client = WSMan(
            "127.0.0.1", port=port, username="owner", password="a pass word", ssl=False, no_proxy=True
        )
        with closing(client), RunspacePool(client) as pool:
            for script, expected in ((False, "CommandNotFoundException"), (True, "ScriptsNotAllowed")):
                pipeline = PowerShell(pool)
                pipeline.add_script("1+1") if script else pipeline.add_cmdlet("Get-Nothing")
                pipeline.invoke()
                assert [error.fq_error for error in pipeline.streams.error] == [expected]
    entries = [json.loads(line) for line in (tmp_path / "log" / "calls.jsonl").read_text().splitlines()]
    assert [entry["error_id"] for entry in entries] == ["CommandNotFoundException", "ScriptsNotAllowed"]
    assert [entry["commands"][0]["script"] for entry in entries] == [False, True]


@pytest.mark.parametrize(
    ("name", "text", "word"),
    [
        ("windows.json", "{", "windows.json"),
        ("windows.json", '{"wire": {"x": 1}}', "'x'"),
        ("faults.json", "7", "faults.json"),
    ],
)
def test_a_lab_folder_that_cannot_be_used_is_one_line(
    tmp_path: Path, name: str, text: str, word: str
) -> None:
    (tmp_path / "password").write_text("p\n")
    (tmp_path / name).write_text(text)
    argv = [sys.executable, "-m", "wslnet_lab.host", "--lab", str(tmp_path), "--port", "0"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert word in done.stderr
