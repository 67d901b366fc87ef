"""Ten million payments of three months put to a campaign of twenty rules with limits, beside the bare scan
of the same files: processor seconds of all threads, and the most memory that the process ever had.

The payments are written straight into Parquet: half a million subscribers, of whom a few pay often. The
draft changes five rules of the campaign in force, so two worlds are worked out, and the draft once more in
the opposite order.
"""

import json
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from bench.pgbench import Figure
from club.accrual.campaign_files import CampaignFile
from club.accrual.queries import Version
from club.accrual.rules.model import Rule
from club.accrual.simulation import duck, export, memory, running
from club.accrual.simulation.chunks import Events
from club.accrual.simulation.wants import Span
from club.languages import CODES

EVENTS = 10_000_000
SUBSCRIBERS = 500_000
SPAN = Span(date(2026, 8, 1), date(2026, 10, 31))
CPU_S_MAX, MEMORY_GB_MAX = 60, 4
NAMES = dict.fromkeys(CODES, "Points")
CHANNELS, REGIONS = (
    ["app", "bank", "kiosk", "ussd"],
    ["TAS", "SAM", "BUX", "AND", "FAR", "XOR", "NAV"],
)
TARIFFS = ["start", "status", "vip", "iot", "travel"]


def run(url: str) -> dict[str, Figure]:
    memory.keep_what_is_freed()  # as the job's process does
    with tempfile.TemporaryDirectory(prefix="club-simulate-") as name:
        path = Path(name) / "2026-08.parquet"
        write_events(path)
        scan_cpu_s, _ = measured(lambda: scan(path))
        cpu_s, wall_s = measured(lambda: simulate(path))
    memory_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    beside = f"{EVENTS / 1e6:.0f}M events, 20 rules; the scan alone: {scan_cpu_s:.1f} s; {wall_s:.0f} s in all"
    return {
        "simulate_10m": {
            "value": cpu_s, "unit": "s CPU", "at_most": CPU_S_MAX, "baseline": beside,
        },
        "simulate_10m_memory": {
            "value": memory_gb, "unit": "GB", "at_most": MEMORY_GB_MAX, "baseline": "resident, at its peak",
        },
    }  # fmt: skip


def measured(work: Callable[[], None]) -> tuple[float, float]:
    """Processor seconds and seconds of the clock."""
    began, began_at = time.process_time(), time.monotonic()
    work()
    return time.process_time() - began, time.monotonic() - began_at


def write_events(path: Path, *, events: int = EVENTS, subscribers: int = SUBSCRIBERS) -> None:
    """Numbers of payments follow a power law: most pay a few times a month, the first some 1,500 times."""
    seconds = SPAN.days * 86_400
    begins = int(SPAN.begins.timestamp())
    local = "to_timestamp(0)::timestamp + to_seconds((occurred_us / 1000000)::bigint + 18000)"
    with export.connected() as db:
        db.execute("select setseed(0.4)")
        db.execute(
            f"""
            copy (
                with payments as (
                    select range as event_id,
                           (power(random(), 1.5) * {subscribers})::bigint + 1 as subscriber_id,
                           ({begins} + (random() * {seconds - 1})::bigint) * 1000000 as occurred_us,
                           (exp(random() * 5) * 2000)::bigint * 100 as amount
                      from range({events}))
                select event_id, subscriber_id, occurred_us, ({local})::date as day,
                       null::bigint as cancels, 'payment' as event_type, amount,
                       {_picked(CHANNELS, "event_id * 7")} as channel,
                       {_picked(TARIFFS, "subscriber_id")} as tariff,
                       {_picked(REGIONS, "subscriber_id * 31 // 5")} as region,
                       {_picked(["bronze", "bronze", "silver", "gold"], "subscriber_id // 3")} as tier,
                       isodow({local}) as weekday, hour({local}) as hour,
                       subscriber_id % 120 as tenure_months, event_id % 97 = 0 as is_holiday,
                       event_id % 365 = 0 as is_birthday
                       {_missing()}
                  from payments
                 order by day, subscriber_id
            ) to '{path}' (format parquet, compression zstd)
            """
        )


