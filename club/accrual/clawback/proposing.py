"""A clawback by four eyes: asked for with its exact count and sum, approved as that very set."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from sys import intern

from django.db import transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from procrastinate.contrib.django import app

from club.access import actions as audit
from club.access import proposals
from club.access.errors import MayNotAnswer, Outdated
from club.access.models import Proposal, Staff
from club.access.rules import Json
from club.accrual import campaigns
from club.accrual.clawback.preview import preview
from club.accrual.clawback.selecting import Line, Selection, Sum, lines, selection_in
from club.accrual.errors import ClawbackElsewhere, NoSuchClawback, NothingToTake
from club.accrual.models import Clawback, Clawed, InForce
from club.accrual.rows import columns, rows
from club.clock import day_of
from club.ledger.rules import ClawbackPolicy
from club.programme import queries as programme

KIND, KIND_RESTORING = "accrual.clawback", "accrual.restoring"
MAY_ASK, MAY_ANSWER = "accrual.propose_campaign", "accrual.approve_campaign"
NOTHING: Json = {"decisions": 0, "subscribers": 0, "points": 0}
LINES_A_WRITE = 5_000
State = Clawback.State


# ---- asking ------------------------------------------------------------------------------------
@transaction.atomic
def propose(
    *,
    selection: Selection,
    policy: ClawbackPolicy | None = None,
    why: str,
    by: Staff,
    now: datetime,
) -> Proposal:
    """Ask for taking back what these versions granted; without a `policy` by the programme's own.

    The document names the exact count and sum, so what is approved is what was looked at.
    Raises NothingToTake, TooMuchToTake, and as `proposals.propose` does.
    """
    policy = policy or ClawbackPolicy(programme.current().clawback_policy)
    # What is granted after this moment was not looked at, and would make the proposal outdated.
    selection = replace(selection, until=min(selection.until, now))
    found = preview(selection, policy=policy, now=now)
    if not found.decisions:
        raise NothingToTake("nothing that these versions granted then still stands")
    document = selection.document() | {
        "policy": policy.value,
        "of": found.of,
        "taken": {name: found.of[name] for name in NOTHING},
        "points_by_fund": {str(fund): points for fund, points in found.points_by_fund.items()},
        "owed_points": found.owed_points,
        "owing_subscribers": found.owing_subscribers,
    }
    return proposals.propose(
        kind=KIND, subject_id=selection.campaign, document=document, why=why, by=by, now=now
    )


@transaction.atomic
def propose_restoring(*, clawback_id: int, why: str, by: Staff, now: datetime) -> Proposal:
    """Ask for giving back exactly what a clawback has taken.

    Raises NoSuchClawback, ClawbackElsewhere (it is still taking), and as `proposals.propose` does.
    """
    clawback = _in(clawback_id, State.TAKEN, State.STOPPED)
    of = _taken(clawback)
    if not of["decisions"]:
        raise NothingToTake(f"the clawback {clawback_id} has taken nothing")
    document: Json = {
        "clawback": clawback.pk,
        "campaign": clawback.campaign_id,
        "of": of,
        "restored": of,
    }
    return proposals.propose(
        kind=KIND_RESTORING, subject_id=str(clawback_id), document=document, why=why, by=by, now=now
    )


@transaction.atomic
def roll_back(
    *, code: str, to: datetime, why: str, by: Staff, now: datetime
) -> tuple[Proposal, Proposal]:
    """Ask for the campaign as it was at `to`, and for taking back what came since by what was not so then.

    Two proposals, because they are two decisions; both are made or neither. What is granted until
    the first is approved is in a clawback asked for after that.
    Raises as `campaigns.roll_back` and `propose` do.
    """
    rolled_back = campaigns.roll_back(code=code, to=to, why=why, by=by, now=now)
    faulty = versions_since(code=code, to=to, now=now)
    if not faulty:
        raise NothingToTake(f"every version of {code} since then is the one of then")
    selection = Selection(code, faulty, since=to, until=now)
    return rolled_back, propose(selection=selection, why=why, by=by, now=now)


def versions_since(*, code: str, to: datetime, now: datetime) -> tuple[str, ...]:
    """The hashes in force at some moment after `to` until now that were not in force at `to`."""
    of_campaign = InForce.objects.filter(version__campaign=code)
    then = set(
        of_campaign.filter(during__contains=to).values_list("version_id", flat=True),
    )
    since = of_campaign.filter(during__overlap=DateTimeTZRange(to, now, "[]"))
    return tuple(sorted({*since.values_list("version_id", flat=True)} - then))


@transaction.atomic
def stop(*, clawback_id: int, why: str, by: Staff, now: datetime) -> Clawback:
    """End a clawback between two slices: what it has taken stays taken, and can be restored.

    Raises NoSuchClawback, ClawbackElsewhere (it has ended), MayNotAnswer.
    """
    if not by.has_perm(MAY_ANSWER):
        raise MayNotAnswer("you may not stop this", permission=MAY_ANSWER)
    clawback = _in(clawback_id, State.TAKING)
    clawback.state, clawback.ended_at = State.STOPPED, now
    clawback.save(update_fields=["state", "ended_at"])
    audit.record(
        "clawback.stopped",
        by=by,
        subject_kind=KIND,
        subject_id=clawback.campaign_id,
        now=now,
        details={
            "clawback": clawback.pk,
            "why": why,
            "taken_points": clawback.taken_points,
            "lines_left": clawback.lines_count - clawback.lines_done,
        },
    )
    return clawback


# ---- what is so now, and making it otherwise -----------------------------------------------------
def current(document: Json, now: datetime) -> Json:
    """What still stands of what the document would take; nothing of it is taken yet."""
    counted = Sum()
    with transaction.atomic():
        for line in lines(selection_in(document), on=day_of(now)):
            counted.add(line)
    return {"of": counted.document(), "taken": NOTHING}


@transaction.atomic
def begin(document: Json, now: datetime) -> None:
    """Fix the lines of an approved clawback, and defer the job that works them off.

    Raises ClawbackElsewhere while another one of the campaign is taking, and Outdated when the set is
    no longer the approved one.
    """
    if busy := Clawback.objects.filter(
        campaign=str(document["campaign"]), state=State.TAKING
    ).first():
        raise ClawbackElsewhere(
            f"the clawback {busy.pk} of this campaign is at work: wait for its end, or stop it",
            state=busy.state,
        )
    counted = Sum()
    clawback = Clawback.objects.create(
        campaign_id=str(document["campaign"]),
        document=document,
        digest=proposals.digest(document),
        policy=str(document["policy"]),
        taken_on=day_of(now),
        begun_at=now,
        lines_count=0,
    )
    # Read to the end first: the reading looks each line up in the very table that would be growing
    # below it, by a plan made while that was empty. A million keys are some 150 MB for a moment.
    keys = [*_counted(lines(selection_in(document), on=day_of(now)), counted)]
    if counted.document() != document["of"]:
        raise Outdated("what it would take has changed since; propose it again")
    for first in range(0, len(keys), LINES_A_WRITE):
        _write(clawback.pk, keys[first : first + LINES_A_WRITE])
    clawback.lines_count = counted.decisions
    clawback.save(update_fields=["lines_count"])
    ask_for_work(clawback.pk)


def current_restoring(document: Json, now: datetime) -> Json:
    """What the clawback has taken and not given back."""
    return {"of": _taken(_in(int(str(document["clawback"])))), "restored": NOTHING}


@transaction.atomic
def begin_restoring(document: Json, now: datetime) -> None:
    """Defer the job that gives back. Raises NoSuchClawback, ClawbackElsewhere."""
    clawback = _in(int(str(document["clawback"])), State.TAKEN, State.STOPPED)
    # Never before the day of the taking: the books would refuse to put it back then.
    clawback.restored_on = max(day_of(now), clawback.taken_on)
    clawback.lines_done, clawback.ended_at = 0, None
    clawback.lines_count = clawback.lines.filter(state=Clawed.State.TAKEN).count()
    clawback.state = State.RESTORING
    clawback.save()
    ask_for_work(clawback.pk)


def ask_for_work(clawback_id: int) -> None:
    """A job of this transaction; one that waits already is enough."""
    app.configure_task("accrual.claw_back", lock=f"accrual.claw_back:{clawback_id}").defer(
        clawback_id=clawback_id
    )


def _in(clawback_id: int, *states: str) -> Clawback:
    """The clawback under its lock, in one of these states (none given: in any)."""
    clawback = Clawback.objects.select_for_update().filter(pk=clawback_id).first()
    if clawback is None:
        raise NoSuchClawback(f"there is no clawback {clawback_id}")
    if states and clawback.state not in states:
        raise ClawbackElsewhere(
            f"the clawback {clawback_id} is {clawback.state}; this needs one that is "
            + " or ".join(states),
            state=clawback.state,
        )
    return clawback


def _taken(clawback: Clawback) -> Json:
    ((decisions, subscribers, points),) = rows(
        """
        select count(*), count(distinct subscriber_id), coalesce(sum(taken_points), 0)::bigint
          from accrual_clawed where clawback_id = %(clawback_id)b and state = 'taken'
        """,
        clawback_id=clawback.pk,
    )
    return {"decisions": decisions, "subscribers": subscribers, "points": points}


def _counted(found: Iterable[Line], counted: Sum) -> Iterator[tuple[int, int, str]]:
    for line in found:
        counted.add(line)
        yield line.subscriber_id, line.event_id, intern(line.rule_id)


def _write(clawback_id: int, keys: Sequence[tuple[int, int, str]]) -> None:
    rows(
        """
        insert into accrual_clawed (subscriber_id, event_id, rule_id, clawback_id, state, note,
               taken_points, restored_points, is_promise, parts)
        select s, e, r, %(clawback_id)b, 'open', '', 0, 0, false, 0
          from unnest(%(subscribers)b::bigint[], %(events)b::bigint[], %(rules)b::text[]) k (s, e, r)
        """,
        clawback_id=clawback_id,
        **columns("subscribers events rules", keys),
    )
