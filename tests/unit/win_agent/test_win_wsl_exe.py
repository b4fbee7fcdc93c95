"""Output of `wsl.exe` in several languages and encodings, as recorded."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import pytest

from wslnet_win_agent.wsl_exe import (
    Distro,
    Versions,
    chosen_distro,
    decode,
    parse_distros,
    parse_versions,
)

SHARED = Path(os.environ.get("WSLNET_SHARED", Path(__file__).parents[4] / "shared"))
RECORDED = SHARED / "corpus/windows"

LISTED = (
    "  NAME                   STATE           VERSION\r\n"
    "* Ubuntu-22.04    Running         2\r\n"
    "  docker-desktop         Stopped         2\r\n"
    "  My Distro  Installing  1\r\n"
)


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16"])
def test_output_is_told_apart_by_its_nuls(codec: str) -> None:
    assert decode("WSL 版本\uff1a 2.6.3.0\r\n".encode(codec)) == "WSL 版本\uff1a 2.6.3.0\r\n"


@pytest.mark.row("S3-05")
def test_distros_with_default_mark_and_states() -> None:
    assert parse_distros(LISTED) == (
        Distro("Ubuntu-22.04", "Running", 2, default=True),
        Distro("docker-desktop", "Stopped", 2, default=False),
        Distro("My Distro", "Installing", 1, default=False),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "没有已安装的分发版。\r\n错误代码: Wsl/WSL_E_DEFAULT_DISTRO_NOT_FOUND\r\n",
        "NAME STATE VERSION\r\n",
    ],
)
def test_what_is_no_list_gives_no_distro(text: str) -> None:
    assert parse_distros(text) == ()


def test_the_way_in_is_never_dockers_nor_stopped() -> None:
    assert chosen_distro(parse_distros(LISTED)) == Distro("Ubuntu-22.04", "Running", 2, default=True)
    docker = Distro("docker-desktop-data", "Running", 2, default=True)
    other = Distro("Debian", "Running", 2, default=False)
    assert chosen_distro((docker, other)) == other
    assert chosen_distro((docker, Distro("Debian", "Stopped", 2, default=False))) is None


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        ("WSL 版本\uff1a 1.2.5.0\r\n内核版本\uff1a 5.15.90.1\r\n", Versions("1.2.5.0", "5.15.90.1")),
        (
            "WSL-Version: 2.2.4.0\nKernelversion: 5.15.153.1-2\nWSLg-Version: 1.0.61\n",
            Versions("2.2.4.0", "5.15.153.1-2", "1.0.61"),
        ),
        ("\r\nWSL version: 2.9.4.0\r\n\r\nKernel version: 6.6.87.2-1\r\n", Versions("2.9.4.0", "6.6.87.2-1")),
        (
            "WSL version: 3.0.0.0\nKernel version: 7.1.2\n" + "New version: 9.9\n" * 6,
            Versions("3.0.0.0", "7.1.2"),
        ),
        ("", Versions()),
        ("Invalid command line option: --version\r\n", Versions()),
    ],
)
def test_versions_go_by_the_order_of_lines(text: str, versions: Versions) -> None:
    assert parse_versions(text) == versions


@pytest.mark.corpus
@pytest.mark.row("S3-04")
@pytest.mark.skipif(not RECORDED.exists(), reason="the corpus is not here")
def test_every_recorded_version_and_list() -> None:
    for path in sorted(RECORDED.glob("wsl-version-*.txt")):
        found = asdict(parse_versions(decode(path.read_bytes())))
        assert None not in found.values(), path
        told = ("5.", "1.0.", "1.2.", "1.6", "10.0.", "10.0.")
        assert all(one.startswith(start) for one, start in zip([*found.values()][1:], told, strict=True)), (
            path
        )
    for path in sorted(RECORDED.glob("wsl-l-v-*.txt")):
        if "quoted" not in path.name:
            assert [one.name for one in parse_distros(decode(path.read_bytes()))] == ["Ubuntu-22.04"], path
