"""Files of lines in any shape: none at all, either line end, with and without a last one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def files(
    lines: SearchStrategy[list[str]], marks: SearchStrategy[bytes] | None = None
) -> SearchStrategy[bytes | None]:
    """Contents made of these lines, `marks` before them; None: there is no file."""
    return st.none() | st.builds(
        lambda lines, end, last, mark: mark + (end.join(lines) + last).encode(),
        lines,
        st.sampled_from(["\n", "\r\n"]),
        st.sampled_from(["", "\n"]),
        st.just(b"") if marks is None else marks,
    )
