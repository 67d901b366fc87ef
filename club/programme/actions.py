"""What the programme's own terms do to the books."""

from datetime import date

from club.ledger import actions as ledger
from club.ledger.expiry_rules import active_since
from club.programme.models import Programme

OWNERS_PER_CHUNK = 2_000  # One transaction each: no lock lasts a second.


def expire_inactive(*, day: date) -> int:
    """Expires the points of whoever neither earned nor spent within the programme's months.

    Answers how many lots; nothing where the programme has no such term. In chunks of a transaction
    each; a run that broke off is begun again.
    """
    months = Programme.objects.values_list("inactive_months", flat=True).first()
    if months is None:
        return 0
    since = active_since(day, inactive_months=months)
    return ledger.walk(
        lambda after: ledger.expire_inactive(
            day=day, active_since=since, after=after, limit=OWNERS_PER_CHUNK
        )
    )
