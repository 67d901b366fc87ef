"""A campaign in the words of staff, and how two of them differ: what an approver reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Literal

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from club.access.rules import Json
from club.accrual import campaign_files
from club.accrual.campaign_files import CampaignFile
from club.accrual.errors import BadCampaign
from club.clock import TASHKENT
from club.doors.office.rule_lines import Line, lines_of
from club.doors.office.templatetags.office import fund_name
from club.doors.office.why import Levels
from club.languages import LANGUAGES, UZBEK, Texts, in_language

Mark = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Marked:
    line: Line
    mark: Mark


@dataclass(frozen=True, slots=True)
class Section:
    """One rule, or what holds of the whole campaign."""

    title: str
    lines: list[Marked]

    @property
    def is_changed(self) -> bool:
        return any(one.mark != "same" for one in self.lines)


def differences(
    before: Json | None, after: Json, *, levels: Levels, funds: Mapping[int, str]
) -> list[Section]:
    """What a campaign's document says, section by section, beside what it said before: the sections that
    differ first. A document that no release can read any more has none."""
    try:
        was = _sections(before, levels, funds) if before else {}
        will = _sections(after, levels, funds)
    except BadCampaign:
        return []
    sections = [
        Section(title, list(_marked(was.get(title, []), will.get(title, []))))
        for title in {**will, **was}
    ]
    return sorted(sections, key=lambda section: not section.is_changed)


def in_words(document: Json, *, levels: Levels, funds: Mapping[int, str]) -> list[Section]:
    """The same of one document by itself."""
    return [
        Section(title, [Marked(line, "same") for line in lines])
        for title, lines in _sections(document, levels, funds).items()
    ]


def _sections(document: Json, levels: Levels, funds: Mapping[int, str]) -> dict[str, list[Line]]:
    file = campaign_files.read(campaign_files.as_text(document))
    language = (get_language() or UZBEK).lower()
    sections = {_("The whole campaign"): list(_whole(file, funds))}
    for rule_id, named in file.rules.items():
        title = _("Rule “{name}” ({rule})").format(
            name=in_language(named.names, language), rule=rule_id
        )
        sections[title] = [*lines_of(named.rule, levels), *_texts(_("Names"), named.names)]
    return sections


def _whole(file: CampaignFile, funds: Mapping[int, str]) -> Iterator[Line]:
    payers = ", ".join(
        f"{fund_name(share.fund, funds)}: {share.percent} %" for share in file.paid_by
    )
    yield Line(0, _("Paid by {payers}").format(payers=payers))
    if file.starts_at is not None:
        yield Line(0, _("Begins on {moment}").format(moment=_moment(file.starts_at)))
    if file.ends_at is not None:
        yield Line(0, _("Ends on {moment}").format(moment=_moment(file.ends_at)))
    if file.holdout_percent:
        yield Line(
            0,
            _("{percent} % of the subscribers are held out by lot, to measure it").format(
                percent=file.holdout_percent
            ),
        )
    if not file.rules:
        yield Line(0, _("It has no rules: it ends"))
    yield from _texts(_("Names"), file.names)
    yield from _texts(_("Terms"), file.legal)


def _texts(title: str, texts: Texts) -> Iterator[Line]:
    if texts:
        yield Line(0, title)
    for code, language in LANGUAGES:
        if text := texts.get(code):
            yield Line(1, f"{language}: {text}")


def _moment(at: datetime) -> str:
    return f"{at.astimezone(TASHKENT):%d.%m.%Y %H:%M}"


def _marked(was: list[Line], will: list[Line]) -> Iterator[Marked]:
    for what, a, b, c, d in SequenceMatcher(None, was, will, autojunk=False).get_opcodes():
        if what == "equal":
            yield from (Marked(line, "same") for line in will[c:d])
        else:
            yield from (Marked(line, "gone") for line in was[a:b])
            yield from (Marked(line, "new") for line in will[c:d])
