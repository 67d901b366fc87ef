"""Taking back what a faulty version granted, and giving it back if that was the mistake."""
