"""A folder that writes do not wait for: a database of a test's own has nothing to keep."""

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")  # what a killed process wrote stays there, as on a disk
MEMORY_BYTES_FREE_MIN = 2 * 2**30


def roomy_folder() -> Path | None:
    """Memory where there is enough, and no other wish: before each recovery PostgreSQL syncs every
    file, and each database it makes or drops is a thousand files, which takes seconds on a busy disk
    and says nothing about what is tested. None: the folder for temporary files."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free > MEMORY_BYTES_FREE_MIN else None
