"""Somebody is forgotten: nothing in the database tells of them, and the books balance as before."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from click.testing import CliRunner
from django.contrib.auth.models import Permission
from django.db import connection

from club.access import proposals
from club.access.actions import record
from club.access.models import AuditLine, Staff
from club.accrual import actions as accrual
from club.accrual import inbox
from club.accrual.models import Conflict, Event, Rejection
from club.clock import day_of
from club.erasure import actions as erasure
from club.erasure import cli
from club.erasure.errors import MayNotErase, OrdersOpen
from club.ledger import actions as ledger
from club.ledger import queries as books
from club.ledger.errors import OpenHolds
from club.ledger.rules import Kind, Source, fingerprint_of
from club.messages import actions as messages
from club.messages import outbox
from club.messages.models import Inbound, Message
from club.orders.models import Order, State
from club.signin import actions as signin
from club.signin.errors import SessionEnded
from club.signin.models import Family
from club.signin.tokens import Tokens, hash_of
from club.subscribers.models import Erasure, Subscriber
from club.subscribers.rules import BadMsisdn
from club.tiers import giving
from tests.builders import Club

pytestmark = pytest.mark.django_db
NUMBER = "998934567012"
FORMS = (NUMBER, "93 456-70-12", "+998 (93) 456 70 12", "934567012")
BIRTHDAY = "1987-06-05"


@pytest.fixture
def club() -> Club:
    return Club().open()


@pytest.fixture
def malika(club: Club) -> Subscriber:
    return club.subscriber(msisdn=NUMBER, birth_date=BIRTHDAY, tariff="very-own-tariff")


@pytest.fixture
def officer() -> Staff:
    staff = Staff.objects.create_user("officer")
    staff.user_permissions.add(Permission.objects.get(codename="erase_subscriber"))
    return Staff.objects.get(pk=staff.pk)


def erase(club: Club, officer: Staff) -> erasure.Erased:
    return erasure.erase(msisdn=NUMBER, by=officer, now=club.now)


def signs_in(club: Club) -> Tokens:
    signin.request_code(msisdn=NUMBER, address="10.0.0.1", language=None, now=club.now)
    text = Message.objects.filter(template="otp").latest("id").text
    (code,) = re.findall(r"\b\d{6}\b", text)
    return signin.redeem_code(msisdn=NUMBER, code=code, address="10.0.0.1", now=club.now)


def orders(club: Club, who: Subscriber, **other: object) -> Order:
    """One that was delivered, with what a client and a system wrote into it."""
    from club.catalogue.models import Reward

    given = {"state": State.DONE, "settled_at": club.now} | other
    return Order.objects.create(
        subscriber_id=who.id, key=f"for {NUMBER}", reward=Reward.objects.all()[0], price_points=5,
        placed_at=club.now, outcome_text="switched on for +998 93 456 70 12", **given,
    )  # fmt: skip


def lives_a_full_life(club: Club, who: Subscriber, officer: Staff) -> Tokens:
    """Leaves a trace in every room, the number in every form."""
    club.earns(who, 500_000, external_id="p-1")
    again = inbox.Incoming(
        "espp", "payment", "p-1", NUMBER, club.now, 777, "app", {"payer": "Malika"}
    )
    inbox.receive([again], now=club.now)  # a conflict
    club.pays(NUMBER, 90_000, external_id="p-2")  # not decided yet
    for form in FORMS:
        inbox.reject(
            source="espp", code="bad", reason=f"of {form}", raw=f"a;{form};1", line=1, now=club.now
        )
    tokens = signs_in(club)
    names_her_in_events_of_others(club, who)
    signin.request_code(msisdn=NUMBER, address="10.0.0.1", language=None, now=club.now)
    for template in ("points_earned",):
        messages.queue(
            template, msisdn=NUMBER, language="uz", values={"points": 5, "balance": 9},
            dedupe_key=f"{template}:{who.id}", now=club.now, subscriber_id=who.id,
        )  # fmt: skip
    outbox.receive(
        [outbox.Incoming(source, "3535", f"balance? {source}") for source in (NUMBER, f"+{NUMBER}")],
        centre="smsc", now=club.now,
    )  # fmt: skip
    orders(club, who)
    record(
        "subscriber.called", by=officer, subject_kind="subscriber", subject_id=who.id,
        now=club.now, details={"why": "Malika asked about her points"},
    )  # fmt: skip
    record(
        "event.retried", by=officer, subject_kind="event", subject_id=1, now=club.now,
        details={"why": "she called from 93 456-70-12"},
    )  # fmt: skip
    is_given_levels(club, who)
    return tokens


def names_her_in_events_of_others(club: Club, who: Subscriber) -> None:
    """A friend told of her, by a type that is declared and by one that nobody knows yet; and one such
    event is her own."""
    friend = club.subscriber().msisdn
    for number, (whose, kind, details) in enumerate(
        [
            (friend, "referral", {"friend_msisdn": FORMS[1]}),
            (friend, "moon_landing", {"crew": [{"name": "Malika", "phone": FORMS[2]}]}),
            (friend, "moon_landing", {"crew": 1}),
            (NUMBER, "moon_landing", {"crew": "Malika"}),
        ]
    ):
        told = inbox.Incoming(
            "news", kind, f"e-{number}", whose, club.now, 0, "", dict[str, object](details)
        )
        inbox.receive([told], now=club.now)
        inbox.receive([replace(told, amount_tiyin=0 if kind == "referral" else 7)], now=club.now)


def is_given_levels(club: Club, who: Subscriber) -> None:
    asker, head = (Staff.objects.create_superuser(name) for name in ("asker", "head"))
    for level, why in (("gold", "Malika waited for long"), ("friend", "she, 93 456-70-12, called")):
        asked = giving.propose(
            subscriber_id=who.id, level=level, ends_on=day_of(club.now), why=why, by=asker,
            now=club.now,
        )  # fmt: skip
        proposals.approve(proposal_id=asked.pk, digest=asked.digest, by=head, now=club.now)


def found(*needles: str) -> list[str]:
    """Every table, of every schema, in whose rows one of these regular expressions is found: a row
    as text is all of its columns, documents and arrays among them, and octets in hex."""
    octets = [needle.encode().hex() for needle in (NUMBER, NUMBER[3:], "Malika")]
    pattern = "|".join([*needles, *octets])
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select oid::regclass::text from pg_class
             where relkind in ('r', 'p') and not relispartition
               and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
             order by 1
            """
        )
        tables = [table for (table,) in cursor.fetchall()]
        assert len(tables) > 50
        counts = " union all ".join(
            f"select '{table}', count(*) from {table} t where t::text ~* %(pattern)s"
            for table in tables
        )
        cursor.execute(counts, {"pattern": pattern})
        # The parts of a union come in any order.
        return sorted(f"{table}: {count}" for table, count in cursor.fetchall() if count)


