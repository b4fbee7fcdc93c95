"""Starting is cheap: help and `import wslnet` load nothing that is not needed (linux-facts C)."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("paramiko", "pypsrp", "winrm", "rich", "psrpcore", "spnego", "requests", "msgspec", "pyroute2")


def loaded_after(code: str) -> set[str]:
    program = f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    return {name.partition(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["help", "exit-codes"], ["setup", "--help"], ["doctor", "--help"]]
)
def test_help_loads_no_heavy_module(arguments: list[str]) -> None:
    loaded = loaded_after(f"from wslnet.cli.main import run\nrun({arguments!r})")
    assert "click" in loaded
    assert not loaded & set(HEAVY)


def test_import_of_the_package_loads_no_third_party() -> None:
    third_party = loaded_after("import wslnet") - loaded_after("") - {"wslnet"}
    assert third_party == set()


def test_the_exit_codes_of_the_contract_are_printed() -> None:
    command = [sys.executable, "-m", "wslnet", "help", "exit-codes"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert [int(line.split()[0]) for line in done.stdout.splitlines()] == [
        0,
        1,
        2,
        10,
        11,
        12,
        13,
        14,
        15,
        20,
        21,
        130,
    ]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["setup"], "--mirrored"),
        (["setup", "--mirrored", "--allow", "tcp/x"], "tcp/x"),
        (["setup", "--mirrored", "--allow", "tcp/80@moon"], "@moon"),
        (["setup", "--sideways"], "--sideways"),
        (["--inventory", "/nowhere/x.toml", "matrix"], "/nowhere/x.toml"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments: list[str], named: str) -> None:
    command = [sys.executable, "-m", "wslnet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
