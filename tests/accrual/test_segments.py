"""Lists of subscribers: imported from a file, asked for by rules, changed by four eyes."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import connection
from django.test.utils import CaptureQueriesContext

from club.access import groups, proposals
from club.access.errors import MayNotPropose
from club.access.models import AuditLine, Proposal, Staff
from club.accrual import campaigns, erasure, segments
from club.accrual.errors import (
    BadCampaign,
    BadSegment,
    NobodyOnList,
    NoSuchSegment,
    SegmentInUse,
    TooManyBroken,
)
from club.accrual.models import MemberList, Outcome, Segment, SegmentMember
from club.cli import club as command
from club.subscribers.models import Subscriber
from tests.accrual.conftest import PAYMENT, TEXTS, Office
from tests.builders import member, simulated

pytestmark = pytest.mark.usefixtures("in_english")
ON_IT = {"kind": "in_segment", "segment": "vip"}
FIVE = {"kind": "fixed", "points": 5, "cap_per_event": 5}


class Desk:
    def __init__(self, club: Office) -> None:
        self.club = club
        self.marketer = member("malika", groups.MARKETING)
        self.head = member("rustam", groups.MARKETING_HEADS)

    def imports(self, text: str | bytes, code: str = "vip", **how: Any) -> segments.Report:
        stream = io.BytesIO(text if isinstance(text, bytes) else text.encode())
        terms: dict[str, Any] = {"name": "The best", "why": "new year", "by": self.marketer}
        return segments.bring_in(code=code, stream=stream, now=self.club.now, **terms | how)

    def approves(self, proposal: Proposal) -> None:
        proposals.approve(
            proposal_id=proposal.pk, digest=proposal.digest, by=self.head, now=self.club.now
        )

    def runs_the_campaign(self) -> None:
        text = simulated(campaign(), by=self.marketer, now=self.club.now)
        self.approves(campaigns.propose(text=text, why="vip", by=self.marketer, now=self.club.now))

    def earned(self, who: Subscriber) -> int:
        """What a payment too small for the everyday rule brings."""
        before = self.club.balance(who).spendable_points
        return self.club.earns(who, 900) - before


def campaign(when: dict[str, Any] = ON_IT) -> str:
    rule = {"id": "vip-gift", "when": {"kind": "all", "of": [PAYMENT, when]}, "reward": FIVE}
    named = {"vip-gift": {"names": TEXTS, "rule": rule}}
    return json.dumps({"code": "vip", "names": TEXTS, "rules": named})


@pytest.fixture
def desk(club: Office) -> Desk:
    return Desk(club)


@pytest.fixture
def people(club: Office) -> list[Subscriber]:
    return [club.subscriber() for _ in range(4)]


def numbers(*people: Subscriber) -> str:
    return "".join(f"{one.msisdn}\n" for one in people)


def on_the_list(code: str = "vip") -> list[str]:
    return [*segments.members(code)]


def test_who_is_on_the_list_gets_the_points_and_nobody_else(
    desk: Desk, people: list[Subscriber]
) -> None:
    aziza, botir, *_ = people
    desk.imports(numbers(aziza))
    desk.runs_the_campaign()

    assert (desk.earned(aziza), desk.earned(botir)) == (5, 0)
    assert [*Outcome.objects.order_by("event_id").values_list("facts__segments", flat=True)] == [
        ["vip"], [],
    ]  # fmt: skip


def test_a_list_that_a_rule_asks_for_is_changed_by_four_eyes_and_in_one_step(
    desk: Desk, people: list[Subscriber]
) -> None:
    aziza, botir, *_ = people
    desk.imports(numbers(aziza))
    desk.runs_the_campaign()
    asked = desk.imports(numbers(botir))

    assert asked.proposal is not None
    assert (asked.joined, asked.left) == (1, 1)
    assert on_the_list() == [aziza.msisdn]
    assert (desk.earned(aziza), desk.earned(botir)) == (5, 0)
    assert aziza.msisdn not in json.dumps(asked.proposal.document)

    desk.approves(asked.proposal)

    assert (desk.earned(aziza), desk.earned(botir)) == (0, 5)
    assert MemberList.objects.count() == 1, "the old list is swept away"
    assert SegmentMember.objects.count() == 1


def test_a_refused_list_is_swept_away_and_a_waiting_one_is_not(
    desk: Desk, people: list[Subscriber]
) -> None:
    desk.imports(numbers(people[0]))
    desk.runs_the_campaign()
    proposal = desk.imports(numbers(people[1])).proposal
    assert proposal is not None
    segments.sweep()
    assert MemberList.objects.count() == 2

    proposals.refuse(proposal_id=proposal.pk, why="no", by=desk.head, now=desk.club.now)
    segments.sweep()

    assert MemberList.objects.count() == SegmentMember.objects.count() == 1
    assert on_the_list() == [people[0].msisdn]


def test_a_list_that_no_rule_asks_for_is_replaced_at_once_and_audited(
    desk: Desk, people: list[Subscriber]
) -> None:
    desk.imports(numbers(*people[:2]))
    report = desk.imports(numbers(*people[1:4]))

    assert (report.joined, report.left, report.proposal) == (2, 1, None)
    assert on_the_list() == sorted(one.msisdn for one in people[1:4])
    lines = AuditLine.objects.filter(subject_kind="accrual.segment", subject_id="vip")
    assert [(line.action, line.details["members"]) for line in lines.order_by("id")] == [
        ("segment.imported", 2), ("segment.imported", 3),
    ]  # fmt: skip
    assert SegmentMember.objects.count() == 3


def test_the_same_list_again_changes_nothing(desk: Desk, people: list[Subscriber]) -> None:
    desk.imports(numbers(*people))
    again = desk.imports(numbers(*reversed(people)))

    assert not again.is_changed
    assert MemberList.objects.count() == 1
    assert AuditLine.objects.filter(subject_kind="accrual.segment").count() == 1


def test_every_broken_line_is_told_by_its_number_and_never_with_the_phone_number(
    desk: Desk, people: list[Subscriber]
) -> None:
    aziza, botir, *_ = people
    text = (
        b"\xef\xbb\xbfMSISDN\r\n"
        + f"+{aziza.msisdn[:3]} {aziza.msisdn[3:5]} {aziza.msisdn[5:]}\r\n\r\n".encode()
        + f"{aziza.msisdn}\n998000000000\nwho\n{'9' * 5000}\n\xff\n{botir.msisdn[3:]}".encode(
            "latin-1"
        )
    )
    faults = io.BytesIO()
    report = desk.imports(text, accept_broken=True, faults_to=faults)

    assert (report.lines, report.members, report.broken) == (7, 2, 5)
    assert report.shown == [
        (4, "twice"), (5, "unknown_subscriber"), (6, "no_number"), (7, "no_number"), (8, "no_number"),
    ]  # fmt: skip
    assert faults.getvalue().decode().splitlines()[:3] == [
        "line,fault",
        "4,twice",
        "5,unknown_subscriber",
    ]
    assert on_the_list() == sorted([aziza.msisdn, botir.msisdn])


def test_of_a_file_with_too_many_broken_lines_nothing_is_taken(
    desk: Desk, people: list[Subscriber]
) -> None:
    desk.imports(numbers(people[0]))
    wrong = "998000000000\n"
    with pytest.raises(TooManyBroken) as refused:
        desk.imports(numbers(people[1]) + wrong)

    report = refused.value.values["report"]
    assert isinstance(report, segments.Report)
    assert (report.lines, report.broken) == (2, 1)
    assert on_the_list() == [people[0].msisdn]
    assert MemberList.objects.count() == 1
    many = [desk.club.subscriber() for _ in range(19)]
    assert desk.imports(numbers(*many) + wrong).broken == 1, "one in twenty is still taken"


def test_nobody_makes_an_empty_list_or_one_of_a_bad_code_or_without_the_right(
    desk: Desk, people: list[Subscriber]
) -> None:
    with pytest.raises(NobodyOnList):
        desk.imports("998000000000\n", accept_broken=True)
    with pytest.raises(BadSegment, match="code"):
        desk.imports(numbers(*people), code="VIP 2026")
    with pytest.raises(BadSegment, match="name"):
        desk.imports(numbers(*people), name=" \n")
    with pytest.raises(MayNotPropose):
        desk.imports(numbers(*people), by=member("dilnoza", groups.CALL_CENTRE))

    assert not Segment.objects.exists()
    assert not SegmentMember.objects.exists()


def test_a_rule_that_asks_for_no_list_at_all_or_an_empty_one_is_refused_at_its_place(
    desk: Desk, people: list[Subscriber]
) -> None:
    def places() -> list[tuple[str, str]]:
        with pytest.raises(BadCampaign) as refused:
            desk.runs_the_campaign()
        problems: Any = refused.value.values["problems"]
        return [(one["where"], one["what"]) for one in problems]

    where = "rules/vip-gift/rule/when/of/1/segment"
    assert places() == [(where, "There is no list “vip”. Import it first, or correct its name.")]
    desk.imports(numbers(people[0]))
    MemberList.objects.update(members=0)
    assert places() == [(where, "The list “vip” is empty. Import somebody into it first.")]


def test_a_list_that_a_rule_asks_for_is_not_deleted(desk: Desk, people: list[Subscriber]) -> None:
    desk.imports(numbers(people[0]))
    desk.runs_the_campaign()
    with pytest.raises(SegmentInUse) as refused:
        segments.delete(code="vip", by=desk.marketer, now=desk.club.now)
    assert refused.value.values["rules"] == ["vip-gift"]

    desk.imports(numbers(people[0]), code="other")
    segments.delete(code="other", by=desk.marketer, now=desk.club.now)

    assert [one.code for one in segments.segments()] == ["vip"]
    assert AuditLine.objects.filter(action="segment.deleted", subject_id="other").count() == 1
    with pytest.raises(NoSuchSegment):
        segments.delete(code="other", by=desk.marketer, now=desk.club.now)


def test_an_erased_person_is_on_no_list(desk: Desk, people: list[Subscriber]) -> None:
    desk.imports(numbers(*people))
    erasure.erase_subscriber(subscriber_id=people[0].id, now=desk.club.now)

    assert on_the_list() == sorted(one.msisdn for one in people[1:])


def test_lists_cost_a_batch_one_statement_and_nothing_while_no_rule_asks(
    desk: Desk, people: list[Subscriber]
) -> None:
    def statements() -> int:
        for one in people:
            desk.club.pays(one, 900)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            desk.club.decide()
        return sum("segment" in one["sql"] for one in seen.captured_queries)

    desk.imports(numbers(*people[:2]))
    assert statements() == 0
    assert segments.of_subscribers([one.id for one in people], codes=["vip", "none"]) == {
        one.id: ("vip",) for one in people[:2]
    }


def test_thousands_of_lines_are_taken_in_order_and_out_of_it(desk: Desk) -> None:
    made = Subscriber.objects.bulk_create(
        Subscriber(msisdn=f"99893{n:07}", joined_at=desk.club.now) for n in range(25_000)
    )
    lines = [one.msisdn for one in reversed(made)]
    report = desk.imports("\n".join([*lines, *lines[:1000]]), accept_broken=True)

    assert (report.lines, report.members, report.faults) == (26_000, 25_000, {"twice": 1000})
    assert sum(1 for _ in segments.members("vip")) == 25_000


def test_staff_do_it_from_the_command_line(
    desk: Desk, people: list[Subscriber], tmp_path: Path
) -> None:
    path, faults = tmp_path / "vip.txt", tmp_path / "faults.csv"
    path.write_text(numbers(*people) + "nonsense\n")

    def club(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(command, ["segments", *words])
        assert result.exit_code == code, result.output
        return result.output

    why = ("--why", "new year", "--by", "malika")
    refused = club("import", "vip", str(path), *why, code=1)
    assert "line 5 is no phone number" in refused
    assert "1 of 5 lines cannot be used: nothing was changed" in refused
    told = club("import", "vip", str(path), *why, "--accept-broken", "--report", str(faults))
    assert "vip is in force: 4 joined, 0 left" in told
    assert faults.read_text().splitlines() == ["line,fault", "5,no_number"]
    assert "vip" in club("list")
    shown = club("show", "vip")
    assert "4 members" in shown
    assert people[0].msisdn not in shown
    club("export", "vip", "--by", "malika", code=1)
    Staff.objects.filter(username="malika").update(is_superuser=True)
    assert club("export", "vip", "--by", "malika").split() == sorted(p.msisdn for p in people)
    assert AuditLine.objects.filter(action="segment.exported").count() == 1
    assert "deleted" in club("delete", "vip", "--by", "malika")
