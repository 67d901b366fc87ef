"""What we tell whom: templates in five languages, and the outbox that an adapter empties."""
