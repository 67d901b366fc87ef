from django.apps import AppConfig


class MessagesConfig(AppConfig):
    name = "club.messages"
    label = "club_messages"  # django.contrib.messages, which Wagtail needs, already is "messages"
