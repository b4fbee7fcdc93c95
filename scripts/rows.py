#!/usr/bin/env python3
"""Prints which rows of docs/rows.toml have a test, which have none, and whose they are.

A test names its rows, three at most, by `pytest.mark.row`; a case of tests/cases/checks, which is a test
too, by its key `rows`. Both are read from the files, nothing is run. Arguments: `--area
linux|windows|explain`, `--missing`. Exit 2: a mark names no row, or a test too many.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
AREAS = ("linux", "windows", "explain")
_MOST = 3


@dataclass(frozen=True)
class Marked:
    """One mark, or all marks that decorate one test: where, the test, its rows."""

    place: str
    test: str
    rows: tuple[str, ...]


def read_rows(path: Path) -> dict[str, dict[str, str]]:
    """Rows by id, each with `area` and `title`."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def marks_in(source: str, name: str) -> Iterator[Marked]:
    """The marks in one file of tests; those on parameters and in constants stand alone."""
    tree = ast.parse(source)
    decorating: set[ast.Call] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            direct = [one for one in node.decorator_list if isinstance(one, ast.Call) and _is_row(one)]
            decorating.update(direct)
            if direct:
                rows = tuple(row for call in direct for row in _words(call))
                yield Marked(f"{name}:{node.lineno}", node.name, rows)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _is_row(node) and node not in decorating:
            yield Marked(f"{name}:{node.lineno}", "a parameter", _words(node))


def marks_in_cases(text: str, name: str) -> Iterator[Marked]:
    """The rows that the cases of one file of tests/cases/checks name."""
    for case in json.loads(text)["cases"]:
        if "rows" in case:
            yield Marked(name, f"the case {case['name']!r}", tuple(case["rows"]))


def _is_row(call: ast.Call) -> bool:
    what = call.func
    return isinstance(what, ast.Attribute) and what.attr == "row" and ast.unparse(what).endswith("mark.row")


def _words(call: ast.Call) -> tuple[str, ...]:
    # A starred argument hands on what a file of cases says, which is read there.
    direct = [one for one in call.args if not isinstance(one, ast.Starred)]
    return tuple(one.value if isinstance(one, ast.Constant) else ast.unparse(one) for one in direct)  # type: ignore[misc]


def problems(found: list[Marked], rows: dict[str, dict[str, str]]) -> Iterator[str]:
    """What is wrong with the marks, one line each."""
    for one in found:
        if len(one.rows) > _MOST:
            yield f"{one.place}: {one.test} names {len(one.rows)} rows, {_MOST} at most"
        for row in one.rows:
            if row not in rows:
                yield f"{one.place}: {one.test} names {row!r}, which is no row"


def main(arguments: list[str]) -> int:
    """Prints the lines and the counts by area."""
    parser = argparse.ArgumentParser(description="Rows of docs/rows.toml and their tests.")
    parser.add_argument("--area", choices=AREAS)
    parser.add_argument("--missing", action="store_true", help="only rows without a test")
    asked = parser.parse_args(arguments)
    rows = read_rows(ROOT / "docs" / "rows.toml")
    found = [
        mark
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for mark in marks_in(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    ]
    for path in sorted((ROOT / "tests" / "cases" / "checks").glob("*.json")):
        found += marks_in_cases(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    wrong = list(problems(found, rows))
    for line in wrong:
        print(line, file=sys.stderr)  # noqa: T201 - a script
    tests: dict[str, list[str]] = defaultdict(list)
    for mark in found:
        for row in mark.rows:
            tests[row].append(f"{mark.place} {mark.test}")
    for row, said in rows.items():
        covered = tests.get(row, [])
        if asked.area in {None, said["area"]} and not (asked.missing and covered):
            state = "covered" if covered else "missing"
            print(f"{row} {state} {said['area']:8} {said['title']}")  # noqa: T201
            for test in covered:
                print(f"      {test}")  # noqa: T201
    for area in AREAS:
        mine = [row for row, said in rows.items() if said["area"] == area]
        print(f"{area}: {sum(row in tests for row in mine)} of {len(mine)} rows covered")  # noqa: T201
    return 2 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
