from club.errors import ClubError


class ErasureRefused(ClubError):
    """Nothing was erased; the subclasses say why."""

    code = "erasure_refused"


class MayNotErase(ErasureRefused):
    """The member of staff lacks the permission subscribers.erase_subscriber."""

    code = "may_not_erase"


class OrdersOpen(ErasureRefused):
    """An order is still to be delivered or refused. Value: open_orders."""

    code = "orders_open"
