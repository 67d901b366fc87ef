"""What a document says wrongly, as data: its sentence is made where it is read, in the reader's language."""

Place = tuple[str | int, ...]
"""Keys from the document's top down: ("rules", "gift", "rule", "when", "of", 0)."""


class Wrong(ValueError):
    """`code` names the sentence, `values` are what it tells, `at` is the place below the part that complains;
    the message is for whoever reads code."""

    def __init__(self, code: str, message: str, *, at: Place = (), **values: object) -> None:
        super().__init__(message)
        self.code = code
        self.at = at
        self.values = values
