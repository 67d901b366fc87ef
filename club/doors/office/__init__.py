"""The office: where staff work. Wagtail's admin in the programme's colours, with pages of our own."""
