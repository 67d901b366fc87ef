"""JSON that nobody asks inside of."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


class PlainJSONField(models.JSONField):
    """Kept as the text that came, which the server checks and does not take apart: half the price of
    writing a row. It cannot be compared or indexed, and each look inside reads all of it."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "json"

    def from_db_value(self, value: Any, expression: object, connection: object) -> Any:
        """The driver has read it: Django takes that upon itself for jsonb only."""
        return value
