"""What is wrong with the text of a document: each problem once, at its place in the text, by a code. Its
sentence is in `words.py`, or with the words of its kind of document.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from pydantic import ValidationError

from club.documents.wrong import Place, Wrong

LINE_CHARS_SHOWN = 60
BAD_NAMES = {
    "^[a-z0-9][a-z0-9-]{0,59}$": "bad_id",
    "^[a-z0-9][a-z0-9-]*$": "bad_code",
    "^[a-z][a-z0-9_]{0,19}$": "bad_event",
    "^[a-z0-9_.-]*$": "bad_event",
}
"""By their patterns."""
KEY = "[key]"
"""Pydantic's word for "the name itself, not what it stands for"."""

PLAIN = frozenset({"bool", "int", "constrained-int", "constrained-str"})
NOT_OF_THE_KIND = {"bool_type": bool, "int_type": int, "string_type": str}
"""What the members of "a number, a word, or yes or no" say of a value that is none of theirs."""


class Problem(NamedTuple):
    place: Place
    code: str
    values: Mapping[str, object] = {}


def problems_of(error: ValidationError, text: str) -> list[Problem]:
    """Every problem that was found in a text, in the order of the text's own places."""
    document = _loaded(text)
    found = [_problem(one, document, text) for one in error.errors(include_url=False)]
    once = [_of_several([*some]) for _, some in groupby(found, key=lambda one: one.place)]
    return [one for one in once if not (one.code == "too_short" and _is_above_another(one, once))]


def twice(text: str) -> list[Problem]:
    """Names that an object says more than once: JSON would quietly take the last."""
    found: list[Problem] = []

    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        made: dict[str, object] = {}
        for name, value in pairs:
            if name in made and len(found) < 20:
                found.append(Problem((), "said_twice", {"name": name[:LINE_CHARS_SHOWN]}))
            made[name] = value
        return made

    try:
        json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        return []  # it is told as what it is
    return found


def _problem(error: Any, document: object, text: str) -> Problem:
    code, context = error["type"], error.get("ctx", {})
    place = tuple(_place(error["loc"], document, is_missing=code == "missing"))
    if code == "value_error":
        return _own(place, context["error"])
    if code == "json_invalid":
        return Problem((), *_syntax(context["error"], text))
    if code == "string_pattern_mismatch":
        return Problem(place, BAD_NAMES.get(context["pattern"], "bad_characters"))
    if code in ("literal_error", "enum"):
        expected = re.findall(r"'([^']*)'|(\d+)", context["expected"])
        return Problem(place, "one_of_these", {"these": tuple(word or n for word, n in expected)})
    if code == "union_tag_invalid":
        kinds = re.findall(r"'([^']*)'", context["expected_tags"])
        return Problem((*place, "kind"), "one_of_these", {"these": tuple(kinds)})
    if code == "union_tag_not_found":
        return Problem((*place, "kind"), "missing")
    if code.startswith(("datetime_", "timezone_")):
        return Problem(place, "bad_moment")
    return Problem(place, "dict_type" if code == "model_type" else code, context)


def _own(place: Place, error: ValueError) -> Problem:
    if isinstance(error, Wrong):
        return Problem((*place, *error.at), error.code, error.values)
    return Problem(place, "other", {"what": str(error)})


def _is_above_another(short: Problem, problems: Sequence[Problem]) -> bool:
    """A list is called too short when its only part is broken: then that is all there is to tell."""
    place = short.place
    return any(one.place[: len(place)] == place and one.place != place for one in problems)


def _of_several(problems: Sequence[Problem]) -> Problem:
    """The members of a union complain one by one; told is what the one meant says, or all in one."""
    if len(problems) == 1:
        return problems[0]
    for one in problems:
        if one.code not in NOT_OF_THE_KIND:
            return one
    return Problem(problems[0].place, "no_plain_value")


def _place(loc: Sequence[str | int], document: object, *, is_missing: bool) -> Iterator[str | int]:
    """Pydantic's place less what is not in the text: the kinds of nodes, the members of unions."""
    at: Any = document
    for nth, key in enumerate(loc):
        is_last = nth == len(loc) - 1
        is_key = isinstance(at, dict) and key in at
        if is_key or (isinstance(at, list) and isinstance(key, int) and key < len(at)):
            yield key
            at = at[key]
        elif is_last and (is_missing or key == KEY):
            yield key


def _syntax(what: str, text: str) -> tuple[str, Mapping[str, object]]:
    """The place of the first thing that is no JSON, with the line in which it stands."""
    line, column = (int(n) for n in re.findall(r"line (\d+) column (\d+)", what)[-1])
    lines = text.split("\n")
    shown = lines[line - 1] if line <= len(lines) else ""
    # The parser counts bytes; cut round the place, as a file may be one long line.
    at = len(shown.encode()[:column].decode(errors="ignore"))
    first = max(at - LINE_CHARS_SHOWN // 2, 0)
    values = {
        "line": line,
        "column": max(at, 1),
        "text": shown[first : first + LINE_CHARS_SHOWN].strip(),
    }
    return next((code for sign, code in SYNTAX.items() if sign in what), "bad_json"), values


SYNTAX = {
    "EOF": "json_ends",
    "trailing comma": "json_comma_too_many",
    "trailing characters": "json_goes_on",
    "key must be": "json_name_without_quotes",
    "expected `,`": "json_comma_missing",
    "expected `:`": "json_colon_missing",
    "control character": "json_line_break",
    "recursion": "json_too_deep",
}


def _loaded(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
