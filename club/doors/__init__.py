"""Where the outside comes in. Doors translate and decide nothing."""
