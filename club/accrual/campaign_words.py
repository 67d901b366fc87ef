"""Campaigns in the words of staff: what is wrong with a file, what is doubtful about it, and where."""

from django.utils.translation import gettext_lazy as _

from club.accrual.rules.facts import FIELDS
from club.accrual.rules.warnings import Doubt
from club.documents import words
from club.documents.problems import Problem
from club.documents.words import Told, Words
from club.documents.wrong import Place


def told(one: Problem | Doubt, under: Place = ()) -> Told:
    """The sentence about a problem or a doubt of what stands `under` a place."""
    return WORDS.told(Problem((*under, *one.place), _code(one), one.values))


def _code(one: Problem | Doubt) -> str:
    """What can be said more exactly, is."""
    if one.code == "never":
        at_the_top = one.place == ("when",)
        return "never_parts" if one.values else "never_rule" if at_the_top else "never"
    return "always_unless" if one.code == "always" and one.values else one.code


FACTS = {
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
}

UNITS = {
    "points": _("points"),
    "times": _("times"),
    "hour": _("an hour"),
    "day": _("a day"),
    "week": _("a week"),
    "month": _("a month"),
    "ever": _("in all"),
}

PARTS = {
    "of": _("part {n}"),
    "values": _("value {n}"),
    "boosts": _("boost {n}"),
    "cases": _("case {n}"),
    "rates": _("rate {n}"),
    "limits": _("limit {n}"),
    "excludes": _("exclusion {n}"),
    "trigger": _("event {n}"),
    "paid_by": _("payer {n}"),
}

KEYS = {
    "code": _("the campaign's code"),
    "names": _("names"),
    "fund": _("fund"),
    "paid_by": _("who pays"),
    "holdout_percent": _("percent held out"),
    "legal": _("terms"),
    "starts_at": _("beginning"),
    "ends_at": _("end"),
    "rules": _("rules"),
    "form": _("form of the file"),
    "id": _("the rule's id"),
    "trigger": _("kinds of events"),
    "when": _("condition"),
    "of": _("parts"),
    "kind": _("kind"),
    "field": _("fact"),
    "op": _("comparison"),
    "value": _("value"),
    "values": _("values"),
    "segment": _("list"),
    "reward": _("reward"),
    "per": _("for each"),
    "points": _("points of it"),
    "percent": _("percent"),
    "otherwise": _("otherwise"),
    "rates": _("rates"),
    "boosts": _("boosts"),
    "cases": _("cases"),
    "name": _("name"),
    "cap_per_event": _("most for one event"),
    "confirm_after_days": _("days until confirmed"),
    "priority": _("priority"),
    "occasion": _("occasion"),
    "n": _("which one"),
    "length": _("how many on end"),
    "repeats": _("again and again"),
    "basis_points": _("basis points"),
    "amount": _("amount"),
    "stacking": _("group of rules"),
    "group": _("name of the group"),
    "mode": _("how the group is decided"),
    "excludes": _("exclusions"),
    "limits": _("limits"),
    "most": _("at most"),
    "period": _("period"),
    "unit": _("unit"),
    "each": _("for whom"),
}

