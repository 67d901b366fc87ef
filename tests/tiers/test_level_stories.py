"""What staff and subscribers see of levels: reviews, levels that are given, schemes that change, notices."""

import json
from datetime import date, datetime, timedelta

import pytest
from click.testing import CliRunner

from club.access import groups, proposals
from club.access.errors import MayNotPropose, OwnProposal
from club.access.models import AuditLine, Proposal
from club.catalogue.models import Reward
from club.clock import TASHKENT, day_of
from club.engagement import levels as notices
from club.ledger import actions as ledger
from club.ledger.rules import Accrual, Source
from club.messages.models import Message
from club.subscribers.models import Subscriber
from club.tiers import actions as tiers
from club.tiers import giving, levels_cli, queries, scheme_files, schemes
from club.tiers.errors import (
    BadEnd,
    FirstLevelIsFixed,
    LevelInUse,
    LevelOfAnother,
    NoSuchLevel,
)
from club.tiers.models import Standing, Tier
from tests.builders import Club, member
from tests.tiers.ladders import put, scheme


@pytest.fixture
def club(db: None) -> Club:
    club = Club(now=datetime(2026, 11, 18, 12, tzinfo=TASHKENT)).open()
    put("year", 100, 500, 900, grace_days=10, notice_days=14)
    return club


@pytest.fixture
def aziza(club: Club) -> Subscriber:
    return club.subscriber(language="ru")


def earns(who: Subscriber, points: int, *, on: date) -> None:
    accrual = Accrual(who.id, f"{on}:{points}", on, points, on + timedelta(days=900), 0, b"x" * 16)
    ledger.post_many(source=Source.STAFF, accruals=[accrual])


def rank(who: Subscriber, code: str = "year") -> int:
    (one,) = (t for t in queries.tiers_of(subscriber_id=who.id) if t.scheme_id == code)
    return one.rank


def night(club: Club, on: date) -> None:
    club.now = datetime(on.year, on.month, on.day, 0, 20, tzinfo=TASHKENT)
    tiers.recompute(now=club.now)


# ---- reviews -----------------------------------------------------------------------------------
def test_a_level_lands_softly_a_year_after_it_was_last_earned(club, aziza):
    earns(aziza, 900, on=date(2026, 11, 18))
    tiers.reconsider(subscriber_ids=[aziza.id], now=club.now)

    ranks = {}
    for on in (
        date(2027, 1, 11),  # the year in which it was earned has ended: it is kept for the next
        date(2028, 1, 10),  # the grace is not over
        date(2028, 1, 11),
        date(2029, 1, 11),
        date(2030, 1, 11),
    ):
        night(club, on)
        ranks[on.isoformat()] = rank(aziza)

    assert list(ranks.values()) == [3, 3, 2, 1, 0]
    history = Standing.objects.filter(subscriber_id=aziza.id, scheme="year").order_by("since")
    assert list(history.values_list("tier_id", "why")) == [
        ("year-3", "earned"),
        ("year-2", "fell"),
        ("year-1", "fell"),
        ("year-0", "fell"),
    ]


def test_whoever_earns_it_again_within_the_grace_keeps_it(club, aziza):
    earns(aziza, 500, on=date(2025, 12, 18))
    night(club, date(2026, 11, 19))
    night(club, date(2027, 1, 5))
    earns(aziza, 500, on=date(2027, 1, 5))

    night(club, date(2027, 1, 11))

    assert rank(aziza) == 2


def test_a_cancelled_payment_takes_its_level_along_at_once(club, aziza):
    club.earns(aziza, 900_000, external_id="p-1")
    tiers.reconsider(subscriber_ids=[aziza.id], now=club.now)
    assert rank(aziza) == 3
    (accrual,) = ledger_lines(aziza)

    ledger.reverse(
        subscriber_id=aziza.id, source=Source.STAFF, ref="back", day=day_of(club.now),
        of_source=Source.ACCRUAL, of_ref=accrual, of_day=day_of(club.now), points=None,
        fingerprint=b"y" * 16,
    )  # fmt: skip
    tiers.reconsider(subscriber_ids=[aziza.id], now=club.now)

    assert rank(aziza) == 0


def ledger_lines(who: Subscriber) -> list[str]:
    """The refs of what brought most."""
    from club.ledger.queries.reading import rows

    return [
        ref
        for (ref,) in rows(
            "select ref from ledger.posting where subscriber_id = %s order by points desc limit 1",
            [who.id],
        )
    ]


# ---- notices -----------------------------------------------------------------------------------
def test_whoever_is_going_to_fall_is_told_once_two_weeks_ahead(club, aziza):
    earns(aziza, 500, on=date(2026, 11, 18))
    night(club, date(2026, 11, 19))
    told = Message.objects.filter(template="level_falls", text__contains="year 1 (ru)")

    club.now = datetime(2027, 12, 27, 11, tzinfo=TASHKENT)  # 15 days ahead
    notices.tell_who_falls(now=club.now)
    assert not told.exists()

    for days in (1, 2, 3):
        notices.tell_who_falls(now=club.now + timedelta(days=days))
    (message,) = told
    assert message.msisdn == aziza.msisdn
    assert message.text.startswith("С 11.01.2028 ваш уровень в Beeline Club: year 1 (ru).")
    assert "year 2 (ru)" in message.text


