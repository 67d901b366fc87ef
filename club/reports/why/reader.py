"""Whom a sentence is for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from club.languages import Texts, in_language


@dataclass(frozen=True)
class Reader:
    """`language` is one of ours and is active while sentences are made; `levels` are the names of the
    programme's levels by their codes, the lowest first."""

    language: str
    today: date
    joined_on: date
    levels: Mapping[str, Texts]

    def text(self, texts: Texts) -> str:
        return in_language(texts, self.language)
