"""Whom a rule asks, and on which terms: never is an offer hidden that an event could still meet."""

import json

from hypothesis import given, settings

from club.accrual.rules.explain import why
from club.accrual.rules.facts import Facts
from club.accrual.rules.model import Rule
from club.accrual.rules.terms import AUDIENCE, Term, can_count, terms_of
from tests.accrual.rule_shapes import rules_with_events
from tests.accrual.test_nearest import FIXED, LEVELS, WEDNESDAY_NOON, both, is_


def rule(when):
    return json.dumps({"id": "r", "when": when, "reward": FIXED})


def either(*of):
    return {"kind": "any", "of": list(of)}


def not_(of):
    return {"kind": "not", "of": of}


def counts(when, **facts):
    return can_count(rule(when), WEDNESDAY_NOON._replace(**facts))


def test_what_is_for_another_level_tariff_region_or_list_is_for_others():
    assert counts(is_("tier", "eq", "silver"))
    assert not counts(is_("tier", "eq", "gold"))
    assert not counts(is_("tariff", "ne", "start"))
    assert not counts(not_(is_("region", "eq", "TAS")))
    on_the_list = {"kind": "in_segment", "segment": "vip"}
    assert counts(on_the_list, segments=("vip",))
    assert not counts(on_the_list, segments=())
    assert not counts(on_the_list, segments=None)


def test_what_an_event_or_time_may_still_bring_hides_nothing():
    assert counts(both(is_("channel", "eq", "bank"), is_("hour", "ge", 20)))
    assert counts(either(is_("tier", "eq", "gold"), is_("amount", "ge", 5)))
    assert counts(is_("tenure_months", "ge", 24))
    assert not counts(is_("tenure_months", "lt", 3))  # it was for the first months
    assert not counts(not_(is_("tenure_months", "ge", 3)))


@settings(max_examples=300, deadline=None)
@given(rules_with_events())
def test_whoever_s_event_meets_the_condition_is_shown_the_offer(drawn):
    data, events = drawn
    when = Rule.model_validate_json(json.dumps(data | {"reward": FIXED})).condition
    for facts in events:
        if why(when, facts).ok:
            nothing_but_who = Facts(
                *(value if name in AUDIENCE | {"tenure_months"} else None
                  for name, value in facts._asdict().items())
            )  # fmt: skip
            assert can_count(json.dumps(data | {"reward": FIXED}), nothing_but_who)


def test_each_fact_is_one_term_with_all_that_meets_it():
    found = terms_of(
        rule(
            both(
                is_("weekday", "ge", 6),
                both(is_("amount", "gt", 2_000_000), is_("amount", "le", 5_000_000)),
                {"kind": "one_of", "field": "tier", "values": ["gold", "silver"]},
                either(is_("hour", "lt", 3), is_("channel", "eq", "app")),
            )
        ),
        LEVELS,
    )

    assert found.terms == (
        Term("amount", least=2_000_100, most=5_000_000),
        Term("weekday", (6, 7)),
        Term("tier", ("silver", "gold")),
    )
    assert found.has_more
