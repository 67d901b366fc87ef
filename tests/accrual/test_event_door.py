"""POST /intake/events and `club intake events FILE`: one format, counts answer."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.test import Client
from django.utils import timezone

from club.accrual import intake, kept
from club.accrual.models import Event, Register, Rejection
from club.accrual.rules import event_types
from club.accrual.rules.event_types import EventType
from club.integrations.espp.cli import command
from tests.accrual.conftest import Office
from tests.accrual.event_lines import told

NOTHING = {"received": 0, "new": 0, "duplicate": 0, "conflicting": 0, "rejected": []}
BILLING, SHOP = "CN=billing", "CN=shop"


@pytest.fixture(autouse=True)
def sources(settings: Any, club: Office) -> None:
    club.now = timezone.now()
    settings.IS_DEMO = False
    settings.EVENT_SOURCES = {
        "billing": {"subject": BILLING},
        "shop": {"subject": SHOP, "types": ["partner_purchase"]},
    }


def post(body: bytes, content_type: str = "application/json", **headers: str) -> Any:
    return Client().post("/intake/events", body, content_type=content_type, headers=headers)


def test_one_event_is_taken_and_the_same_again_is_a_duplicate(club: Office) -> None:
    first, again = post(told("1")), post(told("1"))

    assert first.status_code == again.status_code == 200
    assert first.json() == NOTHING | {"received": 1, "new": 1}
    assert again.json() == NOTHING | {"received": 1, "duplicate": 1}


def test_one_bad_event_of_an_array_is_told_by_its_place_and_the_others_go_in() -> None:
    array = json.dumps(
        [
            json.loads(told("1")),
            "no event",
            json.loads(told("2", type="charge", amount_tiyin=5)),
            json.loads(told("3", source="stranger")),
            json.loads(told("4", msisdn="998901234568")),
        ]
    ).encode()

    answer = post(array).json()

    assert (answer["received"], answer["new"]) == (5, 2)
    assert [(one["line"], one["code"]) for one in answer["rejected"]] == [
        (2, "unreadable"), (3, "bad_field"), (4, "unknown_source"),
    ]  # fmt: skip
    # What a stranger sends, or nobody can read, is answered and not kept: anyone could fill the table.
    assert set(Rejection.objects.values_list("code", flat=True)) == {"bad_field"}


def test_lines_are_a_register_with_its_counts() -> None:
    body = b"\n".join([told("1"), b"", b"no json", told("1"), told("1", amount_tiyin=3)])

    answer = post(body, "application/x-ndjson").json()

    assert (answer["new"], answer["duplicate"]) == (1, 1)
    assert [(one["line"], one["code"]) for one in answer["rejected"]] == [
        (3, "unreadable"), (5, "amount_not_expected"),
    ]  # fmt: skip
    register = Register.objects.get()
    assert (register.received, register.new, register.rejected) == (4, 1, 2)
    assert register.rejections.count() == 2


def test_more_events_than_one_transaction_takes_all_arrive() -> None:
    array = b"[" + b",".join(told(str(number)) for number in range(2_500)) + b"]"

    assert post(array).json() == NOTHING | {"received": 2_500, "new": 2_500}


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        (b"{", "application/json", 400, "unreadable"),
        (b"[" * 100_000, "application/json", 400, "unreadable"),
        (b"\xff", "application/json", 400, "unreadable"),
        (b"x" * (2 * 1024 * 1024 + 1), "application/json", 413, "body_too_large"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
    ],
)
def test_a_request_that_is_none_is_a_problem(
    body: bytes, content_type: str, status: int, code: str
) -> None:
    answer = post(body, content_type)

    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == code


def test_reading_is_not_what_this_address_is_for() -> None:
    assert Client().get("/intake/events").status_code == 405


def test_a_certificate_brings_the_events_of_its_own_source_alone(settings: Any) -> None:
    settings.EVENTS_MTLS, settings.TLS_PROXY = True, ["127.0.0.1"]
    proven = {"X-SSL-Client-Verify": "SUCCESS"}

    own = post(told("1"), **proven, **{"X-SSL-Client-S-DN": BILLING})
    of_another = post(told("2"), **proven, **{"X-SSL-Client-S-DN": SHOP})
    without = post(told("3"))
    settings.TLS_PROXY = ["192.0.2.1"]
    from_elsewhere = post(told("4"), **proven, **{"X-SSL-Client-S-DN": BILLING})

    assert own.json()["new"] == 1
    assert of_another.json()["rejected"][0]["code"] == "wrong_certificate"
    assert [without.status_code, from_elsewhere.status_code] == [403, 403]
    assert Event.objects.count() == 1


@pytest.mark.parametrize("type_", ["payment", "cancellation", "moon_landing"])
def test_a_source_brings_the_types_that_it_may(type_: str) -> None:
    answer = post(told("1", source="shop", type=type_, amount_tiyin=1, channel="x")).json()

    assert answer["rejected"][0]["code"] == "type_not_allowed"
    bought = {"type": "partner_purchase", "amount_tiyin": 1, "details": {"partner": "coffee"}}
    assert post(told("2", source="shop", **bought)).json()["new"] == 1
    undone = {"type": "cancellation", "cancels": "partner_purchase", "msisdn": ""}
    assert post(told("2", source="shop", **undone)).json()["new"] == 1


@pytest.mark.parametrize("type_", ["birthday", "tenure", "app_visit"])
def test_what_the_club_makes_itself_only_a_source_that_names_it_may_bring(
    settings: Any, type_: str
) -> None:
    (refused,) = post(told("1", type=type_)).json()["rejected"]
    assert refused["code"] == "type_not_allowed"
    assert "name the type among its types in CLUB_EVENT_SOURCES" in refused["reason"]
    undone = told("1", type="cancellation", cancels=type_, msisdn="")
    assert post(undone).json()["rejected"][0]["code"] == "type_not_allowed"

    settings.EVENT_SOURCES["billing"]["types"] = [type_]
    assert post(told("1", type=type_)).json()["new"] == 1


def test_in_the_demo_too_nobody_else_makes_our_events(settings: Any) -> None:
    settings.IS_DEMO, settings.EVENT_SOURCES = True, {}

    answer = post(told("1", source="anybody", type="birthday")).json()

    assert answer["rejected"][0]["code"] == "type_not_allowed"


def test_a_cancellation_over_the_wire_cancels_what_it_names(club: Office) -> None:
    club.publish(
        "bought",
        trigger=["partner_purchase"],
        when={"kind": "compare", "field": "partner", "op": "eq", "value": "coffee"},
    )
    who = club.subscriber()
    common = {"msisdn": who.msisdn, "amount_tiyin": 1_000_000}
    post(told("1", type="partner_purchase", details={"partner": "coffee"}, **common))
    club.decide()
    assert club.balance(who).spendable_points == 10

    post(told("1", type="cancellation", cancels="partner_purchase", msisdn=who.msisdn))
    club.decide()

    assert club.balance(who).spendable_points == 0


def test_in_the_demo_every_source_is_welcome_but_ours(settings: Any) -> None:
    settings.IS_DEMO, settings.EVENT_SOURCES = True, {}

    assert post(told("1", source="anybody")).json()["new"] == 1
    assert post(told("2", source="espp")).json()["rejected"][0]["code"] == "unknown_source"


# ---- files -------------------------------------------------------------------------------------
def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(command, [*map(str, arguments)])


def test_a_file_is_taken_and_the_same_file_again_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(told(str(number)) for number in range(2_001)) + b"\n")

    first, second = run("events", file), run("events", file)

    assert first.exit_code == second.exit_code == 0
    assert first.stdout == ("received 2001, new 2001, duplicate 0, conflicting 0, rejected 0\n")
    assert second.stdout == ("received 2001, new 0, duplicate 2001, conflicting 0, rejected 0\n")
    assert Register.objects.filter(source="events", name="events.jsonl").count() == 2


def test_a_bad_line_is_printed_with_its_number_and_the_end_is_two(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(told("1") + b"\r\n" + b"x" * 100_000 + b"\n\n" + told("2"))

    result = run("events", file)

    assert result.exit_code == 2
    assert result.stdout.splitlines() == [
        "received 3, new 2, duplicate 0, conflicting 0, rejected 1",
        "events.jsonl:2: unreadable: an event has at most 16,384 bytes",
    ]


def test_a_file_that_is_none_of_ours_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "REJECTED_MAX", 3)
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"nonsense\n" * 2_500)

    result = run("events", file)

    assert result.exit_code == 2
    assert result.stdout.startswith("received 2001,")
    assert "over 3 bad lines: the rest is not read" in result.stdout


def test_a_file_that_is_too_large_is_refused_before_anything_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "FILE_BYTES_MAX", 1)
    file = tmp_path / "events.jsonl"
    file.write_bytes(told("1"))

    result = run("events", file)

    assert result.exit_code == 1
    assert "a file of events has at most" in result.stderr
    assert not Event.objects.exists()


def test_what_was_kept_is_adopted_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    post(told("1", type="moon_landing"))
    assert run("adopt").stdout.startswith("0 events of types")

    monkeypatch.setitem(event_types.EVENT_TYPES, "moon_landing", EventType("moon_landing"))

    assert run("adopt").stdout.startswith("1 events of types")
    assert kept.adopt(now=timezone.now()) == 0
    assert Event.objects.get().state == "waiting"
