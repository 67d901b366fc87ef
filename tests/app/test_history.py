import pytest

LANGUAGES = ["uz", "uz-Cyrl", "ru", "kaa", "en"]


def test_every_line_has_its_reason(aziza, club):
    club.earns(aziza.who, 50_000)

    page = aziza.get("/history", accept_language="ru").data

    assert sum(line["points"] for line in page["items"]) == aziza.spendable()
    assert {line["kind"] for line in page["items"]} == {"accrual"}
    paid = [line for line in page["items"] if line["title"] == "За пополнение счёта"]
    assert any("Вы заплатили" in line["reason"] and "50" in line["reason"] for line in paid)
    assert all(line["id"] and line["at"] and line["expires_on"] for line in page["items"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_and_reasons_are_empty_in_no_language(aziza, language):
    for line in aziza.get("/history", accept_language=language).data["items"]:
        assert line["title"].strip()
        assert line["reason"].strip()


def test_pages_follow_each_other_without_gap_or_repetition(aziza, club):
    for _ in range(4):
        club.earns(aziza.who, 50_000)
    whole = aziza.get("/history?limit=100").data["items"]

    paged, cursor = [], ""
    while cursor is not None:
        page = aziza.get(f"/history?limit=2{cursor and '&before=' + cursor}").data
        assert len(page["items"]) <= 2
        paged += page["items"]
        cursor = page["next"]

    assert paged == whole
    assert len(whole) > 4


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "before=" + "x" * 501])
def test_a_page_has_its_limits(aziza, query):
    assert aziza.get(f"/history?{query}").data["code"] == "validation_failed"


@pytest.mark.parametrize("cursor", ["x", "MQ==", "é", "bnVsbA=="])
def test_a_cursor_that_is_not_ours_is_refused(aziza, cursor):
    answer = aziza.get(f"/history?before={cursor}")

    assert (answer.status_code, answer.data["code"]) == (422, "bad_cursor")


def test_nobody_sees_the_history_of_another(aziza, bobur, club):
    club.earns(aziza.who, 50_000)
    cursor = aziza.get("/history?limit=1").data["next"]

    assert bobur.get("/history").data == {"items": [], "next": None}
    assert bobur.get(f"/history?before={cursor}").data == {"items": [], "next": None}