SENTENCES = {
    **words.SENTENCES,
    # It is JSON and not of the form.
    "bool_type": _("Write true or false, without quotation marks."),
    "no_plain_value": _(
        "Write a whole number, words in double quotation marks, or true or false."
    ),
    "bad_id": _(
        "Write 1 to 60 small Latin letters, digits and hyphens, and begin with a letter or a digit."
    ),
    "bad_moment": _("Write a moment with its offset, like 2026-12-01T00:00:00+05:00."),
    # It is of the form and makes no campaign.
    "shares_not_whole": _("The shares add up to {total} percent. Let them add up to 100."),
    "fund_twice": _("A fund is named twice. Add its shares up."),
    "id_differs": _("The rule under “{key}” calls itself “{id}”. Give it the same name twice."),
    "ends_before": _("It ends before it begins. Put the end later."),
    "unknown_fact": _("A rule cannot ask for “{field}”. It can ask for: {known_facts}."),
    "fact_is_str": _("“{field}” is compared with words, in double quotation marks."),
    "fact_is_int": _("“{field}” is compared with a whole number, without quotation marks."),
    "fact_is_bool": _("“{field}” is compared with true or false, without quotation marks."),
    "no_order": _("“{field}” is never more or less than something. Ask eq or ne."),
    "ask_in_segment": _("Lists are asked for by the kind in_segment."),
    "rule_too_large": _(
        "The conditions are too large: {nodes} parts of at most {nodes_max}, {depth} inside each"
        " other of at most {depth_max}. Make several rules of them."
    ),
    "overflow": _(
        "For the largest amount the points would be more than can be counted. Make the points or"
        " the boosts smaller, or the amount for each point larger."
    ),
    "limit_twice": _("Two limits of {unit} {period} for the same. Keep the smaller one."),
    "excludes_itself": _("A rule that excludes itself would never count. Take it out."),
    "group_mode": _(
        "The rule “{rule}” decides the group “{group}” by {mode}. Write the same here, or choose"
        " another group."
    ),
    "unknown_segment": _("There is no list “{segment}”. Import it first, or correct its name."),
    "empty_segment": _("The list “{segment}” is empty. Import somebody into it first."),
    "unknown_fund": _(
        "There is no fund {fund}. Have it made first (club incidents fund), or correct its number."
    ),
    # It may be so, and is probably not meant.
    "never": _("This can never hold."),
    "never_parts": _("This can never hold: its parts {parts} exclude each other."),
    "never_rule": _("The rule can never bring points: its condition never holds."),
    "always": _("This always holds, so it could be left out."),
    "always_unless": _("This always holds where it is known: {unless}."),
    "repeats": _("This says nothing new: the trigger or the parts beside it make sure of it already."),
    "shadowed": _("This never counts: one above it always goes first. Change their order."),
    "boost_does_nothing": _("This boost changes nothing: it is always 100 %."),
    "worth_nothing": _("The rule can never bring points: they always round down to zero."),
    "cap_never_reached": _(
        "One event brings at most {most} points, so the limit of {cap} for one event is never"
        " reached."
    ),
    "cap_always_reached": _(
        "Every event would bring {least} points or more, so each brings exactly the {cap} of the"
        " limit for one event."
    ),
    "cap_above_limit": _(
        "No event can bring {cap} points: a limit of the rule stops at {most}."
    ),
    "limit_never_bites": _("This limit changes nothing: another one is always reached first."),
    "occasion_always": _("This leaves no event out: every first one counts."),
    "group_of_one": _("No other rule in force is in the group “{group}”."),
    "excludes_nobody": _("No rule “{rule}” is in force."),
    "no_budget": _(
        "Nothing limits what this costs: in a usual hour about {usual} points, in the busiest"
        " {peak}. Add a budget for all, or a limit for each subscriber."
    ),
    "no_budget_nor_past": _(
        "Nothing limits what this costs. Add a budget for all, or a limit for each subscriber."
    ),
    "budget_within_an_hour": _(
        "The budget of {most} points may be gone within an hour: in the busiest hour of the last"
        " {days} days this would have cost about {peak} points, in a usual one {usual}."
    ),
    "budget_in_one_event": _(
        "A single event of the largest amount may bring {largest} points, and the budget is {most}."
    ),
}  # fmt: skip

WORDS = Words(
    sentences=SENTENCES,
    keys=KEYS,
    parts=PARTS,
    named={"rules": _("Rule {name}")},
    silent=frozenset({"rule"}),
    values={"unless": FACTS, "facts": FACTS, "unit": UNITS, "period": UNITS},
    always={"known_facts": ", ".join(sorted(FIELDS.keys() - {"segments"}))},
)