def stored(tokens: Tokens) -> str:
    """How a session's token stands in the database."""
    return hash_of(tokens.refresh_token).hex()


ANYHOW = "9[^0-9]{0,3}3[^0-9]{0,3}4[^0-9]{0,3}5[^0-9]{0,3}6[^0-9]{0,3}7[^0-9]{0,3}0[^0-9]{0,3}1[^0-9]{0,3}2"
TRACES = (ANYHOW, "malika", BIRTHDAY, "very-own-tariff")


def test_the_search_of_these_tests_finds_a_person_in_every_room(club, malika, officer):
    tokens = lives_a_full_life(club, malika, officer)
    tables = {place.split(":")[0] for place in found(*TRACES, stored(tokens))}
    assert tables >= {
        "access_auditline",
        "access_proposal",
        "accrual_conflict",
        "accrual_event",
        "accrual_outcome",
        "accrual_rejection",
        "club_messages_inbound",
        "club_messages_message",
        "orders_order",
        "signin_onetimecode",
        "signin_refreshtoken",
        "tiers_givenlevel",
        "subscribers_subscriber",
    }


def test_nothing_is_found_of_an_erased_person_in_any_column_of_any_table(club, malika, officer):
    tokens = lives_a_full_life(club, malika, officer)

    erased = erase(club, officer)

    assert erased.subscriber_ids == (malika.id,)
    assert found(*TRACES, stored(tokens)) == []
    assert not Subscriber.objects.filter(id=malika.id).exists()
    assert Erasure.objects.get().subscriber_id == malika.id


def test_the_books_balance_as_before_and_say_what_was_forfeited(club, malika, officer):
    other = club.subscriber()
    club.earns(other, 300_000)
    lives_a_full_life(club, malika, officer)
    before = books.totals()
    had = books.balance(subscriber_id=malika.id, day=day_of(club.now)).spendable_points
    assert had > 0

    assert erase(club, officer).forfeited_points == had

    after = books.totals()
    assert after.expired_points == before.expired_points + had
    assert after.outstanding_points == before.outstanding_points - had
    assert (after.issued_points, after.redeemed_points) == (
        before.issued_points, before.redeemed_points
    )  # fmt: skip
    lines = books.statement(subscriber_id=malika.id, limit=10).lines
    assert {line.kind for line in lines} == {Kind.ACCRUAL, Kind.FORFEIT}
    assert books.prove() == []


