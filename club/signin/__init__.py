"""How a subscriber proves who they are: one-time codes and rotating refresh tokens."""
