"""The verbs of the books as steps of the state machine, by what they are about."""
