"""A marketer imports a list of subscribers in the office."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from club.access import groups
from club.accrual.models import Segment
from tests.builders import Club, member
from tests.office.conftest import Desk

LISTS = "/office/segments/"


@pytest.fixture
def marketer(club: Club) -> Desk:
    return Desk(member("malika", groups.MARKETING))


def uploaded(desk: Desk, text: str, **fields: str) -> tuple[int, str]:
    given = {"code": "vip", "name": "The <b>best</b>", "why": "new year"} | fields
    file = SimpleUploadedFile("vip.txt", text.encode())
    answer = desk.client.post(LISTS, given | {"file": file})
    return answer.status_code, answer.content.decode()


def test_an_imported_list_stands_on_the_page_with_its_size(club, marketer):
    people = [club.subscriber() for _ in range(3)]
    status, page = uploaded(marketer, "\n".join(one.msisdn for one in people))

    assert status == 200
    assert "Lines: 3. On the list: 3. Cannot be used: 0." in page
    assert "New on it: 3, no longer on it: 0." in page
    assert "The &lt;b&gt;best&lt;/b&gt;" in page
    assert Segment.objects.get().list.members == 3


def test_broken_lines_are_told_by_their_number_and_what_was_typed_stays(club, marketer):
    who = club.subscriber()
    status, page = uploaded(marketer, f"{who.msisdn}\n998000000000\nwho")

    assert status == 422
    assert "Line 2 is nobody of the programme" in page
    assert "Line 3 is no phone number" in page
    assert "998000000000" not in page
    assert 'value="new year"' in page
    assert not Segment.objects.exists()

    status, page = uploaded(marketer, f"{who.msisdn}\nwho", accept_broken="on")
    assert status == 200
    assert Segment.objects.get().list.members == 1


def test_a_page_without_a_file_or_with_a_bad_code_says_so(marketer):
    assert marketer.client.post(LISTS, {"code": "vip", "name": "a"}).status_code == 422
    status, page = uploaded(marketer, "x", code="VIP!")
    assert status == 422
    assert "A list needs a file, a code of small Latin letters" in page


def test_a_file_in_which_nobody_is_known_is_told_with_its_lines(marketer):
    status, page = uploaded(marketer, "998000000000", accept_broken="on")
    assert status == 422
    assert "Nobody in this file is in the programme" in page
    assert "Line 1 is nobody of the programme" in page


def test_a_list_that_no_rule_asks_for_is_deleted(club, marketer):
    uploaded(marketer, club.subscriber().msisdn)
    page = marketer.client.post(LISTS, {"deed": "delete", "code": "vip"}).content.decode()

    assert "There is no list yet." in page
    assert marketer.client.post(LISTS, {"deed": "delete", "code": "vip"}).status_code == 422


def test_only_those_with_the_right_see_the_lists(agent, marketer):
    assert agent.client.get(LISTS).status_code == 302
    assert LISTS not in agent.client.get("/office/").content.decode()
    assert LISTS in marketer.client.get("/office/").content.decode()
