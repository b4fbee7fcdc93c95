"""The registered tasks on disk, over reboots: the XML as sent, when each ran last and with what result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from wslnet_lab.host.state.json_file import JsonFile
from wslnet_lab.host.tasks import results
from wslnet_lab.host.tasks.definition import Definition, read

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Task:
    r"""One registered task; `path` with both backslashes (`\wslnet\`)."""

    path: str
    name: str
    xml: str
    definition: Definition
    enabled: bool
    since: datetime
    last_run: datetime | None
    last_result: int

    @property
    def key(self) -> str:
        """Its identity: names are the same in any case."""
        return (self.path + self.name).lower()


class TaskStore:
    """All tasks of one Windows."""

    def __init__(self, folder: Path) -> None:
        """Opens `tasks.json` in the folder of the Windows' state."""
        self._file = JsonFile(folder / "tasks.json", dict)

    def all(self) -> tuple[Task, ...]:
        """Every task, by path and name."""
        return tuple(_task(row) for _, row in sorted(self._file.data.items()))

    def find(self, path: str, name: str) -> Task | None:
        """The task of this path and name, in any case."""
        return self.get((path + name).lower())

    def get(self, key: str) -> Task | None:
        """The task with this `Task.key`."""
        row = self._file.data.get(key)
        return _task(row) if row is not None else None

    def put(self, path: str, name: str, xml: str) -> Task:
        """Registers a task, or puts a new definition in the place of an old one.

        Raises:
            TaskXmlError: The definition is refused.
        """
        definition = read(xml)
        row = {
            "path": path,
            "name": name,
            "xml": xml,
            "enabled": definition.enabled,
            "since": datetime.now(UTC).isoformat(),
            "last_run": None,
            "last_result": results.HAS_NOT_RUN,
        }
        with self._file.change() as rows:
            rows[(path + name).lower()] = row
        return _task(row)

    def remove(self, key: str) -> None:
        """Forgets a task."""
        with self._file.change() as rows:
            rows.pop(key, None)

    def enable(self, key: str, *, enabled: bool) -> None:
        """Switches a task on or off."""
        with self._file.change() as rows:
            rows[key]["enabled"] = enabled

    def began(self, key: str) -> None:
        """A run began now."""
        self._note(key, last_run=datetime.now(UTC).isoformat(), last_result=results.RUNNING)

    def ended(self, key: str, result: int) -> None:
        """A run ended, or could not begin."""
        self._note(key, last_result=result & 0xFFFFFFFF)

    def _note(self, key: str, **values: object) -> None:
        with self._file.change() as rows:
            if key in rows:  # it may have been unregistered while it ran
                rows[key].update(values)


def _task(row: dict[str, Any]) -> Task:
    last_run = datetime.fromisoformat(row["last_run"]) if row["last_run"] else None
    return Task(
        path=row["path"],
        name=row["name"],
        xml=row["xml"],
        definition=read(row["xml"]),
        enabled=row["enabled"],
        since=datetime.fromisoformat(row["since"]),
        last_run=last_run,
        last_result=row["last_result"],
    )
