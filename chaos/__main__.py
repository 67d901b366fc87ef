"""`make chaos`: kills the database, the workers and the drivers at random points, and proves that nothing
was lost or doubled.

CHAOS_KILLS (200) says how many kills, CHAOS_SEED repeats the choices of a run; the moments are chance.
Exit status 1, with the rows named, on any fault.
"""

import os
import signal
import sys
from functools import partial
from secrets import randbelow

from chaos import table
from club.cli import set_up_django


def main() -> int:
    kills = int(os.environ.get("CHAOS_KILLS") or 200)
    seed = int(os.environ.get("CHAOS_SEED") or randbelow(10**6))
    print(f"CHAOS_SEED={seed} CHAOS_KILLS={kills}", flush=True)
    os.environ.setdefault("CLUB_SECRET_KEY", "of the chaos")
    os.environ.setdefault("CLUB_LOG", "ERROR")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    set_up_django()
    from chaos.run import run  # needs Django's models

    report = run(kills=kills, seed=seed, echo=partial(print, file=sys.stderr, flush=True))
    print(table.of(report))
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
