"""How a process that does nothing but simulate asks for memory."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def keep_what_is_freed() -> None:
    """Let the C library keep what arrays free: given back, the kernel would clear it anew for the next
    one, which took a seventh of the processor's time. Nothing where it is not glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
