"""The program with agents that obey a plan of their machine to kill themselves, or the guard, at an op.

Each machine has its own plan, a file that no snapshot reads; without one its agents are as always. The plan
counts the ops of a machine over all its agents: `who` dies (`agent`, `guard`; `firing`: the guard, at the ops
with which it takes back), `where` (`before` or `after`) op number `at`, 0 for never.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from wslnet.cli.main import main
from wslnet_linux_agent import bundle

PLAN = "dev/shm/wslnet-kill.json"
HOOK = f"""
_alive, _agent = perform, __import__('os').getpid()
def perform(op):
    import json, os
    try:
        with open('/{PLAN}') as file:
            plan = json.load(file)
    except FileNotFoundError:
        return _alive(op)
    if (os.getpid() != _agent) != (plan['who'] == 'firing'):
        return _alive(op)
    plan['count'] += 1
    plan['verbs'].append(op['verb'])
    with open('/{PLAN}', 'w') as file:
        json.dump(plan, file)
    def kill(where):
        if (plan['where'], plan['at']) != (where, plan['count']):
            return
        if plan['who'] != 'guard':
            os.kill(os.getpid(), 9)
        for folder in ('/run', '/mnt/wsl'):
            try:
                with open(folder + '/wslnet/guard.json') as file:
                    os.kill(json.load(file)['pid'], 9)
            except (FileNotFoundError, ProcessLookupError):
                pass  # no guard is there now
    kill('before')
    result = _alive(op)
    kill('after')
    return result
"""


def write_plan(lab: Any, machine: str, who: str, where: str, at: int) -> Path:
    """Puts a plan into a machine and gives the file; `count` and `verbs` in it tell what was done."""
    state = json.loads((lab.inventory.parent / "state.json").read_text(encoding="utf-8"))
    file = Path(f"/proc/{state['machines'][machine]['init']['pid']}/root") / PLAN
    plan = {"who": who, "where": where, "at": at, "count": 0, "verbs": []}
    file.write_text(json.dumps(plan), encoding="ascii")
    return file


def deadly_bundle() -> bytes:
    """The bundle, its ops wrapped."""
    sources = {path.name: path.read_text(encoding="utf-8") for path in bundle._FOLDER.glob("*.py")}
    sources["ops.py"] += HOOK
    program = bundle.build(sources)
    return b"%d\n%s" % (len(program), program)


if __name__ == "__main__":
    built = deadly_bundle()
    bundle.bundle = lambda: built  # type: ignore[assignment]
    main(sys.argv[1:])
