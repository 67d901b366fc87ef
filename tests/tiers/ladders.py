"""Schemes for these tests, put in force as the product does it."""

from typing import Any

from club.languages import CODES
from club.tiers import schemes
from club.tiers.scheme_files import Document
from tests.builders import NOW


def texts(word: str) -> dict[str, str]:
    return {code: f"{word} ({code})" for code in CODES}


def scheme(code: str, *thresholds: int, **fields: Any) -> Document:
    """A scheme of levels `code-0`, `code-1` …; points of a calendar year unless told otherwise."""
    return {
        "form": 1,
        "code": code,
        "names": texts(code),
        "measure": "points",
        "event_type": "",
        "period_months": 12,
        "window_months": 12,
        "grace_days": 0,
        "landing_steps": 1,
        "notice_days": 0,
        "tiers": [
            {
                "code": f"{code}-{rank}",
                "names": texts(f"{code} {rank}"),
                "threshold": threshold,
                "benefits": {"discount_percent": 0, "free_transfers_per_month": 0},
            }
            for rank, threshold in enumerate((0, *thresholds))
        ],
    } | fields


def put(code: str, *thresholds: int, **fields: Any) -> None:
    schemes.put_in_force(scheme(code, *thresholds, **fields), NOW)
