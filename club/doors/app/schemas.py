"""Shapes that several nouns of the API share."""

from collections.abc import Sequence
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field

from club.languages import CODES

CODE = r"^[A-Za-z0-9_-]+$"
Points = Annotated[int, Field(description="Whole points", examples=[12480])]
Language = Annotated[str, Field(description=f"One of {', '.join(CODES)}", examples=["uz"])]


class In(Schema):
    """What comes in says nothing we do not know: a misspelt field is an error, not a silence."""

    model_config = ConfigDict(extra="forbid")


class LevelOut(Schema):
    """`code` is configuration, not an enumeration; `rank` grows with the level."""

    code: str
    name: str
    rank: int


class FaultOut(Schema):
    place: str = Field(description="body, query, header or path")
    field: str
    code: str
    detail: str


class ProblemOut(Schema):
    """RFC 9457. Programs compare `code`; `docs/api-errors.md` lists them."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: list[FaultOut] | None = None


class ProblemKindOut(Schema):
    """What a problem's `type` stands for; `members` go with it."""

    code: str
    status: int
    title: str
    members: Sequence[str]


def or_problems(answers: dict[int, Any], *statuses: int) -> dict[int, Any]:
    """The answers of an operation with its errors; any may find the club unavailable."""
    return answers | dict.fromkeys((*statuses, 503), ProblemOut)
