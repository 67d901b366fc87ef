"""The daily register: read as a stream, taken in by two thousands, every bad line named."""

import io
import time
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from club.accrual import intake
from club.accrual.models import Conflict, Event, Register, Rejection
from club.clock import TASHKENT
from club.errors import ClubError
from club.integrations.espp import register, values
from club.integrations.espp.refusals import BadField
from club.integrations.espp.register_format import (
    HEADING,
    LINE_BYTES_MAX,
    AgentPayment,
    Reader,
    line_of,
    payment_of,
    write_csv,
    write_xml,
)
from tests.espp.test_messages import AGENTS, MOMENTS, PAYMENT_IDS, SUMS, TEXTS

FIELDS = TEXTS.filter(lambda text: ";" not in text)
PAYMENTS = st.builds(
    AgentPayment,
    agent=AGENTS,
    payment_id=PAYMENT_IDS,
    paid_at=MOMENTS,
    msisdn=FIELDS,
    amount_tiyin=SUMS,
    espp_id=FIELDS,
    terminal=FIELDS,
    operator=FIELDS,
    account=FIELDS,
    means=FIELDS,
    debt_tiyin=SUMS,
)
NOON = datetime(2026, 8, 1, 12, 0, tzinfo=TASHKENT)


def payment(number: int, **change: object) -> AgentPayment:
    plain = AgentPayment(
        agent="paynet",
        payment_id=f"{number}",
        paid_at=NOON,
        msisdn=f"99890{number:07}",
        amount_tiyin=100_000,
        espp_id=f"8{number:06}",
        terminal="T1",
    )
    return plain._replace(**change)


def csv_of(payments: list[AgentPayment]) -> bytes:
    text = io.StringIO()
    write_csv(payments, text)
    return text.getvalue().encode()


def xml_of(payments: list[AgentPayment]) -> bytes:
    stream = io.BytesIO()
    write_xml(
        payments,
        stream,
        packet_id="1",
        contract="C-17",
        since=NOON,
        until=NOON + timedelta(hours=12),
    )
    return stream.getvalue()


def lines(body: bytes) -> list[str]:
    return [line.text for line in Reader(io.BytesIO(body)) if not line.problem]


def take(body: bytes, *, now: datetime):
    return register.take(io.BytesIO(body), name="day.txt", now=now)


# ---- the two forms ----------------------------------------------------------------------------


@given(PAYMENTS)
def test_a_line_that_is_written_is_read_again(written):
    assert payment_of(line_of(written)) == written


@given(st.lists(PAYMENTS, max_size=5))
def test_both_forms_hold_the_same_lines(payments):
    expected = [line_of(each) for each in payments]
    assert lines(csv_of(payments)) == expected
    assert lines(xml_of(payments)) == expected


@given(st.binary(max_size=600))
def test_random_bytes_give_lines_or_problems_and_never_anything_else(body):
    for line in Reader(io.BytesIO(body)):
        try:
            outcome = payment_of(line.text)
        except ClubError as refusal:
            outcome = refusal.message
        assert outcome


@given(st.data())
def test_a_mutilated_register_never_breaks_the_reader(data):
    body = bytearray(xml_of([payment(1), payment(2)]))
    for _ in range(data.draw(st.integers(1, 5))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    for line in Reader(io.BytesIO(bytes(body))):
        assert line.problem is None or line.problem.message


def test_the_lines_of_the_published_clients_are_read():
    oracle = payment_of("77;8001;20260801120000000;7001;0001.7;901234567;;;50000.00;860;1;48500.00")
    ruby = payment_of("77;8001;2026-08-01 07:00:00 UTC;7001;7;901234567;;;50000.0;860;1;0")

    assert oracle == AgentPayment(
        agent="77",
        payment_id="7001",
        paid_at=NOON,
        msisdn="901234567",
        amount_tiyin=5_000_000,
        espp_id="8001",
        terminal="0001.7",
        debt_tiyin=4_850_000,
    )
    assert (ruby.paid_at, ruby.amount_tiyin) == (NOON, 5_000_000)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_a_csv_may_be_in_either_encoding_with_a_mark_and_without_a_heading(encoding):
    line = line_of(payment(1, terminal="Чиланзар"))
    assert lines(f"{HEADING}\r\n{line}\r\n\r\n".encode(encoding)) == [line]
    assert lines(line.encode(encoding)) == [line]


def test_a_comparison_packet_may_be_in_windows_1251():
    text = xml_of([payment(1, terminal="Чиланзар")]).decode().split("?>", 1)[1]
    body = f'<?xml version="1.0" encoding="windows-1251"?>{text}'.encode("cp1251")
    assert lines(body) == [line_of(payment(1, terminal="Чиланзар"))]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("paynet;1;2", "a line has 12 fields; this one has 3"),
        (line_of(payment(1)).replace("860", "643"), "only so'm are taken"),
        (line_of(payment(1)).replace("1000.00", "ten"), "a sum is written in digits"),
        (line_of(payment(1)).replace("2026-08-01T", "2026-08-32T"), "no such date"),
    ],
)
def test_what_is_wrong_with_a_line_is_said(text, reason):
    with pytest.raises(ClubError, match=reason):
        payment_of(text)


