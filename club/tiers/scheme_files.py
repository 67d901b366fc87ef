"""A scheme of levels as one readable file: what is exported, reviewed, proposed and approved."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from club.documents import reading
from club.documents.problems import Problem
from club.documents.words import in_one_line
from club.documents.wrong import Wrong
from club.languages import missing_in
from club.tiers.errors import BadScheme, NoSuchScheme
from club.tiers.models import Scheme
from club.tiers.rules import DISCOUNT_PERCENT_MAX, GRACE_DAYS_MAX, WINDOW_MONTHS_MAX, Measure
from club.tiers.scheme_words import WORDS

FILE_CHARS_MAX = 200_000
TIERS_MAX = 20
NOTICE_DAYS_MAX = 90
THRESHOLD_MAX = 10**15
DAYS_PER_MONTH_MAX = 31
TAKES_EVENTS = (Measure.MONEY, Measure.EVENTS, Measure.ACTIVE_DAYS)

Period = Literal[1, 3, 6, 12]
Document = dict[str, object]
"""A SchemeFile as JSON."""


def _whole(names: dict[str, str]) -> dict[str, str]:
    if missing := missing_in(names):
        what = f"a name is missing in {', '.join(missing)}"
        raise Wrong("names_missing", what, languages=missing)
    return names


Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=20)]
# No control characters: PostgreSQL cannot store a NUL in text.
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")]
Names = Annotated[dict[str, Name], Field(max_length=5), AfterValidator(_whole)]


class Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Benefits(Part):
    """What a level brings besides what rules and rewards ask of it: off the price of every reward, and
    gifts of points a month without their fee."""

    discount_percent: Annotated[int, Field(ge=0, le=DISCOUNT_PERCENT_MAX)] = 0
    free_transfers_per_month: Annotated[int, Field(ge=0, le=1_000)] = 0


class TierFile(Part):
    code: Code
    names: Names
    threshold: Annotated[int, Field(ge=0, le=THRESHOLD_MAX)]
    benefits: Benefits = Benefits()


def _a_ladder(tiers: tuple[TierFile, ...]) -> tuple[TierFile, ...]:
    codes = [tier.code for tier in tiers]
    for nth, code in enumerate(codes):
        if code in codes[:nth]:
            raise Wrong("level_twice", "a level is there twice", at=(nth, "code"), level=code)
    if tiers[0].threshold:
        what = "the first level is everybody's"
        raise Wrong("first_level_not_free", what, at=(0, "threshold"))
    for nth, (below, above) in enumerate(pairwise(tiers), 1):
        if above.threshold <= below.threshold:
            raise Wrong(
                "level_not_above",
                "thresholds go up",
                at=(nth, "threshold"),
                level=above.code,
                below=below.code,
                most=below.threshold,
            )
    return tiers


class SchemeFile(Part):
    """A ladder of levels, the lowest first. `club/tiers/models.py`: `Scheme` says what each field does."""

    form: Literal[1] = 1
    code: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
    names: Names
    measure: Annotated[Measure, Field(strict=False)]
    event_type: Annotated[str, Field(pattern=r"^[a-z0-9_.-]*$", max_length=20)] = ""
    period_months: Period
    window_months: Annotated[int, Field(ge=1, le=WINDOW_MONTHS_MAX)] | None = None
    grace_days: Annotated[int, Field(ge=0, le=GRACE_DAYS_MAX)] = 0
    landing_steps: Annotated[int, Field(ge=1, le=TIERS_MAX)] | None = 1
    notice_days: Annotated[int, Field(ge=0, le=NOTICE_DAYS_MAX)] = 0
    tiers: Annotated[
        tuple[TierFile, ...],
        Field(min_length=2, max_length=TIERS_MAX),
        AfterValidator(_a_ladder),
    ]

    @model_validator(mode="after")
    def _makes_sense(self) -> "SchemeFile":
        if self.window_months is not None:
            self._check_window(self.window_months)
        if self.event_type and self.measure not in TAKES_EVENTS:
            what = f"{self.measure} are not counted by event"
            raise Wrong("not_by_event", what, at=("event_type",))
        return self

    def _check_window(self, months: int) -> None:
        at = ("window_months",)
        if self.measure is Measure.TENURE:
            raise Wrong("tenure_has_no_window", "tenure counts from joining on", at=at)
        if months % self.period_months:
            what = "a window is whole periods"
            raise Wrong("window_not_whole", what, at=at, period_months=self.period_months)
        days_max = months * DAYS_PER_MONTH_MAX
        if self.measure is Measure.ACTIVE_DAYS and self.tiers[-1].threshold > days_max:
            raise Wrong(
                "never_reached",
                f"{months} months have at most {days_max} days",
                at=("tiers", len(self.tiers) - 1, "threshold"),
                window_months=months,
                days_max=days_max,
            )

    def document(self) -> Document:
        return self.model_dump(mode="json")


def read(text: str) -> SchemeFile:
    """Raises BadScheme, with every problem and its place."""
    return reading.read(text, SchemeFile, chars_max=FILE_CHARS_MAX, refusal=_refusal)


def _refusal(problems: Sequence[Problem]) -> BadScheme:
    """All the problems of a file at once, in the language that is active."""
    told = [WORDS.told(one) for one in problems]
    lines = [f"    {in_one_line(one)}" for one in told]
    return BadScheme("\n".join(["this is no scheme of levels:", *lines]), problems=told)


def exported(*, code: str) -> Document:
    """The scheme as it is. Raises NoSuchScheme."""
    scheme = Scheme.objects.filter(code=code).first()
    if scheme is None:
        raise NoSuchScheme(f"there is no scheme {code}", scheme=code)
    return SchemeFile(
        code=scheme.code,
        names=scheme.names,
        measure=Measure(scheme.measure),
        event_type=scheme.event_type,
        period_months=cast(Period, scheme.period_months),
        window_months=scheme.window_months,
        grace_days=scheme.grace_days,
        landing_steps=scheme.landing_steps,
        notice_days=scheme.notice_days,
        tiers=tuple(
            TierFile(
                code=tier.code,
                names=tier.names,
                threshold=tier.threshold,
                benefits=Benefits(**tier.benefits),
            )
            for tier in scheme.tiers.order_by("rank")
        ),
    ).document()


def as_text(document: Document) -> str:
    """The file: indented, its fields in the order of their meaning."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
