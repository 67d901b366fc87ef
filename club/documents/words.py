"""What is wrong with a document, in the words of whoever wrote it, and where.

Sentences are made when they are asked for, in the language that is active then. Their translations are
with those of the office.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from club.documents.problems import KEY, Problem
from club.documents.wrong import Place
from club.languages import LANGUAGES

NARROW_SPACE = "\u202f"
LANGUAGE_NAMES = dict(LANGUAGES)
BY_LANGUAGE = ("names", "legal")
"""Keys under which a text stands by language."""

Text = str | Promise
"""A sentence with places for values in curly brackets."""


class Told(TypedDict):
    """`where` is the place by its keys (`rules/gift/rule/when/of/0`), `place` the same in words."""

    where: str
    place: str
    what: str


@dataclass(frozen=True)
class Words:
    """How one kind of document is spoken of.

    `sentences` are by the codes of problems, those of all documents (SENTENCES) among them. `keys` are what
    its keys are called; `parts` the members of a list, by the list's key, with their number {n}; `named` what
    stands under a name, by the key above it, with that {name}. `silent` keys are said by those about them.
    `values` are words for values that are codes, by the names that the values have in sentences; `always` can
    be told in every sentence.
    """

    sentences: Mapping[str, Text]
    keys: Mapping[str, Text]
    parts: Mapping[str, Text]
    named: Mapping[str, Text] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    values: Mapping[str, Mapping[str, Text]] = field(default_factory=dict)
    always: Mapping[str, str] = field(default_factory=dict)

    def told(self, one: Problem) -> Told:
        """The sentence about a problem, with its place."""
        return Told(
            where="/".join(str(key) for key in one.place if key != KEY),
            place=self.crumbs(one.place),
            what=self.sentence(one.code, one.values),
        )

    def sentence(self, code: str, values: Mapping[str, object]) -> str:
        """What is wrong and what to do about it. A code without words is told in general ones."""
        template = str(self.sentences.get(code, self.sentences["unreadable"]))
        shown = {name: self._shown(name, one) for name, one in values.items()}
        return template.format_map({**shown, **self.always})

    def crumbs(self, place: Place) -> str:
        """A place as people read it: Rule weekend › condition › part 2 › value."""
        words: list[str] = []
        above: str | int = ""
        for nth, key in enumerate(place):
            below = place[nth + 1] if nth + 1 < len(place) else None
            if isinstance(key, int):
                words.append(str(self.parts.get(str(above), _("no. {n}"))).format(n=key + 1))
            elif above in self.named:
                words.append(str(self.named[str(above)]).format(name=key))
            elif key == KEY:
                words.append(str(_("its name")))
            elif above in BY_LANGUAGE:
                words.append(LANGUAGE_NAMES.get(key, key))
            elif key in self.parts and isinstance(below, int):
                pass  # "boost 2" says it
            elif key not in self.silent and not (key in self.named and below is not None):
                words.append(str(self.keys.get(key, key)))
            above = key
        return " › ".join(words)

    def _shown(self, name: str, value: object) -> str:
        match name, value:
            case "parts", tuple():
                return ", ".join(str(nth + 1) for nth in value)
            case _, bool():
                return str(value).lower()
            case _, int():
                return f"{value:,}".replace(",", NARROW_SPACE)
            case _, tuple() | list():
                return ", ".join(self._word(name, one) for one in value)
            case _:
                return self._word(name, value)

    def _word(self, name: str, value: object) -> str:
        names = LANGUAGE_NAMES if name == "languages" else self.values.get(name, {})
        return str(names.get(str(value), value))


def in_one_line(one: Told) -> str:
    return f"{one['place']}: {one['what']}" if one["place"] else one["what"]


SENTENCES: Mapping[str, Text] = {
    # The text is no JSON.
    "bad_json": _("This cannot be read at line {line}, column {column}: {text}"),
    "json_ends": _("The text ends too early: a bracket or a quotation mark is not closed."),
    "json_comma_too_many": _("A comma too many at line {line}, column {column}: {text}"),
    "json_goes_on": _("The text goes on after its last bracket, at line {line}: {text}"),
    "json_name_without_quotes": _(
        "A name has to stand in double quotation marks, at line {line}, column {column}: {text}"
    ),
    "json_comma_missing": _(
        "A comma or a closing bracket is missing before line {line}, column {column}: {text}"
    ),
    "json_colon_missing": _(
        "A colon is missing after a name, at line {line}, column {column}: {text}"
    ),
    "json_line_break": _(
        "A text in quotation marks is broken over two lines, before line {line}. Write it in one."
    ),
    "json_too_deep": _("Too many brackets inside each other, at line {line}."),
    "too_many_characters": _("The file is too long: at most {most} characters."),
    "said_twice": _("“{name}” is said twice in one place. Keep one of them."),
    # It is JSON and not of the form.
    "missing": _("This is missing. Add it."),
    "extra_forbidden": _("Nobody reads this here. Take it out, or see whether it is misspelt."),
    "string_type": _("Write words, in double quotation marks."),
    "string_too_short": _("This is empty. Write something."),
    "string_too_long": _("This is too long: at most {max_length} characters."),
    "bad_event": _("Write the name of a kind of event, like payment or tariff_change."),
    "bad_characters": _("This has characters that may not stand here, such as line breaks."),
    "int_type": _("Write a whole number, without quotation marks and without a decimal point."),
    "one_of_these": _("Write one of these: {these}."),
    "greater_than_equal": _("This is too small: at least {ge}."),
    "less_than_equal": _("This is too large: at most {le}."),
    "tuple_type": _("Write a list, in square brackets."),
    "too_short": _("These are too few: at least {min_length}."),
    "too_long": _("These are too many: at most {max_length}."),
    "dict_type": _("Write names with their values, in curly brackets."),
    "bad_code": _("Write small Latin letters, digits and hyphens, and begin with a letter or a digit."),
    "names_missing": _("A name is missing or empty in: {languages}. Add it."),
    "other": _("This cannot be accepted: {what}"),
    "unreadable": _("This is not as it has to be. Compare it with another file of its kind."),
}  # fmt: skip
"""Of all documents."""