@pytest.mark.parametrize(
    "doctype",
    ['<!DOCTYPE a [<!ENTITY x "y">]>', '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd">'],
)
def test_a_document_type_in_a_register_is_refused_on_sight(doctype):
    body = f"{doctype}<comparePacket><payments><p>&x;</p></payments></comparePacket>"
    (line,) = Reader(io.BytesIO(body.encode()))
    assert line.problem.message == "a document type is not accepted"


def test_a_document_type_is_seen_however_late_it_stands_and_however_large_it_is():
    laughs = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 50_000))
    body = f"<!--{' ' * 300_000}--><!DOCTYPE a [{laughs}]><comparePacket/>".encode()
    started_s = time.process_time()
    (line,) = Reader(io.BytesIO(body))
    assert line.problem.message == "a document type is not accepted"
    assert time.process_time() - started_s < 1


# ---- taken in -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [csv_of, xml_of])
def test_a_register_is_taken_in_and_the_same_file_again_is_all_duplicates(form, open_club):
    body = form([payment(number) for number in range(1, 2_102)])
    now = NOON + timedelta(hours=13)

    first, second = take(body, now=now), take(body, now=now)

    assert first.summary() == "received 2101, new 2101, duplicate 0, conflicting 0, rejected 0"
    assert second.summary() == "received 2101, new 0, duplicate 2101, conflicting 0, rejected 0"
    assert Event.objects.count() == 2_101
    rows = Register.objects.order_by("id").values_list("name", "received", "new", "duplicate")
    assert list(rows) == [("day.txt", 2_101, 2_101, 0), ("day.txt", 2_101, 0, 2_101)]
    assert len(set(Register.objects.values_list("sha256", flat=True))) == 1


def test_what_the_feed_brought_is_known_to_the_register(agent, open_club, now):
    document = agent.document("998901234567", amount_uzs=50_000, at=now)
    agent.accept(document)
    same = payment(
        1,
        agent="beepul",
        payment_id=document.payment_id,
        paid_at=now,
        msisdn="901234567",
        amount_tiyin=5_000_000,
    )
    counts = take(csv_of([same, same._replace(amount_tiyin=1)]), now=now)

    assert counts.summary() == "received 2, new 0, duplicate 1, conflicting 1, rejected 0"
    assert Event.objects.get().amount_tiyin == 5_000_000
    assert Conflict.objects.get().payload["amount_tiyin"] == 1


BROKEN = {
    "three fields": ("paynet;1;2", "bad_field", "a line has 12 fields; this one has 3"),
    "an unknown agent": (
        line_of(payment(9, agent="x")),
        "unknown_agent",
        "this agent is not known",
    ),
    "no amount": (line_of(payment(9, amount_tiyin=0)), "not_positive", "must be more than zero"),
    "a bad number": (line_of(payment(9, msisdn="12")), "bad_msisdn", "twelve digits"),
    "tomorrow": (line_of(payment(9, paid_at=NOON + timedelta(days=2))), "in_the_future", "future"),
    "an endless line": ("9" * (LINE_BYTES_MAX + 1), "body_too_large", "at most 2000 bytes"),
    "a NUL": ("paynet\0;1", "bad_field", "this one has 2"),
}


