from django.urls import path

from club.doors.demo import phone, start

urlpatterns = [
    path("", start.start, name="start"),
    path("demo/phone/", phone.phone, name="demo_phone"),
    path("demo/phone/inbox", phone.inbox, name="demo_phone_inbox"),
    path("demo/phone/top-up", phone.top_up, name="demo_phone_top_up"),
]
