"""Simulation: a draft of a campaign put to months of past events, beside what was in force.

`export.py` keeps the events as Parquet, `wants.py` asks DuckDB or Spark what each rule wants of them,
`lockstep.py` and `shared.py` grant it within the limits, `figures.py` adds it up, `actions.py` runs it.
"""
