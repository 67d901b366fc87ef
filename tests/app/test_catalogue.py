import pytest
from django.utils import timezone

from club.catalogue.models import Reward

LANGUAGES = ["uz", "uz-Cyrl", "ru", "kaa", "en"]


def test_each_reward_says_whether_the_points_suffice_and_what_is_missing(aziza):
    spendable = aziza.spendable()

    catalogue = aziza.get("/catalogue").data

    assert catalogue["spendable_points"] == spendable
    assert {reward["is_affordable"] for reward in catalogue["items"]} == {True, False}
    for reward in catalogue["items"]:
        assert reward["missing_points"] == max(0, reward["price_points"] - spendable)
        assert reward["is_affordable"] == (reward["missing_points"] == 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_and_descriptions_are_empty_in_no_language(bobur, language):
    for reward in bobur.get("/catalogue", accept_language=language).data["items"]:
        assert reward["name"].strip()
        assert reward["description"].strip()


def test_one_reward_reads_like_its_line(bobur):
    first = bobur.get("/catalogue").data["items"][0]

    assert bobur.get(f"/catalogue/{first['code']}").data == first


def test_what_is_not_on_sale_is_not_found(bobur):
    Reward.objects.filter(code="sms-100").update(valid_to=timezone.now())

    for code in ("sms-100", "no-such-thing"):
        answer = bobur.get(f"/catalogue/{code}")
        assert (answer.status_code, answer.data["code"]) == (404, "reward_unavailable")
    assert "sms-100" not in [r["code"] for r in bobur.get("/catalogue").data["items"]]


def test_the_catalogue_is_for_those_who_are_signed_in(stranger):
    assert stranger.get("/catalogue").status_code == 401
    assert stranger.get("/catalogue/sms-100").status_code == 401
