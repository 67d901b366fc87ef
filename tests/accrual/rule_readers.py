"""Every reader of a rule beside each other, so that one question is put to all of them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import duckdb
import psycopg
from hypothesis import HealthCheck, assume, given, settings
from pydantic import ValidationError

from club.accrual.rules import explain, facts, model, to_python, to_sql, wanting
from tests.accrual.rule_shapes import rules_with_events

PG_TYPES = {str: "text", int: "bigint", bool: "boolean", tuple: "text[]"}
DUCK_TYPES = {str: "varchar", int: "bigint", bool: "boolean", tuple: "varchar[]"}


@dataclass
class Readers:
    """The readers to compare; a test of the test replaces one of them by a faulty copy."""

    postgres: psycopg.Connection
    duck: duckdb.DuckDBPyConnection
    to_python: ModuleType = to_python
    to_sql: ModuleType = to_sql
    explain: ModuleType = explain
    wanting: ModuleType = wanting
    dialects: tuple[str, ...] = ("postgres", "duckdb")

    def points(self, data: dict[str, Any], events: Sequence[facts.Facts]) -> list[tuple[bool, int]]:
        """For each event whether the condition holds and the points, once all readers agree."""
        rule = model.Rule.model_validate_json(json.dumps(data))
        holds = self.to_python.function(self.to_python.condition_node(rule.condition))
        points = self.to_python.to_python(rule)
        answers = [(bool(holds(*event)), points(*event)) for event in events]

        told = [self.explain.explain(rule, event, version="v") for event in events]
        assert [(one.condition.ok, one.points) for one in told] == answers, ("explain", data)
        both = self.to_python.together((json.dumps(data), json.dumps(data)))
        assert [both(*event) for event in events] == [(n, n) for _, n in answers], (
            "together",
            data,
        )
        compiled = self.to_python.compiled(json.dumps(data))
        wants = [self.wanting.want(compiled, points(*event), event) for event in events]
        assert [(w.wanted, w.points, w.reason.value) for w in wants] == [
            (one.wanted, one.points, one.reason.value) for one in told
        ], ("want", data)

        for dialect in self.dialects:
            expressions = (
                self.to_sql.condition_to_sql(rule.condition, dialect),
                self.to_sql.to_sql(rule, dialect),
            )
            ask = self._ask_postgres if dialect == "postgres" else self._ask_duckdb
            assert ask(expressions, events) == answers, (dialect, expressions, events)
        return answers

    def _ask_postgres(
        self, expressions: tuple[str, ...], events: Sequence[facts.Facts]
    ) -> list[tuple[Any, ...]]:
        columns = ", ".join(f'"{name}" {PG_TYPES[kind]}' for name, kind in facts.FIELDS.items())
        wanted = ", ".join(expressions).replace("%", "%%")
        return self.postgres.execute(
            f"select {wanted} from jsonb_to_recordset(%s) as event (i int, {columns}) order by i",
            [json.dumps([{"i": i} | e._asdict() for i, e in enumerate(events)])],
        ).fetchall()

    def _ask_duckdb(
        self, expressions: tuple[str, ...], events: Sequence[facts.Facts]
    ) -> list[tuple[Any, ...]]:
        row = ", ".join(["?", *(f"?::{DUCK_TYPES[kind]}" for kind in facts.FIELDS.values())])
        columns = ", ".join(["i", *(f'"{name}"' for name in facts.FIELDS)])
        marks = ", ".join([f"({row})"] * len(events))
        return self.duck.execute(
            f"select {', '.join(expressions)} from (values {marks}) as event ({columns}) order by i",
            [
                list(value) if isinstance(value, tuple) else value
                for i, event in enumerate(events)
                for value in (i, *event)
            ],
        ).fetchall()


QUIET = settings(
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


NOT_ON_A_LIST = {
    "id": "r",
    "when": {"kind": "not", "of": {"kind": "in_segment", "segment": "lottery"}},
    "reward": {"kind": "fixed", "points": 1, "cap_per_event": 1},
}
"""Chance hardly ever asks it of somebody whose lists are unknown."""


def search(readers: Readers, count: int, **how: Any) -> Counter[str]:
    """Put random rules with events near their boundaries to all readers; what was met is counted.
    Raises AssertionError where they disagree."""
    seen: Counter[str] = Counter()
    readers.points(
        NOT_ON_A_LIST,
        [
            facts.remembered({"event_type": "payment", "segments": on})
            for on in (None, (), ["lottery"])
        ],
    )

    @settings(QUIET, max_examples=count, **how)
    @given(rules_with_events())
    def run(case: tuple[dict[str, Any], list[facts.Facts]]) -> None:
        try:
            answers = readers.points(*case)
        except ValidationError:  # too large a reward: refused, as it should be
            assume(False)
        seen["events"] += len(answers)
        seen["conditions true"] += sum(holds for holds, _ in answers)
        seen["points above zero"] += sum(points > 0 for _, points in answers)

    run()
    return seen