def _missing() -> str:
    """The facts that no payment has."""
    known = {"event_type", "amount", "channel", "tariff", "region", "tier", "weekday", "hour",
             "tenure_months", "is_holiday", "is_birthday"}  # fmt: skip
    return "".join(
        f', null::{kind} as "{name}"'
        for name, kind in export.columns().items()
        if name not in {*known, *export.OWN_COLUMNS}
    )


def _picked(words: list[str], number: str) -> str:
    return f"({json.dumps(words)}::varchar[])[1 + ({number}) % {len(words)}]".replace('"', "'")


def scan(path: Path) -> None:
    """Every column that a simulation reads, once."""
    with export.connected() as db:
        listed = ", ".join(f"max({name})" for name in export.columns())
        db.execute(f"select {listed} from read_parquet('{path}')").fetchall()


def simulate(path: Path) -> None:
    with duck.opened([path], SPAN) as events:
        results = found(events, before=rules(is_draft=False), draft=rules(is_draft=True))
    assert results["events"] == EVENTS, "all of them were put to the rules"
    assert results["totals"]["draft"]["points"] > 0, "and brought points"
    assert results["budgets"][0]["used_up_on"], "until the budget was used up"


def found(
    events: Events,
    *,
    before: list[dict[str, Any]],
    draft: list[dict[str, Any]],
    holdout_percent: int = 0,
) -> dict[str, Any]:
    """What a simulation finds, given the rules of one campaign as they were in force and as drafted."""
    named = {one["id"]: {"names": NAMES, "rule": one} for one in draft}
    file = CampaignFile.model_validate(
        {"code": "autumn", "names": NAMES, "rules": named, "holdout_percent": holdout_percent}
    )
    versions = [
        Version(rule.id, "", rule.canonical(), "autumn", 0, None, None)
        for rule in map(Rule.model_validate, before)
    ]
    return running.simulate(
        events,
        running.worlds_of(file, versions),
        code="autumn",
        point_worth_tiyin=200,
        told=lambda part: None,
    )


def rules(*, is_draft: bool) -> list[dict[str, Any]]:
    """Twenty rules, each with limits of its own; groups, an exclusion, a budget for all. The draft gives
    twice as much for every fourth."""
    return [rule(number, 2 if is_draft and number % 4 == 0 else 1) for number in range(20)]


def rule(number: int, points: int) -> dict[str, Any]:
    def compare(field: str, op: str, value: object) -> dict[str, Any]:
        return {"kind": "compare", "field": field, "op": op, "value": value}

    reward: dict[str, Any] = {
        "kind": "per_unit", "per": 100_000, "points": points, "cap_per_event": 500, "boosts": (
            {"name": "level", "cases": ({"when": compare("tier", "eq", "gold"), "percent": 200},)},
        ),
    }  # fmt: skip
    if number % 3 == 0:
        reward = {"kind": "fixed", "points": 5 * points, "cap_per_event": 500}
    when = {"kind": "all", "of": (
        compare("amount", "ge", 500_000 + 400_000 * (number % 5)),
        compare("channel", "eq", CHANNELS[number % 4]),
        {"kind": "any", "of": (
            compare("weekday", "ge", 1 + number % 7), compare("region", "eq", REGIONS[number % 7]),
        )},
    )}  # fmt: skip
    limits: list[dict[str, Any]] = [
        {"period": ("day", "week", "month")[number % 3], "unit": "points", "most": 300},
        {"period": "month", "unit": "times", "most": 10, "of": "campaign"},
    ]
    if number in (0, 1):
        limits.append(
            {"of": "campaign", "each": "all", "period": "ever", "unit": "points", "most": 3_000_000}
        )
    return {
        "id": f"rule-{number:02}",
        "when": when,
        "reward": reward,
        "priority": number % 4,
        "stacking": {"group": f"group-{number % 6}", "mode": "highest"} if number % 2 else None,
        "excludes": (f"rule-{number - 1:02}",) if number == 7 else (),
        "limits": tuple(limits),
    }
