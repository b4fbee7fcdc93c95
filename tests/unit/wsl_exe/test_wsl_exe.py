"""wsl.exe of the lab's Windows over hardware on paper: what it prints, exit codes, commands in a distro."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wslnet_lab.host.contract import Identity, NativeOutcome
from wslnet_lab.host.hardware import LinuxOutcome
from wslnet_lab.host.state.settings import OWNER_SID

from .conftest import FAILED, WSL, Desk

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))


# ---- what it prints ----------------------------------------------------------------------------------


def test_version_is_utf16_without_bom_unless_asked(desk: Desk) -> None:
    plain = desk.wsl("--version", environment={})
    lines = plain.stdout.decode("utf-16-le").split("\r\n")
    assert lines[0] == "WSL version: 2.6.1.0"
    assert lines[6] == "Windows version: 10.0.22631.4317"
    assert (len(lines), lines[7]) == (8, "")
    assert desk.wsl("--version", environment={"wsl_utf8": "1"}).stdout.decode().split("\r\n") == lines
    assert desk.wsl("--version", environment={"WSL_UTF8": "true"}).stdout == plain.stdout


def test_labels_are_localised_headers_are_not(tmp_path: Path) -> None:
    desk = Desk(tmp_path, culture="zh-CN")
    assert desk.wsl("--version").stdout.decode().startswith("WSL 版本\uff1a 2.6.1.0\r\n")
    assert desk.wsl("-l", "-v").stdout.decode() == (
        "  NAME      STATE           VERSION\r\n* Debian    Stopped         2\r\n"
    )


def test_culture_by_fault(desk: Desk) -> None:
    (desk.folder / "faults.json").write_text('{"faults": ["culture-zh-cn"]}')
    assert "内核版本" in desk.wsl("--version").stdout.decode()


def test_lists(desk: Desk) -> None:
    assert desk.wsl("-l", "-q").stdout == b"Debian\r\n"
    none = desk.wsl("--list", "--running")
    assert (none.exit_code, none.stderr) == (FAILED, b"")
    assert desk.wsl("-l", "--running", "-q") == NativeOutcome(0, b"", b"")
    desk.start()
    assert b"* Debian    Running         2\r\n" in desk.wsl("--list", "--verbose").stdout
    assert desk.wsl("-l", "--running", "-q").stdout == b"Debian\r\n"


def test_errors_go_to_stdout_with_their_path(desk: Desk) -> None:
    outcome = desk.wsl("-d", "Nothing", "-e", "true")
    assert outcome.exit_code == FAILED
    assert outcome.stdout.decode().splitlines()[-1] == "Error code: Wsl/Service/WSL_E_DISTRO_NOT_FOUND"
    assert outcome.stderr == b""
    assert desk.wsl("--frobnicate").exit_code == FAILED
    assert desk.wsl("--terminate").exit_code == FAILED
    assert desk.hardware.started == []


def test_local_system_is_refused_but_may_ask_the_version(desk: Desk) -> None:
    system = Identity("SYSTEM", "S-1-5-18", system=True)
    refused = desk.wsl("-l", "-q", identity=system)
    assert refused.exit_code == FAILED
    assert b"WSL_E_LOCAL_SYSTEM_NOT_SUPPORTED" in refused.stdout
    assert desk.wsl("--version", identity=system).exit_code == 0


def test_another_user_has_no_distro_and_cannot_stop_the_owners(desk: Desk) -> None:
    desk.start()
    other = Identity("guest", "S-1-5-21-1-2-3-1002")
    missing = desk.wsl("-l", "-v", identity=other)
    assert (missing.exit_code, b"Error code" in missing.stdout) == (FAILED, False)
    assert desk.wsl("--shutdown", identity=other).exit_code == 0
    assert desk.hardware.wsl.running


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists(), reason="no ../shared here")
@pytest.mark.parametrize(
    ("culture", "name"),
    [("en-US", "wsl-version-en"), ("de-DE", "wsl-version-de"), ("zh-CN", "wsl-version-zh")],
)
def test_labels_are_those_of_real_machines(tmp_path: Path, culture: str, name: str) -> None:
    def labels(text: str) -> list[str]:
        return [line.replace("\uff1a", ":").partition(":")[0] for line in text.splitlines()]

    real = (SHARED / f"corpus/windows/{name}.txt").read_text("utf-8")
    ours = Desk(tmp_path, culture=culture).wsl("--version").stdout.decode()
    assert labels(ours) == labels(real)


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists(), reason="no ../shared here")
def test_tables_and_warnings_are_those_of_real_machines(tmp_path: Path) -> None:
    distro = {"name": "Ubuntu-22.04", "guid": "{A}"}
    desk = Desk(tmp_path, distros=[distro], build=22631, revision=4037, compute_network=False)
    desk.write_wslconfig("[wsl2]\nnetworkingMode=mirrored\n")
    said = desk.wsl("-e", "true").stderr.decode().replace("\r\n", "\n")
    assert said == (SHARED / "corpus/windows/wsl-warning-mirrored-en-reason.txt").read_text("utf-8")
    table = desk.wsl("-l", "-v").stdout.decode().replace("\r\n", "\n")
    assert table == (SHARED / "corpus/windows/wsl-l-v-en-star.txt").read_text("utf-8")


# ---- commands in it ------------------------------------------------------------------------------------


def test_linux_output_and_exit_code_pass_as_they_are(desk: Desk) -> None:
    desk.hardware.linux = lambda _, user, stdin: LinuxOutcome(7, b"\xff\n" + stdin, user.encode())
    outcome = desk.wsl("-d", "debian", "-u", "nobody", "-e", "cat", "-n", stdin=b"in", environment={})
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (7, b"\xff\nin", b"nobody")
    assert desk.hardware.executed[-1][0] == ("cat", "-n")


def test_default_user_and_shell(tmp_path: Path) -> None:
    distro = {"name": "Ubuntu", "guid": "{A}", "default_user": "wujing", "default_uid": 1000}
    desk = Desk(tmp_path, distros=[distro])
    assert desk.wsl("echo", "a  b").exit_code == 0
    assert desk.hardware.executed[-1][:2] == (("/bin/sh", "-l", "-c", "echo a  b"), "wujing")


def test_each_run_is_logged(desk: Desk) -> None:
    desk.wsl("-d", "Nothing", "-e", "true")
    entry = desk.log.entries[-1]
    assert (entry["kind"], entry["identity"], entry["state"]) == ("wsl", "owner", "Failed")
    assert entry["argv"] == [WSL, "-d", "Nothing", "-e", "true"]
    assert entry["error_id"] == "Wsl/Service/WSL_E_DISTRO_NOT_FOUND"


# ---- native programs -------------------------------------------------------------------------------------


def test_programs_are_found_as_cmd_finds_them(tmp_path: Path) -> None:
    desk = Desk(tmp_path, wsl_version=None)

    assert desk.native("whoami").stdout == b"desktop-wujing\\owner\r\n"
    assert OWNER_SID.encode() in desk.native("whoami.exe", "/user", "/fo", "csv", "/nh").stdout
    for missing in ("wsl.exe", WSL, r"C:\Windows\System32\wsl.exe"):
        assert desk.native(missing, "--version").exit_code == 1
    refused = desk.native("cmd", "/c", "echo")
    assert (refused.exit_code, refused.stdout) == (1, b"")


@pytest.mark.parametrize("name", ["wsl", "WSL.EXE", r"c:\windows\system32\WSL.exe", WSL])
def test_wsl_exe_by_all_its_names(desk: Desk, name: str) -> None:
    outcome = desk.native(name, "-l", "-q")
    assert outcome.stdout == b"Debian\r\n"
