"""The operator's systems that nobody outside can have, as small real servers on loopback."""
