"""A scheme of levels as one readable file: what is exported, reviewed, proposed and approved."""

import json
from itertools import pairwise
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from club.errors import Fault
from club.languages import missing_in
from club.tiers.errors import BadScheme, NoSuchScheme
from club.tiers.models import Scheme
from club.tiers.rules import DISCOUNT_PERCENT_MAX, GRACE_DAYS_MAX, WINDOW_MONTHS_MAX, Measure

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
        raise Fault(
            "names_missing", f"a name is missing in {', '.join(missing)}", languages=missing
        )
    return names


Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=20)]
Name = Annotated[str, Field(min_length=1, max_length=60)]
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
    if twice := next((code for code in codes if codes.count(code) > 1), None):
        raise Fault("level_twice", f"the level {twice} is there twice", level=twice)
    if tiers[0].threshold:
        raise Fault(
            "first_threshold",
            f"the first level, {tiers[0].code}, is everybody's: its threshold is 0",
            level=tiers[0].code,
        )
    for below, above in pairwise(tiers):
        if above.threshold <= below.threshold:
            raise Fault(
                "thresholds_fall",
                f"{above.code} stands above {below.code}, so its threshold must be more than {below.threshold}",
                above=above.code,
                below=below.code,
                threshold=below.threshold,
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
        if self.measure is Measure.TENURE and self.window_months is not None:
            raise Fault(
                "tenure_window", "window_months: tenure counts from joining on; leave it null"
            )
        if self.window_months is not None and self.window_months % self.period_months:
            raise Fault(
                "window_not_whole",
                f"window_months: whole periods of {self.period_months} months, not {self.window_months} months",
                period=self.period_months,
                window=self.window_months,
            )
        if self.event_type and self.measure not in TAKES_EVENTS:
            raise Fault(
                "measure_without_events",
                f"event_type: {self.measure.value} are not counted by event",
                measure=self.measure.value,
            )
        if self.measure is Measure.ACTIVE_DAYS and self.window_months is not None:
            days_max = self.window_months * DAYS_PER_MONTH_MAX
            if self.tiers[-1].threshold > days_max:
                raise Fault(
                    "never_reached",
                    f"tiers: {self.tiers[-1].code} is never reached: {self.window_months} months have"
                    f" at most {days_max} days",
                    level=self.tiers[-1].code,
                    months=self.window_months,
                    days=days_max,
                )
        return self

    def document(self) -> Document:
        return self.model_dump(mode="json")


def read(text: str) -> SchemeFile:
    """Raises BadScheme, with every problem and its place."""
    if len(text) > FILE_CHARS_MAX:
        raise BadScheme(f"a scheme has at most {FILE_CHARS_MAX:,} characters", problems=[])
    try:
        return SchemeFile.model_validate_json(text)
    except ValidationError as error:
        problems = [
            {"where": "/".join(map(str, problem["loc"])), "what": problem["msg"]}
            for problem in error.errors(include_url=False, include_input=False)
        ]
        told = "; ".join(f"{problem['where'] or 'file'}: {problem['what']}" for problem in problems)
        raise BadScheme(f"this is no scheme of levels: {told}", problems=problems) from error


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
