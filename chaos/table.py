"""A run's report for people."""

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chaos.run import Report

COLUMNS = ("begun", "acknowledged", "refused", "answer lost", "had been done")


def of(report: "Report") -> str:
    lines = ["", f"{'kills':38}{'tried':>6}  what it was at"]
    by_way: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for (way, hit), times in sorted(report.kills.items()):
        by_way[way].append((hit, times))
    for way, hits in by_way.items():
        at = ", ".join(f"{hit} {times}" for hit, times in hits)
        lines.append(f"  {way:36}{sum(times for _, times in hits):>6}  {at}")
    lines += [f"  {'together':36}{sum(report.kills.values()):>6}", ""]

    lines.append(f"{'deeds':26}" + "".join(f"{name:>15}" for name in COLUMNS))
    sums = [sum(row.get(name, 0) for row in report.deeds) for name in COLUMNS]
    for row in report.deeds:
        figures = [row.get(name, 0) for name in COLUMNS]
        lines.append(f"  {row['verb']:24}" + "".join(f"{figure:>15,}" for figure in figures))
    lines += [f"  {'together':24}" + "".join(f"{figure:>15,}" for figure in sums), ""]

    lines += [f"{name:38}{count:>12,}" for name, count in report.counts.items()]
    lines += ["", f"faults {len(report.faults)}, seed {report.seed}, {report.took_s:.0f} s"]
    return "\n".join([*lines, *report.faults])
