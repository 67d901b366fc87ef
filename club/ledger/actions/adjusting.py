"""What staff put right or give away by hand, and the budgets that pay for presents."""

from datetime import date

from club.ledger.actions.calling import booked, call
from club.ledger.errors import BadPosting, told_in_words
from club.ledger.rules import AdjustmentReason, Booked


def adjust(
    *,
    subscriber_id: int,
    source: int,
    ref: str,
    day: date,
    points: int,
    reason: AdjustmentReason,
    actor: str,
    fingerprint: bytes,
    fund: int | None = None,
    expires_on: date | None = None,
) -> Booked:
    """Puts a balance right: `points` above zero are given, below zero are taken.

    What is given is good until `expires_on` and paid by `fund` (None: the operator). What is taken
    is taken first to expire first, of one fund or of all (None), and never more than may be spent;
    `expires_on` is then not asked for. `reason` is one of a closed list, `actor` who did it. A
    credit counts as activity. Writes no audit line: that is the caller's use case.
    Raises NotEnoughPoints (with available_points), WrongFund, KeyReused, BadAmount, BadPosting.
    """
    with told_in_words():
        return booked(
            "select * from ledger.adjust("
            "%s::bigint, %s::smallint, %s, %s, %s::bigint, %s::integer, %s::date, %s, %s, %s)",
            [
                subscriber_id, int(source), ref, day, points, fund, expires_on, fingerprint,
                _known(reason), _named(actor),
            ],
        )  # fmt: skip


def goodwill(
    *,
    subscriber_id: int,
    source: int,
    ref: str,
    day: date,
    points: int,
    budget: str,
    expires_on: date,
    actor: str,
    fingerprint: bytes,
) -> Booked:
    """Gives points from a goodwill budget; its fund pays. The posting's reason names the budget.

    A credit counts as activity. Reversed, it gives the budget back what was reversed.
    Raises NoSuchBudget, BudgetSpent (with left_points; on a day that is not the budget's nothing
    is left), KeyReused, BadAmount, BadPosting.
    """
    with told_in_words():
        return booked(
            "select * from ledger.goodwill("
            "%s::bigint, %s::smallint, %s, %s, %s::bigint, %s, %s::date, %s, %s)",
            [
                subscriber_id, int(source), ref, day, points, budget, expires_on, fingerprint,
                _named(actor),
            ],
        )  # fmt: skip


def make_fund(*, fund: int, code: str, name: str) -> None:
    """Makes a fund (who pays for points), or names it anew; its number never changes.

    Raises KeyReused (another fund has this code), BadPosting (no number from 0, or an empty or
    long name).
    """
    with told_in_words():
        call("select ledger.make_fund(%s::integer, %s, %s)", [fund, code, name])


def make_budget(*, code: str, fund: int, points: int, valid_from: date, valid_until: date) -> int:
    """Makes a goodwill budget, good on both days and between, or alters it; answers what is left.

    Raises WrongFund, BadAmount, BadPosting (less than it has given already, another fund than what
    it gave came from, an end before the beginning).
    """
    with told_in_words():
        (left_points,) = call(
            "select ledger.make_budget(%s, %s::integer, %s::bigint, %s, %s)",
            [code, fund, points, valid_from, valid_until],
        )
    return int(left_points)


def _known(reason: str) -> str:
    try:
        return AdjustmentReason(reason).value
    except ValueError as error:
        raise BadPosting(f"{reason} is no reason for an adjustment") from error


def _named(actor: str) -> str:
    if not 1 <= len(actor) <= 150:
        raise BadPosting("who did it is named in 1 to 150 characters")
    return actor
