"""A club with two months of payments, and a folder of its own for the export."""

import json
from pathlib import Path
from typing import Any

import pytest

from club.access import groups
from club.access.models import Staff
from tests.accrual.conftest import PAYMENT, TEXTS, Office
from tests.builders import member


@pytest.fixture
def club(db: None, settings: Any, tmp_path: Path) -> Office:
    settings.EXPORT = tmp_path / "export"
    office = Office().open()
    office.publish("everyday")
    return office


@pytest.fixture
def marketer(db: None) -> Staff:
    return member("malika", groups.MARKETING)


@pytest.fixture
def head(db: None) -> Staff:
    return member("rustam", groups.MARKETING_HEADS)


def draft(*rules: dict[str, Any], code: str = "spring", **more: Any) -> str:
    named = {rule["id"]: {"names": TEXTS, "rule": rule} for rule in rules}
    return json.dumps({"code": code, "names": TEXTS, "rules": named} | more)


def gift(points: int = 5, **more: Any) -> dict[str, Any]:
    reward = {"kind": "fixed", "points": points, "cap_per_event": 100}
    return {"id": "gift", "when": PAYMENT, "reward": reward} | more
