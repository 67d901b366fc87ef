"""The demo's kiosk: asks the simulated payment agent to pay, which then speaks to our intake."""

import httpx
from django.conf import settings

from club.errors import ClubError

AGENTS = {"app": "beepul", "kiosk": "paynet", "bank": "bank", "shop": "shop"}
TIMEOUT_S = 10.0
AMOUNT_UZS_MAX = 10_000_000_000


class PaymentFailed(ClubError):
    code = "payment_refused"


def pay(*, msisdn: str, amount_uzs: int, channel: str) -> None:
    """Pay `amount_uzs` so'm for a number through one of the demo's channels.

    Raises ValueError for an amount or a channel that makes no sense, PaymentFailed with the
    agent's own words for everything that comes later.
    """
    if not 0 < amount_uzs <= AMOUNT_UZS_MAX:
        raise ValueError(f"an amount is from 1 to {AMOUNT_UZS_MAX}")
    if channel not in AGENTS:
        raise ValueError("no such channel")
    try:
        answer = httpx.post(
            f"{settings.DEMO_AGENT_URL}/payments",
            json={"msisdn": msisdn, "amount_uzs": amount_uzs, "agent": AGENTS[channel]},
            timeout=TIMEOUT_S,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PaymentFailed("the payment agent does not answer") from error
    if not answer.is_success:
        raise PaymentFailed(answer.text[:200])
