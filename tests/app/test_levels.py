from datetime import timedelta

import pytest
from django.utils import timezone

from club.catalogue.models import Reward
from club.clock import day_of
from club.engagement import gifts
from club.ledger import actions as ledger
from club.ledger.rules import Accrual, Source
from club.orders.models import Order
from club.tiers import actions as tiers
from club.tiers.models import Standing

SENTENCES = {
    "uz": "Shu surʼatda {day} kuni: Kumush",
    "uz-cyrl": "Шу суръатда {day} куни: Кумуш",
    "ru": "В таком темпе к {day}: Серебро",
    "kaa": "Usı pátte {day} kúni: Gúmis",
    "en": "Silver by {day} at this pace",
}


def earns(app, points, *, days_ago=0):
    on = day_of(timezone.now()) - timedelta(days=days_ago)
    ref = f"test:{points}:{days_ago}"
    ledger.post_many(
        source=Source.IMPORT,
        accruals=[
            Accrual(
                app.who.id, ref, on, points, on + timedelta(days=400), 0, ref.encode().ljust(16)
            )
        ],
    )
    tiers.reconsider(subscriber_ids=[app.who.id], now=timezone.now())


def club_level(app, language="en"):
    return app.get("/me/levels", accept_language=language).data["items"][0]


@pytest.mark.parametrize("language", SENTENCES)
def test_the_next_level_is_forecast_at_the_pace_of_the_last_three_months(bobur, language):
    earns(bobur, 900)

    told = club_level(bobur, {"uz-cyrl": "uz-Cyrl"}.get(language, language))

    on = day_of(timezone.now()) + timedelta(days=60)  # ten points a day, and 600 are missing
    assert (told["level"]["code"], told["measured"]) == ("bronze", 900)
    assert told["next"]["reached_on"] == on.isoformat()
    assert (told["next"]["threshold"], told["next"]["missing"]) == (1_500, 600)
    assert told["next"]["text"] == SENTENCES[language].format(day=f"{on:%d.%m.%Y}")
    assert told["falls"] is None


def test_without_a_pace_nothing_is_forecast(bobur):
    told = club_level(bobur)

    assert told["next"]["missing"] == 1_500
    assert told["next"]["reached_on"] is None
    assert told["next"]["text"] is None


def test_whoever_is_going_to_fall_reads_to_which_level_and_when(bobur):
    earns(bobur, 5_000, days_ago=400)
    Standing.objects.filter(subscriber_id=bobur.who.id, scheme="club").delete()
    Standing.objects.create(
        subscriber_id=bobur.who.id, scheme_id="club", tier_id="gold", since=timezone.now(),
        measured=5_000, why="earned",
    )  # fmt: skip

    told = club_level(bobur)

    assert told["level"]["code"] == "gold"
    assert told["falls"]["code"] in ("bronze", "silver")
    assert told["falls"]["text"].startswith(told["falls"]["name"] + " from ")
    assert told["falls"]["falls_on"] > day_of(timezone.now()).isoformat()


def test_every_scheme_is_told_with_its_name_in_the_reader_s_language(bobur):
    items = bobur.get("/me/levels", accept_language="ru").data["items"]

    assert [(one["scheme"]["code"], one["scheme"]["name"]) for one in items] == [
        ("club", "Уровни клуба"),
        ("years", "Годы с нами"),
    ]
    assert items[1]["scheme"]["measure"] == "tenure_months"


def test_the_levels_are_for_those_who_are_signed_in(stranger):
    assert stranger.get("/me/levels").status_code == 401


# ---- what a level brings -----------------------------------------------------------------------
def reward(app, code="minutes-100"):
    return app.get(f"/catalogue/{code}").data


def test_gold_pays_less_and_sees_the_full_price_beside_it(bobur):
    assert (reward(bobur)["price_points"], reward(bobur)["full_price_points"]) == (500, 500)
    earns(bobur, 5_000)

    assert (reward(bobur)["price_points"], reward(bobur)["full_price_points"]) == (475, 500)
    assert bobur.orders("minutes-100", 475).status_code == 201
    assert bobur.held() == 475
    assert Order.objects.get().price_points == 475


def test_an_order_at_the_full_price_is_told_of_the_better_one(bobur):
    earns(bobur, 5_000)

    refused = bobur.orders("minutes-100", 500)

    assert (refused.data["code"], refused.data["price_points"]) == ("price_changed", 475)
    assert bobur.held() == 0


def test_whoever_stands_on_gold_reads_how_many_gifts_are_still_free_this_month(aziza, bobur):
    def free(app):
        benefits = club_level(app)["benefits"]
        return benefits["free_transfers_left"], benefits["free_transfers_per_month"]

    assert free(bobur) == (0, 0)
    earns(bobur, 5_000, days_ago=60)
    assert free(bobur) == (1, 1)

    gifts.send(
        subscriber_id=bobur.who.id, to_subscriber_id=aziza.who.id, points=100,
        source=Source.STAFF, ref="a gift", now=timezone.now(),
    )  # fmt: skip

    assert free(bobur) == (0, 1)


@pytest.mark.parametrize(
    ("language", "gold"), [("en", "Gold"), ("ru", "Золото"), ("uz", "Oltin"), ("kaa", "Altın")]
)
def test_a_reward_for_gold_is_shown_to_all_and_sold_to_gold(bobur, language, gold):
    Reward.objects.filter(code="minutes-100").update(level_min="gold")
    earns(bobur, 1_500)
    shown = bobur.get("/catalogue/minutes-100", accept_language=language).data
    assert shown["level_required"] == {"code": "gold", "name": gold, "rank": 2}

    refused = bobur.post(
        "/orders", {"reward": "minutes-100", "points": 500},
        idempotency_key="key-00000001", accept_language=language,
    )  # fmt: skip
    assert (refused.status_code, refused.data["code"]) == (409, "level_too_low")
    assert refused.data["level"] == gold
    assert gold in refused.data["detail"]
    assert bobur.held() == 0

    earns(bobur, 4_000)
    assert reward(bobur)["level_required"] is None
    assert bobur.orders("minutes-100", 475).status_code == 201
