"""What can be wrong with an order, in words a caller can act on."""

from club.errors import ClubError


class OrderError(ClubError):
    code = "order_error"


class BadKey(OrderError):
    """Value: characters_max."""

    code = "bad_idempotency_key"


class KeyReused(OrderError):
    """The idempotency key stands for another order already."""

    code = "idempotency_key_reused"


class PriceChanged(OrderError):
    """Values: price_points (now), shown_points (what the client showed)."""

    code = "price_changed"


class OrderNotFound(OrderError):
    code = "order_not_found"
