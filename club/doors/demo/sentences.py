"""What the phone's script says. It has no catalogue of its own: the page hands it these."""

from django.utils.translation import gettext as _


def for_script() -> dict[str, str]:
    return {
        "empty": _("No messages yet. Top up, or ask for a code in the club."),
        "no_message_centre": _("The message centre does not answer. Trying again…"),
        "offline": _("No connection. Trying again…"),
        "bad_msisdn": _("A number has nine digits after +998."),
        "bad_amount": _("Enter an amount above zero."),
        "paid": _("Paid. The points come in a moment."),
        "payment_refused": _("The payment was not accepted."),
        "paying": _("Paying…"),
        "code_sent": _("The code is in the messages."),
        "failed": _("It did not work. Try again."),
        "buy": _("Buy"),
        "points": _("{points} points"),
        "missing": _("{points} points short"),
        "nothing": _("No points yet."),
        "worth": _("worth {worth}"),
        "level": _("Level: {level}"),
        "held": _("{points} on hold"),
        "until": _("Until {day}"),
        "open_ended": _("Without an end date"),
        "promised": _("{points} more on {day}"),
    }
