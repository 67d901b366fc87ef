from collections.abc import Callable

import pytest

from tests.ledger import plain


@pytest.fixture(autouse=True)
def count_of_races(record_property: Callable[[str, object], None]) -> None:
    """Shown below the summary of the run."""
    plain.raced = {}
    record_property("tried", plain.raced)