# ---- levels that staff give ----------------------------------------------------------------------
def test_a_given_level_lasts_until_its_day_and_then_what_is_deserved(club, aziza):
    agent, head = member("agent", groups.MARKETING), member("head", groups.MARKETING_HEADS)
    earns(aziza, 100, on=day_of(club.now))
    tiers.reconsider(subscriber_ids=[aziza.id], now=club.now)
    proposal = giving.propose(
        subscriber_id=aziza.id, level="year-3", ends_on=date(2026, 12, 1),
        why="we lost her order", by=agent, now=club.now,
    )  # fmt: skip
    assert rank(aziza) == 1
    with pytest.raises(OwnProposal):
        proposals.approve(proposal_id=proposal.pk, digest=proposal.digest, by=agent, now=club.now)

    proposals.approve(proposal_id=proposal.pk, digest=proposal.digest, by=head, now=club.now)

    assert rank(aziza) == 3
    (progress,) = (p for p in queries.progress(subscriber_id=aziza.id, now=club.now)
                   if p.scheme.code == "year")  # fmt: skip
    assert progress.given_until == date(2026, 12, 1)
    assert AuditLine.objects.filter(subject_kind="tiers.level", action="proposal.approved").exists()
    night(club, date(2026, 12, 1))
    assert rank(aziza) == 3
    night(club, date(2026, 12, 2))
    assert rank(aziza) == 1


def test_a_given_level_that_makes_no_sense_is_refused_when_it_is_asked_for(club, aziza):
    agent = member("agent", groups.MARKETING)
    stranger = member("editor", groups.MARKETING_HEADS)
    stranger.groups.clear()

    def ask(level: str = "year-3", ends_on: date = date(2026, 12, 1), by=agent) -> None:
        giving.propose(
            subscriber_id=aziza.id, level=level, ends_on=ends_on, why="because", by=by, now=club.now
        )

    with pytest.raises(NoSuchLevel):
        ask(level="diamond")
    for ends_on in (date(2026, 11, 17), date(2029, 1, 1)):
        with pytest.raises(BadEnd):
            ask(ends_on=ends_on)
    with pytest.raises(MayNotPropose):
        ask(by=type(stranger).objects.get(pk=stranger.pk))
    assert not Proposal.objects.exists()


# ---- schemes -------------------------------------------------------------------------------------
def test_a_scheme_comes_out_as_it_went_in(club):
    document = scheme_files.exported(code="year")

    assert document == scheme("year", 100, 500, 900, grace_days=10, notice_days=14)
    assert scheme_files.read(scheme_files.as_text(document)).document() == document


def test_a_preview_says_whom_a_scheme_would_move_and_moves_nobody(club, aziza):
    earns(aziza, 500, on=day_of(club.now))
    tiers.recompute(now=club.now)

    def would(*thresholds: int) -> tiers.Moved:
        return schemes.preview(scheme("year", *thresholds), now=club.now)

    assert would(100, 400, 500) == tiers.Moved(risen=1)
    assert would(600, 700, 800) == tiers.Moved(fallen=1)
    assert rank(aziza) == 2
    assert Tier.objects.get(code="year-1").threshold == 100


def test_a_level_somebody_stood_on_or_a_reward_asks_for_cannot_go(club, aziza):
    earns(aziza, 500, on=day_of(club.now))
    tiers.recompute(now=club.now)
    Reward.objects.filter(code="sms-100").update(level_min="year-3")

    for gone in ("year-2", "year-3"):
        document = scheme("year", 100, 500, 900)
        document["tiers"] = [tier for tier in document["tiers"] if tier["code"] != gone]
        with pytest.raises(LevelInUse, match=gone):
            schemes.put_in_force(document, club.now)


def test_a_level_belongs_to_one_scheme_and_the_first_one_stays(club):
    other = scheme("other", 5)
    other["tiers"][1]["code"] = "gold"
    with pytest.raises(LevelOfAnother, match="belongs to the scheme club"):
        schemes.put_in_force(other, club.now)
    first = scheme("year", 100)
    first["tiers"][0]["code"] = "beginner"
    with pytest.raises(FirstLevelIsFixed, match="stays year-0"):
        schemes.put_in_force(first, club.now)


# ---- the programme -------------------------------------------------------------------------------
def test_the_forecast_lets_everybody_go_on_at_their_pace(club):
    steady, _idle, falling = (club.subscriber() for _ in range(3))
    earns(steady, 450, on=date(2026, 11, 10))  # five a day: 500 before the year ends, 100 after it
    earns(falling, 900, on=date(2025, 3, 1))
    tiers.recompute(now=club.now)

    (year,) = (one for one in queries.forecasts(now=club.now) if one.scheme.code == "year")

    assert year.review_on == date(2027, 1, 11)
    assert [(t.standing, t.rising, t.falling, t.standing_then) for t in year.tiers] == [
        (1, 0, 0, 1),  # idle
        (1, 1, 0, 0),  # steady
        (0, 0, 0, 2),  # steady, and falling by one step
        (1, 0, 1, 0),
    ]


# ---- the command -----------------------------------------------------------------------------
def run(*arguments: str, text: str | None = None) -> str:
    done = CliRunner().invoke(levels_cli.command, arguments, input=text, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_commands_say_who_stands_where_and_ask_for_changes(club, aziza):
    member("malika", groups.MARKETING)
    earns(aziza, 500, on=day_of(club.now))

    assert "rose, 0 fell" in run("recompute")
    assert f"year: year-{rank(aziza)}" in run("show", aziza.msisdn)
    assert "year, next review" in run("forecast")
    file = json.loads(run("export", "year"))
    file["tiers"][3]["threshold"] = 1_000
    asked = run("propose", "-", "--why", "dear", "--by", "malika", text=json.dumps(file))
    assert "today it would lift 0 and lower 0 subscribers" in asked
    ends_on = str(date.today() + timedelta(days=30))  # noqa: DTZ011  the command has a clock of its own
    run("set", aziza.msisdn, "year-3", "--until", ends_on, "--why", "a gift", "--by", "malika")
    assert sorted(Proposal.objects.values_list("kind", flat=True)) == [
        "tiers.level",
        "tiers.scheme",
    ]
