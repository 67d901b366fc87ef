"""What happens outside, each event a function of its number alone, and what plain arithmetic says that
it earns: nothing here is the product's."""

from datetime import date, datetime, timedelta
from random import Random

from chaos.cast import Cast
from club.accrual.inbox import Incoming
from club.accrual.models import Kind
from club.clock import TASHKENT

SOURCE = "espp"


def between(first: int, until: int, *, cast: Cast, seed: int) -> list[Incoming]:
    """A slice as it is delivered: in any order, so a cancellation may come before its payment."""
    found = [
        event
        for number in range(first, until)
        for event in (
            [payment(number, cast=cast, seed=seed)]
            + ([cancellation(number, cast=cast, seed=seed)] if is_cancelled(number) else [])
        )
    ]
    Random(f"{seed}:{first}:{until}").shuffle(found)
    return found


def payment(number: int, *, cast: Cast, seed: int) -> Incoming:
    _, msisdn = cast.payers[number % len(cast.payers)]
    return Incoming(
        source=SOURCE, kind=Kind.PAYMENT, external_id=f"chaos:{number}", msisdn=msisdn,
        occurred_at=paid_at(number, cast=cast), amount_tiyin=amount_uzs(number) * 100,
        channel="bank", details={},
    )  # fmt: skip


def cancellation(number: int, *, cast: Cast, seed: int) -> Incoming:
    return Incoming(
        source=SOURCE, kind=Kind.CANCELLATION, external_id=f"chaos:{number}", msisdn="",
        occurred_at=paid_at(number, cast=cast) + timedelta(minutes=5), amount_tiyin=0,
        channel="bank", details={},
    )  # fmt: skip


def is_cancelled(number: int) -> bool:
    return number % 9 == 4


def amount_uzs(number: int) -> int:
    return 3_000 + number * 7_919 % 17_000


def paid_at(number: int, *, cast: Cast) -> datetime:
    noon = datetime.combine(paid_on(number, cast=cast), datetime.min.time(), TASHKENT)
    return noon + timedelta(hours=12, seconds=number % 1_000)


def paid_on(number: int, *, cast: Cast) -> date:
    return cast.day - timedelta(days=3 + number % 5)


def points(number: int, *, cast: Cast) -> int:
    """The demo's rule for a payment at a bank's desk: one for each full 1,000 so'm, from 5,000 on; a
    fifth more at the weekend; a cancelled one earns nothing."""
    if is_cancelled(number) or amount_uzs(number) < 5_000:
        return 0
    percent = 120 if paid_on(number, cast=cast).weekday() >= 5 else 100
    return amount_uzs(number) // 1_000 * percent // 100
