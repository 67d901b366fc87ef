"""What a rule says wrongly, as data: its sentence is made where it is read, in the reader's language."""


class Wrong(ValueError):
    """`code` names the sentence, `values` are what it tells; the message is for whoever reads code."""

    def __init__(self, code: str, message: str, **values: object) -> None:
        super().__init__(message)
        self.code = code
        self.values = values
