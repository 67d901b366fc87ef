"""What can be wrong with a message or a register's line. `codes.py` has the agents' numbers."""

from club.errors import ClubError


class Unreadable(ClubError):
    """Not the XML we speak: the message itself is at fault, whatever it wanted to say."""

    code = "unreadable"


class BadEncoding(Unreadable):
    code = "bad_encoding"


class TooLarge(Unreadable):
    code = "body_too_large"


class UnknownMessage(Unreadable):
    code = "unknown_message"


class BadField(ClubError):
    code = "bad_field"


class WrongCurrency(ClubError):
    code = "wrong_currency"


class UnknownAgent(ClubError):
    code = "unknown_agent"


class WrongContract(ClubError):
    code = "wrong_contract"


class WrongCertificate(ClubError):
    code = "wrong_certificate"


class WrongControlCode(ClubError):
    code = "wrong_control_code"


class NoSuchPayment(ClubError):
    code = "no_such_payment"


class Conflicting(ClubError):
    code = "conflict"
