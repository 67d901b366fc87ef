"""What decides in a simulation: the sources of rules, compilers and limits, as one digest.

A simulation says what a release would grant. After another one that decides differently it has to be
run again, and no number has to be raised by hand for that.
"""

import hashlib
from functools import cache
from pathlib import Path

from club.accrual import rules

SOURCES = (
    "rules/*.py",
    *(
        f"simulation/{name}.py"
        for name in ("worlds", "occasions", "lockstep", "shared", "granting")
    ),
)


@cache
def current() -> str:
    room = Path(rules.__file__).parent.parent
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for file in sorted(room.glob(pattern)):
            digest.update(file.read_bytes())
    return digest.hexdigest()
