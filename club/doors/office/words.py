"""What stored codes are called in the office. A code nobody named yet is shown as it is."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

WORDS = {
    "subscriber": {
        "active": _("Active"),
        "suspended": _("Suspended"),
        "closed": _("Closed"),
    },
    "order": {
        "placed": _("Placed, not sent yet"),
        "sending": _("Being sent"),
        "waiting": _("Accepted, in progress"),
        "unknown": _("Outcome unknown"),
        "done": _("Delivered"),
        "refused": _("Refused, points returned"),
    },
    "message": {
        "queued": _("Queued"),
        "sending": _("Being sent"),
        "sent": _("Sent"),
        "delivered": pgettext_lazy("message", "Delivered"),
        "undelivered": _("Not delivered"),
        "refused": pgettext_lazy("message", "Refused"),
        "unknown": _("Outcome unknown"),
        "expired": pgettext_lazy("message", "Expired"),
    },
    "event": {
        "new": _("Not decided yet"),
        "waiting": _("Waiting for its subscriber or payment"),
        "review": _("Too late: a person decides"),
        "decided": _("Decided"),
        "failed": _("Deciding it failed"),
    },
    "event_kind": {
        "payment": _("Payment"),
        "cancellation": _("Cancellation"),
    },
    "channel": {
        "app": _("App"),
        "kiosk": _("Kiosk"),
        "bank": _("Bank"),
        "shop": _("Shop"),
        "ussd": _("USSD"),
    },
    "decision": {
        "granted": _("Granted"),
        "condition": _("A condition did not hold"),
        "no_amount": _("No amount to count from"),
        "rounds_to_zero": _("Too small: rounds down to zero"),
        "capped": _("Cut: the most that one event brings"),
        "cut": _("Cut by a limit"),
        "limit": _("A limit was used up"),
        "outstacked": _("Another rule of its group counted"),
        "excluded": _("Another rule that counted excludes it"),
        "cancelled": _("Cancelled before it was decided"),
        "reversed": _("Taken back: the payment was cancelled"),
        "withdrawn": _("A promise taken back: the payment was cancelled"),
    },
    "proposal": {
        "open": _("Waiting for an answer"),
        "approved": pgettext_lazy("proposal", "Approved"),
        "refused": pgettext_lazy("proposal", "Refused"),
        "withdrawn": pgettext_lazy("proposal", "Withdrawn"),
    },
    "proposal_kind": {
        "accrual.campaign": _("Campaign"),
    },
    "simulation": {
        "waiting": _("Waits for a worker"),
        "running": _("Running"),
        "done": pgettext_lazy("simulation", "Done"),
        "failed": _("Failed"),
        "cancelled": pgettext_lazy("simulation", "Cancelled"),
    },
    "simulation_part": {
        "tier": _("By level"),
        "region": _("By region"),
        "tariff": _("By tariff"),
        "fund": _("By fund, all campaigns together"),
    },
    "simulation_warning": {
        "fact_unknown": _("No event of these days knows a fact that a rule asks about:"),
        "rule_brought_nothing": _("A rule brought nobody anything:"),
    },
    "stage": {
        "draft": pgettext_lazy("campaign", "Draft"),
        "simulated": _("Simulated"),
        "proposed": _("Proposed"),
        "scheduled": _("Scheduled"),
        "active": pgettext_lazy("campaign", "Active"),
        "retired": _("Retired"),
    },
    "refusal": {
        "not_simulated": _(
            "Simulate exactly this campaign first: nobody has seen what it would do."
        ),
        "bad_span": _("Choose days that are over, the first before the last, at most two years."),
        "no_events": _("Nothing happened on these days. Choose days with events."),
        "simulation_over": _("The simulation has ended before."),
        "may_not_propose": _("You have not the right to propose this."),
        "may_not_answer": _("You have not the right to answer this."),
        "own_proposal": _("Whoever asked does not answer: somebody else does."),
        "not_your_proposal": _("Only the one who asked withdraws."),
        "nothing_changes": _("It is so already: there is nothing to approve."),
        "already_proposed": _("Another proposal about it waits for its answer."),
        "proposal_closed": _("It was answered or withdrawn before."),
        "other_content": _("This is not what is proposed. Look at it again."),
        "proposal_outdated": _(
            "What it would change has changed since. It has to be proposed again."
        ),
        "reason_missing": _("Say why, in at most 300 characters."),
        "bad_campaign": _("This is not a campaign. What to put right, and where:"),
        "bad_rule": _("This is not a rule. What to put right, and where:"),
        "no_such_campaign": _("There is no such campaign."),
        "campaign_over": _("It would end before it begins: change ends_at."),
        "fund_is_fixed": _("A campaign keeps its fund. For another fund make another campaign."),
        "rule_of_another_campaign": _("A rule of this name and text belongs to another campaign."),
        "rule_overlaps": _("Another campaign has a rule of this name. Give this one another name."),
    },
    "language": {
        "uz": _("Uzbek"),
        "uz-cyrl": _("Uzbek (Cyrillic)"),
        "ru": _("Russian"),
        "kaa": _("Karakalpak"),
        "en": _("English"),
    },
}

MEANINGS = {
    "done": "good",
    "delivered": "good",
    "granted": "good",
    "approved": "good",
    "active": "good",
    "unknown": "bad",
    "refused": "bad",
    "undelivered": "bad",
    "failed": "bad",
    "cancelled": "bad",
    "reversed": "bad",
    "withdrawn": "bad",
    "review": "bad",
    "expired": "bad",
    "suspended": "bad",
    "closed": "bad",
}


def word(noun: str, code: str) -> str:
    return str(WORDS[noun].get(code, code))
