"""Documents with some places broken, as people break them."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

BROKEN: list[Any] = [None, True, -1, 10**16, 1.5, "", "?", "a\nb", [], [[]], {}, {"kind": "x"}, {"code": "x"}, "x" * 300]  # fmt: skip


@st.composite
def broken(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> str:
    """The text of a valid document in which some places say something else, are missing, or are new."""
    whole = copy.deepcopy(draw(documents))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.sampled_from([*containers(whole)]))
        key = draw(st.sampled_from([*at] if isinstance(at, dict) else [*range(len(at))]))
        match draw(st.sampled_from(["other", "gone", "new"])):
            case "other":
                at[key] = copy.deepcopy(draw(st.sampled_from(BROKEN)))
            case "gone":
                del at[key]
            case _ if isinstance(at, dict):
                at["new"] = copy.deepcopy(draw(st.sampled_from(BROKEN)))
    text = json.dumps(whole, indent=1)
    if draw(st.integers(0, 3)) == 0:  # and somebody's finger slips
        cut = draw(st.integers(0, len(text)))
        text = text[:cut] + draw(st.sampled_from(["", '"', ",", "}", "x", "\n"])) + text[cut + 1 :]
    return text


def containers(node: Any) -> Iterator[Any]:
    if isinstance(node, dict | list) and node:
        yield node
        for part in [*(node.values() if isinstance(node, dict) else node)]:
            yield from containers(part)
