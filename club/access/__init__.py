"""Staff, their roles, and the audit line of every deed of theirs."""
