"""Who is erased is signed out everywhere; codes, sessions, tokens and tallies go."""

from club.signin import limits
from club.signin.models import Family, OneTimeCode


def erase_subscriber(*, subscriber_id: int) -> None:
    Family.objects.filter(subscriber_id=subscriber_id).delete()
    limits.forget("write_of_subscriber", str(subscriber_id))


def erase_number(*, msisdn: str) -> None:
    OneTimeCode.objects.filter(msisdn=msisdn).delete()
    limits.forget("code_of_msisdn", msisdn)
