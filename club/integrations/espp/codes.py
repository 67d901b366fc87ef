"""Why a message or a register line is not taken, and the number an agent reads for it.

The numbers marked "published" stand with this meaning in the published agent-payment clients; the
operator's full list is not public, so ours begin at 9001, where they cannot be taken for one of
the operator's. `settings.ESPP_CODES` replaces any of them once the true list is known.
"""

from django.conf import settings

WITHOUT_DETAIL = 200
"""Published: taking the payment is not allowed, no reason given."""

NUMBERS = {
    "bad_field": 400,  # our reading: the clients use 400 for what their schema check refuses
    "bad_msisdn": 201,  # published: the billing system has no such number
    "conflict": 357,  # published: the payment exists already
    "in_the_future": 363,  # published: the time of the operation lies too far ahead
    "no_such_payment": 651,  # published: no payment in the wanted state
    "unknown_agent": 9001,
    "wrong_contract": 9002,
    "wrong_certificate": 9003,
    "wrong_control_code": 9004,
    "wrong_currency": 9005,
    "not_positive": 9006,
    "too_large": 9007,
    "programme_not_configured": 103,  # published: the billing system is not available; ask later
}


def number(code: str) -> int:
    """The ESPP number of one of our codes; a code without one is refused without detail."""
    return settings.ESPP_CODES.get(code, NUMBERS.get(code, WITHOUT_DETAIL))
