"""A payment comes in, points come out, a service is bought: over real sockets from end to end."""

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from club.clock import TASHKENT
from club.outcomes import Done
from tests import databases
from tests.scenarios.road import BASE, Road, opened, until

AZIZA = "998907770041"


@pytest.fixture(
    params=["simulators", pytest.param("foreign peers", marks=pytest.mark.peer("java", "node"))]
)
def road(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Road]:
    with (
        databases.cloned(os.environ["DATABASE_URL"], worker="road", base=BASE) as url,
        opened(
            is_foreign=request.param == "foreign peers", database_url=url, home=tmp_path
        ) as started,
    ):
        yield started


def test_a_payment_becomes_points_and_points_become_a_service(road: Road):
    road.subscriber(AZIZA, language="kaa")

    # She pays 400,000 so'm in the app; the agent's document comes twice, as documents do.
    paid = road.agent.pay(AZIZA, amount_uzs=400_000, at=datetime.now(TASHKENT))
    assert isinstance(paid, Done)
    assert isinstance(road.agent.accept(paid.value), Done)

    earned = until(lambda: road.centre.texts(AZIZA), "an SMS about the points")[0]
    points = int(re.sub(r"\D", "", earned.split(" ball berildi")[0]))
    assert points in (600, 720)  # 3 for every full 2,000; a fifth more at the weekend

    # She signs in with the code that she gets by SMS.
    api = road.api
    assert api.post("/auth/otp", json={"msisdn": AZIZA}).status_code == 202
    code = until(lambda: in_sms(r"kodı: (\d{6})", road), "the one-time code")
    tokens = api.post("/auth/token", json={"grant": "otp", "msisdn": AZIZA, "code": code}).json()
    api.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    api.headers["Accept-Language"] = "kaa"

    me = api.get("/me").json()
    assert me["spendable_points"] == points
    assert me["pending_points"] == 25  # the gift for paying in the app is promised
    offered = {reward["code"]: reward for reward in api.get("/catalogue").json()["items"]}
    assert offered["minutes-100"]["name"] == "100 minut"

    # She buys 100 minutes; the button is pressed twice.
    wish = {"reward": "minutes-100", "points": 500}
    first = api.post("/orders", json=wish, headers={"Idempotency-Key": "opened-sheet-0001"})
    again = api.post("/orders", json=wish, headers={"Idempotency-Key": "opened-sheet-0001"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    order = until(
        lambda: settled(api.get(f"/orders/{first.json()['id']}").json()), "the order's end"
    )
    assert order["state"] == "done"
    assert road.switched_on() == {order["id"]: 1}

    # She paid once, sees why in Karakalpak, and is told by SMS.
    assert api.get("/me").json()["spendable_points"] == points - 500
    bought, topped_up = api.get("/history").json()["items"]
    assert (bought["title"], bought["points"]) == ("100 minut", -500)
    assert (topped_up["title"], topped_up["points"]) == ("Esaptı toltırǵanıńız ushın", points)
    assert "400" in topped_up["reason"]
    assert "swm" in topped_up["reason"]
    until(lambda: in_sms(r"(100 minut qosıldı)", road), "an SMS about the minutes")

    proof = road.club("ledger", "prove")
    assert proof.returncode == 0, proof.stdout + proof.stderr


def in_sms(pattern: str, road: Road) -> str | None:
    found = re.findall(pattern, "\n".join(road.centre.texts(AZIZA)))
    return found[-1] if found else None


def settled(order: dict) -> dict | None:
    return order if order["state"] in ("done", "refused") else None
