"""The staff's office, on Wagtail: one file a noun, plugged in by `wagtail_hooks.py`."""
