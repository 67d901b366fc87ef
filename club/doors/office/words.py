"""What stored codes are called in the office. A code nobody named yet is shown as it is."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from club.accrual import erasure
from club.accrual.rules.event_types import EVENT_TYPES, cancellation_of

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
        "kept": _("Of a type that nobody has declared: kept"),
        "decided": _("Decided"),
        "failed": _("Deciding it failed"),
    },
    # What deciding wrote beside an event; a fault of the program itself stays as it was written.
    "event_note": {
        "no rule was in force": _("no rule was in force"),
        "its payment has not been decided yet": _("its payment has not been decided yet"),
        "its payment had brought no points": _("its payment had brought no points"),
        "names another number or amount than its payment": _(
            "names another number or amount than its payment"
        ),
        erasure.NOTE: _("its subscriber was erased"),
    },
    "event_kind": {
        "payment": _("Payment"),
        "charge": _("Charge"),
        "activation": _("Activation"),
        "tariff_change": _("Change of tariff"),
        "tenure": _("Anniversary of joining"),
        "birthday": pgettext_lazy("event", "Birthday"),
        "app_visit": _("Visit to the app"),
        "participation": _("Taking part"),
        "referral": _("Referral of a friend"),
        "partner_purchase": _("Purchase at a partner"),
        "card_linked": _("Card linked"),
        "survey": pgettext_lazy("event", "Survey"),
        "month_closed": _("Month closed"),
        **dict.fromkeys(map(cancellation_of, EVENT_TYPES), _("Cancellation")),
    },
    "fact": {
        "event_type": _("Kind of event"),
        "amount": _("Amount"),
        "channel": _("Channel"),
        "tariff": _("Tariff"),
        "region": _("Region"),
        "tier": _("Level"),
        "weekday": _("Day of the week"),
        "hour": _("Hour of the day"),
        "tenure_months": _("Months with us"),
        "is_holiday": _("Public holiday"),
        "is_birthday": _("Birthday"),
        "segments": _("On the lists"),
        "service": _("What was charged for"),
        "tariff_from": _("Tariff before"),
        "tariff_to": _("New tariff"),
        "platform": _("Platform of the app"),
        "activity": _("What was taken part in"),
        "result": _("Result"),
        "referral_code": _("Referral code"),
        "friend_id": _("The friend's id"),
        "partner": _("Partner"),
        "outlet": _("Outlet"),
        "category": _("Category"),
        "bank": _("Card's bank"),
        "payment_system": _("Payment system"),
        "survey": _("Survey"),
        "score": _("Score"),
        "lowest_balance_tiyin": _("Lowest balance of the month"),
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
        "not_yet": _("Its occasion has not come"),
        "holdout": _("Kept out, to measure the campaign"),
        "outstacked": _("Another rule of its group counted"),
        "excluded": _("Another rule that counted excludes it"),
        "cancelled": _("Cancelled before it was decided"),
        "reversed": _("Taken back: the payment was cancelled"),
        "withdrawn": _("A promise taken back: the payment was cancelled"),
        "clawed": _("Taken back before, by a clawback"),
    },
    "proposal": {
        "open": _("Waiting for an answer"),
        "approved": pgettext_lazy("proposal", "Approved"),
        "refused": pgettext_lazy("proposal", "Refused"),
        "withdrawn": pgettext_lazy("proposal", "Withdrawn"),
    },
    "proposal_kind": {
        "accrual.campaign": _("Campaign"),
        "accrual.clawback": _("Clawback of"),
        "accrual.restoring": _("Giving back of clawback"),
        "accrual.segment": _("List of subscribers"),
        "tiers.scheme": _("Scheme of levels"),
        "tiers.level": _("Level of a subscriber"),
    },
    "clawback": {
        "taking": _("At work"),
        "stopped": _("Stopped by hand"),
        "taken": _("Taken back"),
        "restoring": _("Giving back"),
        "restored": _("Given back"),
    },
    "clawback_policy": {
        "other_lots": _("Other points pay, the rest is owed"),
        "arrears": _("All of it is owed"),
    },
    "clawed": {
        "spared": _("Left alone"),
        "gone": _("Not given back"),
    },
    "spared": {
        "cancelled": _("the payment was cancelled"),
        "erased": _("the person was erased"),
        "nothing left": _("nothing of it stood any more"),
        "moved": _("it went to another number and was kept there"),
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
        "event_type_unknown": _("None of these days’ events is of a type that a rule waits for:"),
        "segment_unknown": _(
            "A rule asks for a list of subscribers that no event of these days knows:"
        ),
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
        "no_such_version": _("The campaign never had such a rule or version."),
        "empty_span": _("The span ends before it begins."),
        "nothing_to_take": _("Nothing that was granted then still stands."),
        "too_much_to_take": _("These are too many decisions for one clawback: narrow the span."),
        "clawback_elsewhere": _("The clawback is in another state by now. Look at it again."),
        "no_holdout": _("Nobody was held out of the campaign then: give it a holdout_percent."),
        "holdout_changed": _(
            "The share that is held out changed in this span. Choose one in which it is the same."
        ),
        "bad_segment": _(
            "A list needs a file, a code of small Latin letters, digits and hyphens, and a name."
        ),
        "nobody_on_list": _("Nobody in this file is in the programme, so nothing was changed."),
        "too_many_broken_lines": _(
            "Too many lines cannot be used, so nothing was changed. Put them right, or accept that"
            " they are left out."
        ),
        "no_such_segment": _("There is no such list."),
        "segment_in_use": _("Rules ask for this list. End them first."),
        "bad_scheme": _("This is no scheme of levels. What to put right, and where:"),
        "no_such_scheme": _("There is no such scheme of levels."),
        "level_of_another_scheme": _("A level of this code belongs to another scheme."),
        "level_in_use": _(
            "Somebody has stood on a level that is left out, or a reward asks for it."
        ),
        "first_level_is_fixed": _("The first level keeps its code. Give it other names instead."),
        "no_such_level": _("There is no such level."),
        "bad_end": _("A given level ends today at the earliest, and within two years."),
        "rule_overlaps": _("Another campaign has a rule of this name. Give this one another name."),
    },
    "line": {
        "no_number": _("is no phone number"),
        "unknown_subscriber": _("is nobody of the programme"),
        "twice": _("repeats an earlier line"),
    },
    "measure": {
        "points": _("By points earned"),
        "money_tiyin": _("By money paid"),
        "events": _("By the number of events"),
        "active_days": _("By days with an event"),
        "tenure_months": _("By months in the club"),
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
    "stopped": "bad",
    "taken": "good",
    "restored": "good",
    "closed": "bad",
}


def word(noun: str, code: str) -> str:
    return str(WORDS[noun].get(code, code))
