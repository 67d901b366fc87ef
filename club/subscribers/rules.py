import re

from club.errors import ClubError

MSISDN = re.compile(r"998[0-9]{9}")


class BadMsisdn(ClubError):
    code = "bad_msisdn"


def msisdn(text: str) -> str:
    """A phone number as people and systems write it, in the form we keep: 998 and nine digits.

    Nine national digits are taken as Uzbek. Raises BadMsisdn.

    >>> msisdn("+998 90 123-45-67"), msisdn("901234567")
    ('998901234567', '998901234567')
    """
    digits = re.sub(r"[\s()+-]", "", text)
    if len(digits) == 9:
        digits = "998" + digits
    if not MSISDN.fullmatch(digits):
        raise BadMsisdn("a phone number has twelve digits and begins with 998, like 998901234567")
    return digits


def written_anyhow(number: str) -> str:
    """A regular expression, for Python and PostgreSQL, that finds a number however it is written:
    with or without the country, with up to three other characters between two digits.

    >>> import re
    >>> pattern = re.compile(written_anyhow("998901234567"))
    >>> [bool(pattern.search(text)) for text in ("+998 (90) 123-45-67", "901234567", "90123456")]
    [True, True, False]
    """
    return "[^0-9]{0,3}".join(number[3:])


def masked(number: str) -> str:
    """The number as it may be shown and logged (law 8).

    >>> masked("998901234541")
    '+998 90 ••• •• 41'
    """
    return f"+{number[:3]} {number[3:5]} ••• •• {number[-2:]}"
