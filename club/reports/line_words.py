"""Title and reason of every kind of line in a subscriber's history.

Whole sentences with placeholders, never glued pieces: each language has its own order of words.
"""

from django.utils.translation import gettext as _

from club.accrual import grants as accrual
from club.accrual.rules.event_types import PAYMENT, cancelled_by
from club.languages import in_language
from club.ledger.queries import Line
from club.ledger.rules import AdjustmentReason, Kind, Source
from club.orders.models import Order
from club.reports.wording import channel, day, money
from club.subscribers.rules import masked

Words = tuple[str, str]


def of(
    line: Line, grant: accrual.Grant | None, order: Order | None, number: str | None, language: str
) -> Words:
    """What the line is called, and why it is there. `number` is the other side's, if it has one."""
    match line.kind:
        case Kind.ACCRUAL | Kind.CLAWBACK:
            return _earned(line, grant, language)
        case Kind.CAPTURE | Kind.SPEND | Kind.RETURN:
            return _spent(line, order, language)
        case Kind.TRANSFER_OUT | Kind.TRANSFER_IN | Kind.FEE:
            return _transferred(line, number)
        case Kind.EXPIRY | Kind.EXTENSION:
            return _dated(line)
        case Kind.REPAYMENT:
            return _("Arrears repaid"), _("New points first repaid what was still owed")
        case Kind.OPENING:
            return _("Balance brought over"), _("Your points from the programme before")
        case Kind.FORFEIT:
            return _("Points closed"), _("The number has left the programme")
        case Kind.ADJUSTMENT if (line.reason or "").startswith("goodwill:"):
            return _("A present from us"), _("With our thanks for your patience")
        case Kind.ADJUSTMENT:
            return _("Correction"), _corrected(line.reason)


def _earned(line: Line, grant: accrual.Grant | None, language: str) -> Words:
    deed = accrual.deed_of(line.ref) if line.source == Source.ACCRUAL else ""
    if deed == accrual.CLAWED:
        return _("Points taken back"), _("These points had been credited by mistake")
    if deed == accrual.RESTORED:
        return _("Points given back"), _(
            "These points had been taken back, and belong to you after all"
        )
    if line.kind is Kind.ACCRUAL:
        if grant is None:
            return _("Points earned"), _("Earned on {day}").format(day=day(line.occurred_on))
        if _what(grant) != PAYMENT:
            return in_language(grant.rule_names, language), _("Earned on {day}").format(
                day=day(line.occurred_on)
            )
        return in_language(grant.rule_names, language), _(
            "You paid {amount}: {channel}, {day}"
        ).format(
            amount=money(grant.amount_tiyin),
            channel=channel(grant.channel) or grant.channel,
            day=day(line.occurred_on),
        )
    if line.counterparty_id is not None:
        return _("Points taken back"), _("These points had been sent to you and were taken back")
    if grant is None or _what(grant) != PAYMENT:
        return _("Points taken back"), _("What these points were given for was cancelled")
    return _("Payment cancelled"), _(
        "Your payment of {amount} was cancelled, so its points were taken back"
    ).format(amount=money(grant.amount_tiyin))


def _what(grant: accrual.Grant) -> str:
    """The type of the event that brought the points; a cancellation is told by what it cancelled."""
    return cancelled_by(grant.event_type) or grant.event_type


def _spent(line: Line, order: Order | None, language: str) -> Words:
    if line.kind is Kind.RETURN and line.counterparty_id is not None:
        return _("Points given back"), _("What you sent came back to you")
    if line.kind is Kind.RETURN:
        return _("Points given back"), {
            "grace": _(
                "A purchase was reversed; these points had expired meanwhile,"
                " so you have some more days to spend them"
            ),
            "lapsed": _("A purchase was reversed, but these points had expired meanwhile"),
        }.get(line.reason or "", _("A purchase was reversed, so its points came back"))
    if order is None:
        return _("Points spent"), _("Spent on {day}").format(day=day(line.occurred_on))
    return in_language(order.reward.names, language), _(
        "You bought this for points on {day}"
    ).format(day=day(line.occurred_on))


def _transferred(line: Line, number: str | None) -> Words:
    if line.kind is Kind.FEE:
        return _("Transfer fee"), _("What sending the points cost")
    # A debt that moves has the other sign.
    is_out, is_gift = line.kind is Kind.TRANSFER_OUT, line.reason == "gift"
    if line.reason == "merge":
        return (
            (_("Moved to your new number"), _("Your number has changed, and your points with it"))
            if is_out
            else (
                _("Moved from your former number"),
                _("Your number has changed, and your points with it"),
            )
        )
    if (line.counterparty_id or 0) < 0:
        return (
            (_("Into the family pot"), _("You shared these points with your family"))
            if is_out
            else (_("From the family pot"), _("Your share came back to you"))
        )
    other = masked(number) if number else _("another subscriber")
    if is_out:
        return _("To {number}").format(number=other), (
            _("You sent these points as a gift") if is_gift else _("You sent these points")
        )
    return _("From {number}").format(number=other), (
        _("These points are a gift to you") if is_gift else _("These points were sent to you")
    )


def _dated(line: Line) -> Words:
    if line.kind is Kind.EXTENSION:
        return _("Points live longer"), _("Points that were about to expire are good for longer")
    if line.reason == "inactive":
        return _("Points expired"), _("Nothing was earned or spent for too long")
    if line.expires_on is None:
        return _("Points expired"), _("Their time was over")
    return _("Points expired"), _("They were good until {day}").format(day=day(line.expires_on))


def _corrected(reason: str | None) -> str:
    """Why staff put the balance right; a reason of another release is told in general."""
    return {
        AdjustmentReason.MISSING_POINTS.value: _("Points that you had earned were missing"),
        AdjustmentReason.WRONG_RULE.value: _("Points had been counted by a wrong rule"),
        AdjustmentReason.POINTS_TWICE.value: _("The same points had come twice"),
        AdjustmentReason.REWARD_NOT_RECEIVED.value: _("A reward that you paid for did not arrive"),
        AdjustmentReason.SYSTEM_FAULT.value: _("A fault on our side was put right"),
        AdjustmentReason.FRAUD.value: _("Corrected after a case of fraud"),
        AdjustmentReason.AGREEMENT.value: _("As we agreed with you"),
    }.get(reason or "", _("Corrected by our staff"))
