"""What every error of the club has in common, so that the doors can translate it once."""


class ClubError(Exception):
    """Base of all errors a caller can do something about.

    `code` is stable and public (it is the problem type of the API); the attributes given to the
    constructor are the values a translated sentence may name. Only doors know HTTP, SOAP or SMPP.
    """

    code = "club_error"

    def __init__(self, message: str = "", **values: object) -> None:
        super().__init__(message or self.__class__.__name__)
        self.message = message
        self.values = values
