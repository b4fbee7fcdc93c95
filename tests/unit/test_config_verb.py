"""`wslnet config` on files: what it tells, what it changes, and that bad input costs no byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from wslnet.cli.main import run
from wslnet_win_agent.wslconfig import WSL_CONF, WSLCONFIG, read
from wslnet_win_agent.wslconfig.lint import Surroundings, bytes_of, lint

if TYPE_CHECKING:
    from pathlib import Path

NOTE = (
    b"[wsl2]\r\nkernel=C:\\\\Users\\\\me\\\\bzImage # own kernel\nnetworkingMode=mirrored\r\n"
    b"localhostForwarding=true\r\nmemory=8gb\r\n\r\n[experimental]\r\nhostAddresLoopback=true"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / ".wslconfig"
    path.write_bytes(NOTE)
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    capsys.readouterr()
    assert run(["config", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.row("S0-05", "S3-34", "S3-27")
def test_lint_names_line_key_and_what_to_write(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = told(capsys, "lint", "--file", str(file))
    assert document["schema_version"] == 1
    assert document["file"] == str(file)
    assert document["effective"]["wsl2.kernel"] == {"value": "C:\\Users\\me\\bzImage", "line": 2}
    assert "wsl2.memory" not in document["effective"]  # WSL keeps its default
    assert [(one["code"], one["line"], one["suggestion"]) for one in document["findings"]] == [
        ("dead-key", 4, "remove it"),
        ("invalid-value", 5, "write 8GB"),
        ("unknown-key", 8, "write hostAddressLoopback under [experimental]"),
    ]
    assert run(["config", "lint", "--file", str(file), "--strict"]) == 11


@pytest.mark.row("S0-08")
def test_set_changes_one_value_and_no_other_byte(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = told(capsys, "set", "wsl2.memory", "8GB", "--file", str(file))
    assert document["changed"] is True
    assert document["effective"] == {"wsl2.memory": {"value": "8GB", "line": 5}}
    assert file.read_bytes() == NOTE.replace(b"memory=8gb", b"memory=8GB")
    assert told(capsys, "set", "wsl2.memory", "8GB", "--file", str(file))["changed"] is False
    told(capsys, "unset", "wsl2.memory", "--file", str(file))
    assert file.read_bytes() == NOTE.replace(b"memory=8gb\r\n", b"")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("set", "wsl2.memory", "8 gb"), "write 8GB"),
        (("set", "wsl2.firewall", "yes"), "write true"),
        (("set", "wsl2.networkingMode", "mirored"), "write mirrored"),
        (("set", "wsl2.networkMode", "nat"), "did you mean wsl2.networkingMode?"),
        (("set", "wsl2.hostAddressLoopback", "true"), "did you mean experimental.hostAddressLoopback?"),
        (("get", "wsl2.nonsense"), "no key that WSL reads"),
        (("unset", "nonsense"), "no key that WSL reads"),
    ],
)
def test_bad_input_is_refused_in_one_line_and_costs_no_byte(
    file: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert run(["config", *arguments, "--file", str(file)]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert file.read_bytes() == NOTE


@pytest.mark.row("S3-20")
def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / ".wslconfig"
    assert run(["config", "get", "wsl2.memory", "--file", str(path)]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert run(["config", "set", "wsl2.memory", "4GB", "--file", str(path)]) == 0
    assert path.read_bytes() == b"[wsl2]\r\nmemory=4GB\r\n"


def test_a_folder_that_takes_no_file_leaves_the_old_one(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    assert run(["config", "set", "wsl2.memory", "8GB", "--file", str(file)]) == 2
    assert "No space left on device; nothing was changed" in capsys.readouterr().err
    assert file.read_bytes() == NOTE
    assert [one.name for one in file.parent.iterdir()] == [".wslconfig"]


@pytest.mark.row("S3-40")
def test_wsl_conf_stops_at_its_first_bad_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wsl.conf"
    path.write_bytes(b"[boot]\ncommand=nohup x &\n[network\ngenerateResolvConf=false\n")
    findings = told(capsys, "lint", "--file", str(path))["findings"]
    assert [(one["code"], one["line"]) for one in findings] == [
        ("background", 2), ("invalid-section", 3), ("stops-here", 3)
    ]  # fmt: skip
    (lost,) = told(capsys, "diff", "--file", str(path))["differences"]
    assert (lost["line"], lost["written"], lost["reason"]) == (
        4, "generateResolvConf=false", "WSL stops at line 3"
    )  # fmt: skip
    assert run(["config", "set", "network.hostname", "x", "--file", str(path)]) == 2
    assert "WSL stops reading at line 3" in capsys.readouterr().err


@pytest.mark.row("S3-35")
def test_wsl_conf_that_is_a_link_is_named_with_where_it_leads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "on-drive-d.conf"
    path.write_bytes(b"[boot]\nsystemd=true\n")
    link = tmp_path / "wsl.conf"
    link.symlink_to(path)
    (finding,) = told(capsys, "lint", "--file", str(link))["findings"]
    assert (finding["code"], finding["suggestion"]) == ("symlink", "put a file in its place")
    assert f"it is a link to {path}" in finding["message"]


def test_diff_says_what_wsl_will_really_use(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_bytes(
        b"[wsl2]\nswap=4 GB\nswap=8GB\nnetworkingMode=nat\n[experimental]\nnetworkingMode=mirrored\n"
    )
    rows = told(capsys, "diff", "--file", str(file))["differences"]
    assert [(one["key"], one["line"], one["written"], one["used"]) for one in rows] == [
        ("wsl2.swap", 2, "swap=4 GB", "(a quarter of memory)"),
        ("wsl2.swap", 3, "swap=8GB", "(a quarter of memory)"),
        ("wsl2.networkingMode", 6, "networkingMode=mirrored", "nat"),
    ]


@pytest.mark.parametrize(
    ("text", "around", "codes"),
    [
        ("[wsl2]\nnetworkingMode=bridged\n", Surroundings(), ["deprecated", "missing-key"]),
        ("[wsl2]\nfirewall=false\n", Surroundings(mode="mirrored"), ["dead-key"]),
        ("[wsl2]\nfirewall=true\n", Surroundings(version=(1, 2, 5)), ["too-new"]),
        ("[wsl2]\nnetworkingMode=consomme\n", Surroundings(version=(2, 8, 9)), ["too-new"]),
        ("[wsl2]\nnetworkingMode=virtioproxy\n", Surroundings(version=(2, 9, 4)), ["deprecated"]),
        ("[wsl2]\nkernel=C:\\\\k\n", Surroundings(policies={"AllowKernelUserSetting": 0}), ["policy"]),
        ("[wsl2]\nmemory=64GB\n", Surroundings(memory=32 << 30), ["too-much"]),
        ("[wsl2]\nprocessors=9\n", Surroundings(processors=8), ["too-much"]),
        ("[wsl2]\nmemory=16GB\nprocessors=8\n", Surroundings(memory=32 << 30, processors=8), []),
        ("[network]\nnetworkingMode=mirrored\n", Surroundings(), ["wrong-section"]),
        ("[boot]\nsystemd=true\n", Surroundings(), ["wrong-file"]),
    ],
)  # fmt: skip
@pytest.mark.row("S3-28")
def test_what_only_the_surroundings_can_tell(text: str, around: Surroundings, codes: list[str]) -> None:
    assert [one.code for one in lint(read(text.encode()), WSLCONFIG, around)] == codes


@pytest.mark.row("S3-39")
def test_resolv_conf_against_dns_tunnelling() -> None:
    config = read(b"[network]\ngenerateResolvConf=false\n", WSL_CONF)
    assert [one.code for one in lint(config, WSL_CONF)] == ["dns-conflict"]
    off = Surroundings(other=read(b"[wsl2]\ndnsTunneling=false\n"))
    assert lint(config, WSL_CONF, off) == ()


def test_sizes_are_powers_of_1024() -> None:
    assert [bytes_of(text) for text in ("0", "8GB", "512M", "1TB", "8gb")] == [0, 2**33, 2**29, 2**40, None]
