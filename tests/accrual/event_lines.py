"""Events as their senders write them."""

import json
from typing import Any

from tests.builders import NOW


def told(id_: str, **changes: Any) -> bytes:
    """One event in our own format, of a source that tests know."""
    usual = {
        "source": "billing",
        "type": "card_linked",
        "id": id_,
        "occurred_at": NOW.isoformat(),
        "msisdn": "998901234567",
    }
    return json.dumps(usual | changes, ensure_ascii=False).encode()
