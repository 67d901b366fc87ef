"""What a rule says wrongly."""

from club.errors import Fault


class Wrong(Fault):
    """Its sentences are in `club/accrual/campaign_words.py`."""
