"""A subscriber is found by number, and by nothing else."""

import pytest

from club.access.models import AuditLine
from club.subscribers import queries
from club.subscribers.rules import masked
from tests.office.conftest import SEARCH


@pytest.mark.parametrize(
    "typed", ["998901234541", "+998 90 123-45-41", "90 123 45 41", "901234541"]
)
def test_a_whole_number_opens_its_page_however_it_is_written(club, agent, typed):
    aziza = club.subscriber(msisdn="998901234541")

    answer = agent.searches(typed)

    assert answer["Location"] == f"{SEARCH}{aziza.id}/"


def test_whoever_typed_the_number_sees_it_whole_and_nobody_else_does(club, agent, administrator):
    club.subscriber(msisdn="998901234541")
    opened = agent.searches("90 123 45 41")["Location"]

    assert "+998 90 123 45 41" in agent.client.get(opened).content.decode()

    colleague = agent.client.__class__(headers={"accept-language": "en"})
    colleague.force_login(agent.staff)
    page = colleague.get(opened).content.decode()
    assert "+998 90 ••• •• 41" in page
    assert "123 45 41" not in page


def test_the_beginning_of_a_number_lists_all_that_begin_so_masked(club, agent):
    found = [club.subscriber(msisdn=f"99890123454{last}") for last in (1, 2)]
    club.subscriber(msisdn="998935550011")

    page = agent.searches("90 1234").content.decode()

    for subscriber in found:
        assert masked(subscriber.msisdn) in page
        assert subscriber.msisdn not in page
    assert "2 subscribers" in page
    assert "+998 93" not in page


def test_the_right_to_see_numbers_shows_them_in_a_list(club, administrator):
    club.subscriber(msisdn="998901234541")

    assert "+998 90 123 45 41" in administrator.searches("90 1234").content.decode()


@pytest.mark.parametrize("typed", ["", "   "])
def test_an_empty_search_lists_nobody(club, agent, typed):
    someone = club.subscriber()

    page = agent.searches(typed).content.decode()

    assert masked(someone.msisdn) not in page
    assert "subscribers found" not in page


@pytest.mark.parametrize("typed", ["9", "998", "+998 9", "abc", "12 3"])
def test_too_few_digits_list_nobody_and_say_so(club, agent, typed):
    someone = club.subscriber()

    page = agent.searches(typed).content.decode()

    assert "Type at least 4 digits" in page
    assert masked(someone.msisdn) not in page


def test_a_number_of_nobody_says_so(club, agent):
    page = agent.searches("90 999 99 99").content.decode()

    assert "Nobody in the club has this number." in page


def test_pages_follow_each_other_without_repeating_anybody(club, agent):
    numbers = [f"9989012340{last:02}" for last in range(30)]
    for number in numbers:
        club.subscriber(msisdn=number)

    first = agent.searches("901234").context["found"]
    second = agent.searches("901234", after=first.next).context["found"]

    assert [each.msisdn for each in (*first.subscribers, *second.subscribers)] == numbers
    assert (len(first.subscribers), second.next) == (25, None)


def test_counting_stops_at_its_limit(club, agent, monkeypatch):
    monkeypatch.setattr(queries, "COUNTED_MAX", 3)
    for last in range(5):
        club.subscriber(msisdn=f"99890123400{last}")

    found = queries.by_number(text="901234", limit=25)

    assert found.count == 4
    assert found.is_more_than_counted


def test_what_was_typed_is_escaped(club, agent):
    page = agent.searches('<script>alert("1234")</script>').content.decode()

    assert "<script>alert" not in page


def test_a_search_leaves_no_number_in_an_address(club, agent):
    club.subscriber(msisdn="998901234541")

    assert "9012345" not in agent.searches("90 123 45 41")["Location"]
    assert agent.client.get(SEARCH, {"number": "901234541"}).context["text"] == ""


def test_without_the_right_nobody_is_found_or_read(club, editor):
    aziza = club.subscriber(msisdn="998901234541")

    for answer in (editor.searches("901234541"), editor.opens(aziza.id)):
        assert answer.status_code == 302
        assert answer["Location"] == "/office/"
    told = editor.client.get("/office/").content.decode()
    assert "you do not have permission" in told
    assert "998 90" not in told
    assert AuditLine.objects.count() == 0


def test_a_search_costs_two_queries_of_ours_whatever_it_finds(
    club, agent, django_assert_num_queries
):
    for last in range(9):
        club.subscriber(msisdn=f"99890123400{last}")
    with django_assert_num_queries(2):
        queries.by_number(text="901234", limit=25)
