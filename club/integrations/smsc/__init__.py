"""The operator's short message centre (SMS-C) by SMPP 3.4: our own ESME, fed by the outbox."""
