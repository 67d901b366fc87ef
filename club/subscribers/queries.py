import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from club.errors import ClubError
from club.subscribers.models import Status, Subscriber

PREFIX_DIGITS_MIN = 4  # Of the national number: fewer would list the country.
COUNTED_MAX = 10_000
MSISDN_DIGITS, NATIONAL_DIGITS = 12, 9


class SearchTooShort(ClubError):
    code = "search_too_short"


@dataclass(frozen=True)
class Found:
    """A page of a search by number. `next` is the cursor of the page after, None at the end;
    `count` stops at COUNTED_MAX + 1."""

    subscribers: Sequence[Subscriber]
    next: str | None
    count: int

    @property
    def is_more_than_counted(self) -> bool:
        return self.count > COUNTED_MAX


def by_id(subscriber_id: int) -> Subscriber | None:
    return Subscriber.objects.filter(id=subscriber_id).first()


def by_msisdn(number: str) -> Subscriber | None:
    """Whose number this is, written as we keep it: `rules.msisdn` says how."""
    return Subscriber.objects.filter(msisdn=number).first()


def is_member(subscriber_id: int) -> bool:
    """Whether there is such a subscriber who has not left."""
    return Subscriber.objects.filter(id=subscriber_id).exclude(status=Status.CLOSED).exists()


def by_number(*, text: str, after: str = "", limit: int) -> Found:
    """Subscribers whose number is `text`, or begins with it, in the order of their numbers.

    A range over the unique index whatever the database's collation, paged by the last number seen:
    three milliseconds among nine million, on page one as on page hundred thousand.
    Raises SearchTooShort.
    """
    digits = prefix(text)
    lowest, highest = digits.ljust(MSISDN_DIGITS, "0"), digits.ljust(MSISDN_DIGITS, "9")
    matching = Subscriber.objects.filter(msisdn__range=(lowest, highest))
    rows = list(matching.filter(msisdn__gt=after).order_by("msisdn")[: limit + 1])
    return Found(
        subscribers=rows[:limit],
        next=rows[limit - 1].msisdn if len(rows) > limit else None,
        count=matching[: COUNTED_MAX + 1].count(),
    )


def prefix(text: str) -> str:
    """What an agent typed, as the beginning of an international number. Raises SearchTooShort.

    >>> prefix("90 123-45"), prefix("+998 90 1234567"), prefix("99 890 12 34")
    ('9989012345', '998901234567', '998998901234')
    """
    digits = re.sub(r"\D", "", text)
    # Nine digits without a plus are a whole national number, even one that begins with 99 8.
    is_national = len(digits) == NATIONAL_DIGITS and "+" not in text
    if is_national or not digits.startswith("998"):
        digits = "998" + digits
    if len(digits) < 3 + PREFIX_DIGITS_MIN:
        raise SearchTooShort("type at least four digits of the number", digits=PREFIX_DIGITS_MIN)
    return digits[: MSISDN_DIGITS + 1]


def first_numbers(*, limit: int) -> list[str]:
    """The numbers of those who joined the database first: what a demo offers to try."""
    return list(Subscriber.objects.order_by("id").values_list("msisdn", flat=True)[:limit])


def numbers(*, subscriber_ids: Collection[int]) -> dict[int, str]:
    """The msisdns of these subscribers; whoever has left is missing."""
    found = Subscriber.objects.filter(id__in=subscriber_ids).values_list("id", "msisdn")
    return dict(found)


def ids(*, numbers: Collection[str]) -> dict[str, int]:
    """Whose these msisdns are; a number that is nobody's is missing."""
    found = Subscriber.objects.filter(msisdn__in=numbers).values_list("msisdn", "id")
    return dict(found)
