"""Schemes of levels in the words of staff: what is wrong with a file, and where."""

from django.utils.translation import gettext_lazy as _

from club.documents import words
from club.documents.words import Words

KEYS = {
    "form": _("form of the file"),
    "code": _("code"),
    "names": _("names"),
    "measure": _("what is counted"),
    "event_type": _("kind of events"),
    "period_months": _("months between reviews"),
    "window_months": _("months that count"),
    "grace_days": _("days of grace"),
    "landing_steps": _("most levels down at a review"),
    "notice_days": _("days of notice"),
    "tiers": _("levels"),
    "threshold": _("threshold"),
    "benefits": _("benefits"),
    "discount_percent": _("discount, percent"),
    "free_transfers_per_month": _("gifts a month without their fee"),
}

SENTENCES = {
    **words.SENTENCES,
    "level_twice": _("The level “{level}” is there twice. Give one of them another code."),
    "first_level_not_free": _("The first level is everybody's: its threshold is 0."),
    "level_not_above": _("“{level}” stands above “{below}”. Write more than {most}."),
    "tenure_has_no_window": _("Months in the club count from joining on. Write null, or leave it out."),
    "window_not_whole": _(
        "Only whole periods count. Write a multiple of {period_months}, the months between reviews."
    ),
    "not_by_event": _("What this scheme counts depends on no kind of event. Leave it out."),
    "never_reached": _("This is never reached: {window_months} months have at most {days_max} days."),
}  # fmt: skip

WORDS = Words(sentences=SENTENCES, keys=KEYS, parts={"tiers": _("level {n}")})
