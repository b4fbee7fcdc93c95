"""The binder meets any arguments with a bound call or the engine's own error, never with a crash."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from wslnet_lab.host.contract import Argument, CommandError, EnumValue, Number, PlainObject
from wslnet_lab.host.engine.binder import Bound, bind
from wslnet_lab.host.engine.piping import accept
from wslnet_lab.host.engine.signatures import load_oracle
from wslnet_lab.host.engine.wildcards import is_pattern, matches

COMMANDS = sorted(load_oracle("all").commands.values(), key=lambda signature: signature.name)

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(lambda number: Number("I64", number)),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["True", "IPv4", "Enabled", "1kb", "0x1", "00:10:00", "2026-01-02", "a*", "-1"]),
    st.timedeltas(timedelta(days=-(10**6)), timedelta(days=10**6)),
    st.just(PlainObject(("System.Object",), {"Name": "x", "Path": 3})),
    st.binary(max_size=3),
)
values = st.recursive(
    plain, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
)


@st.composite
def calls(draw: st.DrawFn) -> tuple[int, tuple[Argument, ...]]:
    index = draw(st.integers(0, len(COMMANDS) - 1))
    names = [*COMMANDS[index].parameters, "Bogus", "E", "-Name"]
    name = st.none() | st.sampled_from(names) | st.sampled_from(names).map(lambda text: text[:3])
    arguments = draw(st.lists(st.builds(Argument, name, values), max_size=4))
    return index, tuple(arguments)


def outcome_of(act: Callable[[], Bound | None]) -> Bound | CommandError | None:
    try:
        return act()
    except CommandError as error:
        return error


@settings(max_examples=200, deadline=None)
@given(calls())
def test_binds_or_refuses(call: tuple[int, tuple[Argument, ...]]) -> None:
    index, arguments = call
    signature = COMMANDS[index]
    bound = outcome_of(lambda: bind(signature, arguments).result())
    if isinstance(bound, CommandError):
        assert bound.details.fqid.endswith(f",{signature.tail}")
        assert bound.details.message
        return
    assert set(bound.parameters) <= set(signature.parameters)
    assert bound.parameter_set in {*signature.sets, "__AllParameterSets"}


@settings(max_examples=200, deadline=None)
@given(calls(), values)
def test_piped_objects_bind_or_are_refused(call: tuple[int, tuple[Argument, ...]], value: object) -> None:
    index, arguments = call
    signature = COMMANDS[index]
    bound = outcome_of(lambda: accept(bind(signature, arguments, piped=True), value))
    if isinstance(bound, CommandError):
        assert bound.details.fqid.endswith(f",{signature.tail}")
        return
    assert bound is None or set(bound.parameters) <= set(signature.parameters)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(COMMANDS), st.data())
def test_what_was_bound_binds_again(signature: object, data: st.DataObject) -> None:
    """Converted values are values of the type: binding them by full name gives the same."""
    names = [
        name for name, item in signature.parameters.items() if item.type.enum or item.type.bounds != (0, 0)
    ]
    if not names:
        return
    name = data.draw(st.sampled_from(names))
    value = data.draw(values)
    try:
        first = bind(signature, (Argument(name, value),)).result()
    except CommandError:
        return
    again = bind(signature, (Argument(name, first.parameters[name]),)).result()
    assert again == first
    held = first.parameters[name]
    items = held if isinstance(held, list) else [held]
    assert all(item is None or isinstance(item, int | EnumValue) for item in items)


@given(st.text(alphabet="abAB*?[]`-^\\.1", max_size=8), st.text(alphabet="abAB*?[]`-^\\.1", max_size=8))
def test_wildcards_never_crash_and_plain_text_is_itself(pattern: str, text: str) -> None:
    result = matches(pattern, text)
    if not is_pattern(pattern) and "`" not in pattern:
        assert result is (pattern.lower() == text.lower())
    escaped = "".join(f"`{character}" if character in "*?[]`" else character for character in text)
    assert matches(escaped, text)
