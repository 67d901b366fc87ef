"""Somebody who leaves a trace in every room, and the search that finds each of them."""

import re
from dataclasses import replace

from django.db import connection

from club.access import proposals
from club.access.actions import record
from club.access.models import Staff
from club.accrual import inbox
from club.catalogue.models import Reward
from club.clock import day_of
from club.erasure import actions as erasure
from club.messages import actions as messages
from club.messages import outbox
from club.messages.models import Message
from club.orders.models import Order, State
from club.signin import actions as signin
from club.signin.tokens import Tokens, hash_of
from club.subscribers.models import Subscriber
from club.tiers import giving
from tests.builders import Club

NUMBER = "998934567012"
FORMS = (NUMBER, "93 456-70-12", "+998 (93) 456 70 12", "934567012")
BIRTHDAY = "1987-06-05"
ANYHOW = "9[^0-9]{0,3}3[^0-9]{0,3}4[^0-9]{0,3}5[^0-9]{0,3}6[^0-9]{0,3}7[^0-9]{0,3}0[^0-9]{0,3}1[^0-9]{0,3}2"
TRACES = (ANYHOW, "malika", BIRTHDAY, "very-own-tariff")


def erase(club: Club, officer: Staff) -> erasure.Erased:
    return erasure.erase(msisdn=NUMBER, by=officer, now=club.now)


def signs_in(club: Club) -> Tokens:
    signin.request_code(msisdn=NUMBER, address="10.0.0.1", language=None, now=club.now)
    text = Message.objects.filter(template="otp").latest("id").text
    (code,) = re.findall(r"\b\d{6}\b", text)
    return signin.redeem_code(msisdn=NUMBER, code=code, address="10.0.0.1", now=club.now)


def orders(club: Club, who: Subscriber, **other: object) -> Order:
    """One that was delivered, with what a client and a system wrote into it."""
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
