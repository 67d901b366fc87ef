from collections.abc import Iterator
from typing import Any

import pytest

from tests.orders.shop import Shop, open_shop

SCRIPT = {"provisioning": "tests.orders.scripted.ScriptedProvisioning"}


@pytest.fixture
def shop(db: None, settings: Any) -> Iterator[Shop]:
    settings.CLUB_PORTS = SCRIPT
    with open_shop() as opened:
        yield opened


@pytest.fixture
def busy_shop(transactional_db: None, settings: Any) -> Iterator[Shop]:
    """For what happens at once: every step is really committed."""
    settings.CLUB_PORTS = SCRIPT
    with open_shop() as opened:
        yield opened
