from collections.abc import Iterator
from datetime import date
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import override_settings

from club.ledger import queries
from tests.ledger.months.living import detach, live, oldest
from tests.ledger.plain import ME, YOU, account, lots


@pytest.fixture(scope="module")
def lived_once(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The same old month for all tests here: each puts back what it did."""
    folder = tmp_path_factory.mktemp("seals")
    with django_db_blocker.unblock():
        with override_settings(SEALS=folder), transaction.atomic():
            live(oldest())
            yield folder
            transaction.set_rollback(True)
        connection.close()


@pytest.fixture
def lived(lived_once: Path, settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.SEALS = copytree(lived_once, tmp_path / "seals")
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture
def old(lived: None) -> date:
    return oldest()


@pytest.fixture
def table(old: date) -> str:
    return f"posting_{old:%Y%m}"


@pytest.fixture
def detached(old: date) -> None:
    before = (account(ME), account(YOU), lots(ME), lots(YOU), queries.totals())

    done = detach(old)

    assert (done.is_fresh, done.is_attached) == (True, True)
    assert (account(ME), account(YOU), lots(ME), lots(YOU), queries.totals()) == before
