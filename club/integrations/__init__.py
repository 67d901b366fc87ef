"""Where we go out: one folder for each of the operator's systems, each implementing a port."""