def test_erasing_again_is_harmless_and_erases_nobody_else(club, malika, officer):
    other = club.subscriber()
    club.earns(other, 300_000)
    erase(club, officer)
    totals = books.totals()

    assert erase(club, officer) == erasure.Erased(subscriber_ids=(), forfeited_points=0)

    assert books.totals() == totals
    assert AuditLine.objects.filter(action="subscriber.erased").count() == 1
    assert Event.objects.filter(subscriber_id=other.id).exclude(msisdn="").count() == 1
    assert books.prove() == []


def test_the_audit_keeps_each_act_and_who_did_it_but_not_the_person(club, malika, officer):
    lives_a_full_life(club, malika, officer)

    erase(club, officer)

    kept = AuditLine.objects.filter(by=officer).order_by("id")
    assert [(line.action, line.details) for line in kept] == [
        ("subscriber.called", {}),
        ("event.retried", {}),
        ("subscriber.erased", {}),
    ]


def test_their_sessions_end_and_their_messages_are_never_sent(club, malika, officer):
    tokens = lives_a_full_life(club, malika, officer)
    outbox.take(now=club.now, limit=1)  # the sender has one in hand at this very moment

    erase(club, officer)

    assert Family.objects.count() == 0
    with pytest.raises(SessionEnded):
        signin.refresh(token=tokens.refresh_token, now=club.now)
    assert outbox.take(now=club.now, limit=100) == []
    assert outbox.settle_interrupted(now=club.now) == 0
    assert Inbound.objects.count() == 0


# ---- what comes later ------------------------------------------------------------------------


def test_the_same_payment_again_is_a_duplicate_and_nothing_of_it_is_kept(club, malika, officer):
    club.earns(malika, 500_000, external_id="p-1")
    erase(club, officer)

    again, other = (club.pays(NUMBER, sum_, external_id="p-1") for sum_ in (500_000, 700_000))

    assert (again.verdict, other.verdict) == ("duplicate", "duplicate")
    assert Conflict.objects.count() == 0
    assert found(ANYHOW) == []


def test_a_late_payment_of_the_number_wakes_nobody(club, malika, officer):
    club.earns(malika, 500_000)
    erase(club, officer)
    totals = books.totals()

    receipt = club.pays(NUMBER, 90_000, at=club.now - timedelta(hours=2))
    club.decide()
    accrual.adopt_waiting(now=club.now)

    assert Event.objects.get(pk=receipt.event_id).state == "waiting"
    assert books.totals() == totals
    erase(club, officer)  # sweeps it
    assert found(ANYHOW) == []


def test_whoever_gets_the_number_later_is_somebody_else_and_earns_from_then_on(
    club, malika, officer
):
    club.earns(malika, 500_000)
    erase(club, officer)
    late = club.pays(NUMBER, 90_000, at=club.now - timedelta(days=1))
    club.later(days=5)

    successor = club.subscriber(msisdn=NUMBER, joined_at=club.now)
    later = club.pays(NUMBER, 80_000, at=club.now - timedelta(days=5))
    accrual.adopt_waiting(now=club.now)
    club.decide()

    assert successor.id != malika.id
    assert club.balance(successor).spendable_points == 0
    assert {Event.objects.get(pk=one.event_id).state for one in (late, later)} == {"waiting"}
    assert club.earns(successor, 50_000) > 0
    assert club.balance(malika).spendable_points == 0
    assert books.prove() == []


def test_a_payment_cancelled_after_the_erasure_makes_no_debt(club, malika, officer):
    club.earns(malika, 500_000, external_id="p-1")
    erase(club, officer)

    cancels = inbox.Incoming("espp", "cancellation", "p-1", NUMBER, club.now, 0, "app", {})
    (receipt,) = inbox.receive([cancels], now=club.now)
    club.decide()

    event = Event.objects.get(pk=receipt.event_id)
    assert (event.state, event.note) == ("decided", "its subscriber was erased")
    assert club.balance(malika).arrears_points == 0
    assert found(ANYHOW) == []
    assert books.prove() == []


def test_an_event_that_was_under_way_during_the_erasure_brings_no_points(club, malika, officer):
    """It was received before and is committed after: the inbox still has the old id on it."""
    receipt = club.pays(malika, 90_000)
    Subscriber.objects.filter(id=malika.id).delete()

    club.decide()

    assert Event.objects.get(pk=receipt.event_id).state == "waiting"
    assert books.totals().accounts == 0 or books.totals().outstanding_points == 0


