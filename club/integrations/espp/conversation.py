"""One request of an agent, one answer: check, accept, state, cancel.

The answer to a repeated request is the first answer again, because all that varies in it is read
from the inbox and not from the moment. A check promises nothing and leaves nothing behind.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from club.accrual import inbox
from club.accrual.counts import Counts, RejectedLine
from club.accrual.incoming import Refusal, checked
from club.accrual.models import Kind
from club.errors import ClubError
from club.integrations.espp import agents, codes, control_code, messages, queries
from club.integrations.espp.agents import Agent
from club.integrations.espp.envelope import Envelope
from club.integrations.espp.refusals import BadField, Conflicting, NoSuchPayment, UnknownMessage
from club.subscribers import rules as subscribers

OPERATOR, OPERATOR_NAME = "beeline-uz", "Beeline Uzbekistan"


@dataclass(frozen=True)
class Reply:
    answer: messages.Answer
    counts: Counts


class _NotTaken(ClubError):
    """The inbox will not have it; the code is the inbox's own."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def answer(envelope: Envelope, *, subject: str | None, espp_id: str, now: datetime) -> Reply:
    """`espp_id` is a fresh number for a check; `subject` as in `agents.admit`.

    Everything an agent can be told in ESPP is told as a refusal with number and text. Raises
    UnknownMessage for what is no request, since there is no answer to write then.
    """
    if envelope.name not in messages.REQUESTS:
        raise UnknownMessage("this is not a request of agent payments that we know")
    counts = Counts()
    try:
        return Reply(_answer(envelope, counts, subject=subject, espp_id=espp_id, now=now), counts)
    except ClubError as error:
        if not counts.received:
            counts.rejected.append(RejectedLine(None, error.code, error.message))
        refused = messages.REFUSALS[envelope.name]
        return Reply(refused(number=codes.number(error.code), text=error.message), counts)


def _answer(
    envelope: Envelope, counts: Counts, *, subject: str | None, espp_id: str, now: datetime
) -> messages.Answer:
    match messages.read(envelope):
        case messages.Check() as check:
            return _check(check, subject=subject, espp_id=espp_id, now=now)
        case messages.Accept() | messages.Cancel() as document:
            return _take(document, envelope, counts, subject=subject, now=now)
        case messages.AskState() as question:
            return _state(question, subject=subject)
        case _:
            raise AssertionError(f"{envelope.name} is read but not answered")


def _check(
    request: messages.Check, *, subject: str | None, espp_id: str, now: datetime
) -> messages.Answer:
    """A number that is no subscriber yet is permitted: its payment waits and earns later.

    (Whether the operator takes the money is the operator's to say; we only say whether the
    payment could be put down here.) Nothing about the subscriber is told, neither name nor
    account nor whether there is one.
    """
    agent = agents.admit(request.agent, contract=request.contract, subject=subject)
    would_be = inbox.Incoming(
        source=queries.SOURCE,
        kind=Kind.PAYMENT,
        external_id=espp_id,
        msisdn=request.phone,
        occurred_at=now,
        amount_tiyin=request.amount_tiyin,
        channel=agent.channel,
        details={},
    )
    if isinstance(refusal := checked(would_be, now=now), Refusal):
        raise _NotTaken(refusal.code, refusal.reason)
    return messages.Permitted(operator=OPERATOR, operator_name=OPERATOR_NAME, espp_id=espp_id)


def _take(
    request: messages.Accept | messages.Cancel,
    envelope: Envelope,
    counts: Counts,
    *,
    subject: str | None,
    now: datetime,
) -> messages.Answer:
    agent = agents.admit(request.agent, contract=request.contract, subject=subject)
    control_code.check(
        envelope.fields, way=settings.ESPP_CONTROL_CODE, certificate=agent.certificate
    )
    raw = json.dumps(envelope.fields, ensure_ascii=False)
    if isinstance(request, messages.Accept):
        incoming = _payment(request, agent, raw=raw)
    else:
        incoming = _cancellation(request, agent, raw=raw)

    (receipt,) = inbox.receive([incoming], now=now)
    counts.add(receipt)
    if receipt.verdict == inbox.Verdict.CONFLICTING:
        raise Conflicting(receipt.reason)
    if receipt.verdict == inbox.Verdict.REJECTED:
        raise _NotTaken(receipt.code, receipt.reason)

    stored = queries.payment(external_id=incoming.external_id, kind=incoming.kind)
    assert stored is not None, "what the inbox took must be there"
    kind = messages.Accepted if incoming.kind == Kind.PAYMENT else messages.Cancelled
    return kind(
        espp_id=stored.espp_id, accepted_at=stored.accepted_at, acceptance=str(stored.number)
    )


def _payment(request: messages.Accept, agent: Agent, *, raw: str) -> inbox.Incoming:
    return inbox.Incoming(
        source=queries.SOURCE,
        kind=Kind.PAYMENT,
        external_id=queries.external_id(agent.code, request.payment_id),
        msisdn=request.phone,
        occurred_at=request.paid_at,
        amount_tiyin=request.amount_tiyin,
        channel=agent.channel,
        details=queries.details(agent.code, request.espp_id, request.terminal),
        raw=raw,
    )


def _cancellation(request: messages.Cancel, agent: Agent, *, raw: str) -> inbox.Incoming:
    """By the agent's own id a cancellation may overtake its payment; by the ESPP id it cannot."""
    cancelled = _found(agent, payment_id=request.payment_id, espp_id=request.espp_id)
    if cancelled is None and not request.payment_id:
        raise NoSuchPayment("no payment of this agent has this number")
    if cancelled and request.phone and subscribers.msisdn(request.phone) != cancelled.msisdn:
        raise Conflicting("the payment to cancel was for another number")
    if cancelled and request.amount_tiyin not in (0, cancelled.amount_tiyin):
        raise Conflicting("the payment to cancel had another sum")
    return inbox.Incoming(
        source=queries.SOURCE,
        kind=Kind.CANCELLATION,
        external_id=cancelled.external_id
        if cancelled
        else queries.external_id(agent.code, request.payment_id),
        # As the message has them, not as the payment does: repeated, it must read the same.
        msisdn=request.phone,
        occurred_at=request.cancelled_at,
        amount_tiyin=request.amount_tiyin,
        channel=agent.channel,
        details=queries.details(agent.code, request.espp_id, request.terminal),
        raw=raw,
    )


def _state(request: messages.AskState, *, subject: str | None) -> messages.Answer:
    agent = agents.admit(request.agent, contract=request.contract, subject=subject)
    found = _found(agent, payment_id=request.payment_id, espp_id=request.espp_id)
    if found is None:
        raise NoSuchPayment("no payment of this agent has this number")
    return messages.State(
        state=messages.State.CANCELLED if found.is_cancelled else messages.State.ACCEPTED,
        accepted_at=found.accepted_at,
        acceptance=str(found.number),
    )


def _found(agent: Agent, *, payment_id: str, espp_id: str) -> queries.Payment | None:
    if payment_id:
        return queries.payment(external_id=queries.external_id(agent.code, payment_id))
    if espp_id:
        return queries.payment_of_document(agent=agent.code, espp_id=espp_id)
    raise BadField("one of the payment's two ids, the agent's or the ESPP id, is compulsory")
