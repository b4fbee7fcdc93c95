"""The first lines that run on the machine: they make the bundle's modules importable and start the agent.

The modules stay text until they are imported, so that only what a request needs is compiled.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_PACKAGE = "wslnet_linux_agent"


class Sources:
    """Finder and loader of the modules of the bundle."""

    def __init__(self, sources: "dict[str, str]") -> "None":
        self._sources = sources

    def add(self, name: "str", source: "str") -> "None":
        """Take one more module."""
        self._sources[name] = source

    def find_spec(self, name: "str", *_: "object") -> "ModuleSpec | None":
        """Say that a module is ours, or None."""
        if name not in self._sources:
            return None
        # This is the class ModuleSpec; importing it by name would load importlib's Python half.
        make = type(sys.__spec__)  # type: type[ModuleSpec]
        return make(name, self, is_package=name == _PACKAGE)  # type: ignore[arg-type]

    def create_module(self, _: "ModuleSpec") -> "ModuleType | None":
        """Leave making the module to Python."""
        return None

    def exec_module(self, module: "ModuleType") -> "None":
        """Run a module's source in it."""
        name = module.__name__
        exec(compile(self._sources[name], name, "exec"), module.__dict__)  # noqa: S102 - this is what a loader does


def start(sources: "dict[str, str]") -> "None":
    """Make `sources` (module name → text) importable and serve."""
    sys.meta_path.insert(0, Sources(sources))
    from wslnet_linux_agent import main  # noqa: PLC0415 - importable only now

    main.main()
