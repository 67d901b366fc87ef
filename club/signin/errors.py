from club.errors import ClubError


class SigninError(ClubError):
    """Why somebody is not let in. None of them says whether a number belongs to a subscriber."""


class TooFast(SigninError):
    """A limit was reached. `retry_after_s` is the time until its window ends."""

    code = "too_many_requests"


class CodeWrong(SigninError):
    """Another code was sent to that number. `tries_left` is how often one may still try."""

    code = "code_wrong"


class CodeExpired(SigninError):
    """There is no code to compare with: never asked for, too old, used, or tried too often."""

    code = "code_expired"


class SessionEnded(SigninError):
    """The token is unknown, used, revoked or too old: sign in again."""

    code = "session_ended"
