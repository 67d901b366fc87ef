"""Benchmarks: bounded, loopback only, each a ratio measured in one run. Start them by `make bench`."""
