"""What we do so that subscribers stay with the programme."""
