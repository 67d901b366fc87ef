"""Four eyes: one member of staff asks for a change, another one approves or refuses it.

A room says what can be proposed in its `proposed.py`: KINDS, by the second half of the kind's name
(`accrual.campaign` is "campaign" of `club/accrual/proposed.py`). What is approved is exactly the
document whose digest the approver saw, against exactly what it was compared with; and it is carried
out in the very transaction that approves it.
"""

import hashlib
import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction

from club.access import errors, rules
from club.access.actions import record
from club.access.models import Proposal, Staff
from club.access.rules import Json
from club.savepoints import savepoint

WHY_CHARS_MAX = 300
State = Proposal.State


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of change. `current` answers what is so now where the document would change it (None:
    nothing), comparable with the document; `carry_out` makes it so, or raises and nothing is.

    `checks_itself`: `carry_out` raises Outdated where what it changes is no longer what was approved;
    for what is long to read, so that it is not read twice.
    """

    may_ask: str
    may_answer: str
    current: Callable[[Json, datetime], Json | None]
    carry_out: Callable[[Json, datetime], None]
    checks_itself: bool = False


def kind_of(name: str) -> Kind:
    room, _, kind = name.partition(".")
    found = importlib.import_module(f"club.{room}.proposed").KINDS[kind]
    assert isinstance(found, Kind)
    return found


def digest(document: Json) -> str:
    """What names a document: SHA-256 of its JSON with sorted keys."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode("ascii")).hexdigest()


@transaction.atomic
def propose(
    *, kind: str, subject_id: str, document: Json, why: str, by: Staff, now: datetime
) -> Proposal:
    """Ask for a change; nothing is changed yet. The caller has made sure that it can be carried out.

    Raises MayNotPropose, ReasonMissing, NothingChanges, AlreadyProposed.
    """
    terms = kind_of(kind)
    if not by.has_perm(terms.may_ask):
        raise errors.MayNotPropose("you may not propose this", permission=terms.may_ask)
    before = terms.current(document, now)
    if not rules.changes(before, document):
        raise errors.NothingChanges("it is so already: there is nothing to approve")
    proposal = Proposal(
        kind=kind,
        subject_id=subject_id,
        before=before,
        document=document,
        digest=digest(document),
        why=_reason(why),
        asked_by=by,
        asked_at=now,
    )
    try:
        with savepoint():
            proposal.save(force_insert=True)
    except IntegrityError as error:
        other = Proposal.objects.filter(kind=kind, subject_id=subject_id, state=State.OPEN).first()
        raise errors.AlreadyProposed(
            "another proposal about it waits for its answer", proposal_id=other and other.pk
        ) from error
    _audited("proposal.made", proposal, by=by, now=now)
    return proposal


@transaction.atomic
def approve(*, proposal_id: int, digest: str, by: Staff, now: datetime) -> Proposal:
    """Carry out the change whose `digest` the approver saw.

    Raises NoSuchProposal, ProposalClosed, OwnProposal, MayNotAnswer, OtherContent, Outdated, and
    whatever the kind's own use case raises: then nothing is changed and the proposal stays open.
    """
    proposal = _to_answer(proposal_id, by)
    terms = kind_of(proposal.kind)
    if proposal.digest != digest:
        raise errors.OtherContent("this is not what is proposed", digest=proposal.digest)
    if not terms.checks_itself and terms.current(proposal.document, now) != proposal.before:
        raise errors.Outdated("what it would change has changed since; propose it again")
    terms.carry_out(proposal.document, now)
    return _answered(proposal, State.APPROVED, "", by=by, now=now)


@transaction.atomic
def refuse(*, proposal_id: int, why: str, by: Staff, now: datetime) -> Proposal:
    """Close the proposal without the change.

    Raises NoSuchProposal, ProposalClosed, OwnProposal, MayNotAnswer, ReasonMissing.
    """
    return _answered(_to_answer(proposal_id, by), State.REFUSED, _reason(why), by=by, now=now)


@transaction.atomic
def withdraw(*, proposal_id: int, by: Staff, now: datetime) -> Proposal:
    """The one who asked takes it back. Raises NoSuchProposal, ProposalClosed, NotYours."""
    proposal = _locked(proposal_id)
    if proposal.asked_by_id != by.pk:
        raise errors.NotYours("only the one who asked withdraws")
    return _answered(proposal, State.WITHDRAWN, "", by=by, now=now)


def _to_answer(proposal_id: int, by: Staff) -> Proposal:
    proposal = _locked(proposal_id)
    if proposal.asked_by_id == by.pk:
        raise errors.OwnProposal("whoever asked does not answer: somebody else does")
    permission = kind_of(proposal.kind).may_answer
    if not by.has_perm(permission):
        raise errors.MayNotAnswer("you may not answer this", permission=permission)
    return proposal


def _locked(proposal_id: int) -> Proposal:
    proposal = Proposal.objects.select_for_update().filter(pk=proposal_id).first()
    if proposal is None:
        raise errors.NoSuchProposal(f"there is no proposal {proposal_id}")
    if proposal.state != State.OPEN:
        raise errors.ProposalClosed(f"it was {proposal.state} before", state=proposal.state)
    return proposal


def _answered(
    proposal: Proposal, state: Proposal.State, answer: str, *, by: Staff, now: datetime
) -> Proposal:
    proposal.state, proposal.answer = state, answer
    proposal.answered_by, proposal.answered_at = by, now
    proposal.save(update_fields=["state", "answer", "answered_by", "answered_at"])
    _audited(f"proposal.{state}", proposal, by=by, now=now)
    return proposal


def _audited(action: str, proposal: Proposal, *, by: Staff, now: datetime) -> None:
    details: Json = {"proposal": proposal.pk, "digest": proposal.digest, "why": proposal.why}
    if proposal.answer:
        details["answer"] = proposal.answer
    record(
        action,
        by=by,
        subject_kind=proposal.kind,
        subject_id=proposal.subject_id,
        now=now,
        details=details,
    )


def _reason(why: str) -> str:
    why = why.strip()
    if not 1 <= len(why) <= WHY_CHARS_MAX:
        raise errors.ReasonMissing(f"say why, in 1 to {WHY_CHARS_MAX} characters")
    return why
