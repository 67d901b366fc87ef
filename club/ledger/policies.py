"""The terms in force, as the operator set them (`docs/operations.md` has the list)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from club.ledger.rules import TransferPolicy


def of_transfers() -> TransferPolicy:
    terms: dict[str, Any] = settings.TRANSFERS
    return TransferPolicy(**terms)


def of_pots() -> TransferPolicy:
    """Paying into the family's pot is sending, under the same limits; the fee is not asked."""
    return replace(of_transfers(), fee_fixed_points=0, fee_basis_points=0)


def frozen_until(now: datetime) -> datetime:
    """How long nothing is sent after a SIM swap or a change of owner that happened now."""
    return now + timedelta(hours=settings.TRANSFER_FREEZE_HOURS)
