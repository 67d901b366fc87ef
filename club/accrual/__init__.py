"""What happened → points: the inbox of events, the rules, the decisions and their reasons."""
