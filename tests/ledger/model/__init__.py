"""The ledger as it would be with one caller and no disk: the plain model that the state machine
compares the books with. It knows no SQL and shares no code with the ledger."""
