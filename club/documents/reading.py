"""A document out of its text, or everything that is wrong with it."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from club.documents.problems import Problem, problems_of, twice

Model = TypeVar("Model", bound=BaseModel)


def read(
    text: str,
    model: type[Model],
    *,
    chars_max: int,
    refusal: Callable[[Sequence[Problem]], Exception],
) -> Model:
    """Raises what `refusal` makes of all the problems of the text at once."""
    if len(text) > chars_max:
        raise refusal([Problem((), "too_many_characters", {"most": chars_max})])
    try:
        document = model.model_validate_json(text)
    except ValidationError as error:
        raise refusal([*twice(text), *problems_of(error, text)]) from error
    if problems := twice(text):
        raise refusal(problems)
    return document