def test_numbers_that_were_merged_are_one_person(club, malika, officer):
    former = club.subscriber(birth_date=BIRTHDAY)
    club.earns(former, 500_000)
    points = club.balance(former).spendable_points + club.earns(malika, 100_000)
    ledger.merge(
        from_subscriber_id=former.id, to_subscriber_id=malika.id, source=Source.STAFF, ref="m",
        day=day_of(club.now),
    )  # fmt: skip
    late = club.earns(former, 50_000)

    erased = erasure.erase(msisdn=former.msisdn, by=officer, now=club.now)

    assert erased == erasure.Erased((malika.id, former.id), forfeited_points=points + late)
    assert found(*TRACES, former.msisdn) == []
    assert books.totals().outstanding_points == 0
    assert books.prove() == []


def test_what_reaches_an_erased_account_after_all_is_forfeited(club, malika, officer):
    erase(club, officer)
    day = day_of(club.now)
    for ref in ("late", "later"):
        late = ledger.Accrual(malika.id, ref, day, 30, day, 0, fingerprint_of(ref))
        ledger.post_many(source=Source.PARTNER, accruals=[late])

        assert erasure.forfeit_what_came_later(now=club.later(minutes=60), limit=10) == 1
        assert erasure.forfeit_what_came_later(now=club.later(minutes=60), limit=10) == 0

    assert books.totals().expired_points == 60
    assert books.totals().outstanding_points == 0
    assert books.prove() == []


# ---- refusals --------------------------------------------------------------------------------


def test_an_order_that_is_not_settled_stops_it(club, malika, officer):
    club.earns(malika, 500_000)
    orders(club, malika, state=State.UNKNOWN, settled_at=None)
    before = books.totals()

    with pytest.raises(OrdersOpen) as told:
        erase(club, officer)

    assert (told.value.code, told.value.values) == ("orders_open", {"open_orders": 1})
    assert Subscriber.objects.filter(msisdn=NUMBER).exists()
    assert books.totals() == before


def test_points_on_hold_stop_it_and_nothing_is_half_done(club, malika, officer):
    lives_a_full_life(club, malika, officer)
    ledger.hold(
        subscriber_id=malika.id, hold_id=UUID(int=5), day=day_of(club.now), points=3, now=club.now,
        lifetime=timedelta(hours=1), fingerprint=fingerprint_of("order"),
    )  # fmt: skip
    before = found(*TRACES)

    with pytest.raises(OpenHolds):
        erase(club, officer)

    assert found(*TRACES) == before
    assert AuditLine.objects.filter(action="subscriber.erased").count() == 0


def test_who_may_not_erase_does_not(club, malika):
    agent = Staff.objects.create_user("agent")
    with pytest.raises(MayNotErase):
        erase(club, agent)
    assert Subscriber.objects.filter(msisdn=NUMBER).exists()


def test_a_number_that_is_none_is_refused(club, officer):
    with pytest.raises(BadMsisdn):
        erasure.erase(msisdn="79031234567", by=officer, now=club.now)


def test_a_debt_dies_with_the_person(club, malika, officer):
    day = day_of(club.now)
    points = club.earns(malika, 500_000, external_id="p-1")
    ledger.spend(
        subscriber_id=malika.id, source=Source.ORDER, ref="s", day=day, points=points,
        fingerprint=fingerprint_of("s"),
    )  # fmt: skip
    inbox.receive(
        [inbox.Incoming("espp", "cancellation", "p-1", "", club.now, 0, "app", {})], now=club.now
    )
    club.decide()
    assert club.balance(malika).arrears_points == points

    erase(club, officer)

    assert club.balance(malika).arrears_points == 0
    assert books.prove() == []


# ---- the command -----------------------------------------------------------------------------


def test_the_command_erases_names_no_number_and_may_be_repeated(club, malika, officer):
    points = club.earns(malika, 500_000)

    def run(*options: str):
        return CliRunner().invoke(cli.command, ["erase", "+998 93 456-70-12", *options])

    first, second = run("--by", "officer", "--yes"), run("--by", "officer", "--yes")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output.splitlines() == [
        f"subscriber {malika.id} is erased",
        f"{points:,} points are forfeited",
    ]
    assert second.output == "nobody in the programme has this number; its traces were swept\n"


def test_the_command_says_why_it_did_nothing(club, malika):
    Staff.objects.create_user("agent")

    def run(login: str):
        return CliRunner().invoke(cli.command, ["erase", NUMBER, "--by", login, "--yes"])

    assert "may_not_erase" in run("agent").output
    assert "no such login" in run("nobody").output
    assert run("agent").exit_code == run("nobody").exit_code == 1
    assert Subscriber.objects.filter(msisdn=NUMBER).exists()


def test_rejections_of_others_keep_their_text(club, malika, officer):
    inbox.reject(
        source="espp", code="bad", reason="of 998901112233", raw="998901112233", line=1,
        now=club.now,
    )  # fmt: skip
    erase(club, officer)
    assert Rejection.objects.get().raw == "998901112233"