@pytest.mark.parametrize("form", ["csv", "xml"])
@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_line_in_the_middle_is_kept_with_its_number_and_the_others_go_in(
    what, form, open_club
):
    text, code, reason = BROKEN[what]
    texts = [line_of(payment(1)), line_of(payment(2)), text, line_of(payment(3))]
    if form == "csv":
        body = "\n".join(texts).encode()
    else:
        inside = "".join(f"<p>{each}</p>" for each in texts).replace("\0", "?")
        body = f"<comparePacket><payments>{inside}</payments></comparePacket>".encode()

    counts = take(body, now=NOON + timedelta(hours=1))

    assert (counts.received, counts.new) == (4, 3)
    ((number, found, why),) = counts.rejected
    assert (number, found) == (3, code)
    assert reason in why
    assert Event.objects.count() == 3
    kept = Rejection.objects.get()
    assert (kept.line, kept.code, kept.reason) == (3, found, why)
    assert kept.raw.startswith(text[:5])
    assert kept.register == Register.objects.get()
    assert (kept.register.received, kept.register.rejected) == (4, 1)


def test_where_a_packet_breaks_off_the_part_before_is_taken(open_club):
    body = xml_of([payment(number) for number in range(1, 6)])
    torn = body[: body.index(b'<p id="4">') + 30]

    counts = take(torn, now=NOON + timedelta(hours=1))

    assert counts.new == 3
    assert counts.rejected[0].line == 4
    assert "broken at line 2" in counts.rejected[0].reason


def test_a_summary_that_does_not_fit_its_lines_is_reported(open_club):
    body = xml_of([payment(1), payment(2)])
    wrong = body.replace(b"<totalSum>2000.00<", b"<totalSum>9999.00<").replace(
        b"<totalAmountOfPayments>2<", b"<totalAmountOfPayments>3<"
    )

    counts = take(wrong, now=NOON + timedelta(hours=1))

    assert counts.new == 2
    assert [reason for _, _, reason in counts.rejected] == [
        "the summary names 3 payments, the register holds 2",
        "the summary names a sum of 9999.00, the lines that can be read add up to 2000.00",
    ]
    assert Register.objects.get().rejected == 2


def test_a_summary_that_cannot_be_read_is_reported(open_club):
    body = xml_of([payment(1)]).replace(b"<totalSum>1000.00<", b"<totalSum>much<")
    counts = take(body, now=NOON + timedelta(hours=1))
    assert counts.new == 1
    assert "summary: a sum is written in digits" in counts.rejected[0].reason


@pytest.mark.parametrize(
    "body", [b"", b"\n\n", HEADING.encode(), b"<comparePacket/>", b"\xef\xbb\xbf"]
)
def test_a_register_without_payments_is_no_success(body, open_club):
    counts = take(body, now=NOON)
    assert [each.reason for each in counts.rejected] == ["the register holds no payments"]


def test_a_file_over_the_limit_is_refused_before_anything_is_taken(
    open_club, monkeypatch, nothing_was_written
):
    body = csv_of([payment(1)])
    monkeypatch.setattr(intake, "FILE_BYTES_MAX", len(body))
    assert take(body, now=NOON + timedelta(hours=1)).new == 1

    monkeypatch.setattr(intake, "FILE_BYTES_MAX", len(body) - 1)
    with pytest.raises(intake.FileTooLarge):
        take(body, now=NOON)
    assert Register.objects.count() == 1


def test_a_file_that_is_no_register_stops_at_the_limit_of_bad_lines(open_club, monkeypatch):
    monkeypatch.setattr(register, "REJECTED_MAX", 5)
    monkeypatch.setattr(register, "CHUNK_LINES", 4)
    counts = take(b"no register\n" * 100, now=NOON)
    assert counts.new == 0
    assert len(counts.rejected) == 9  # two slices of four, and the sentence that it stops here
    assert counts.rejected[-1].reason == "over 5 bad lines: the rest is not read"


def test_the_means_of_a_register_are_strict_about_the_agents_own_ids():
    with pytest.raises(BadField):
        values.payment_id("Жалаб")
