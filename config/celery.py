"""Celery only wakes and spreads work; the work itself is rows in PostgreSQL. The schedule is code."""

import os

from celery import Celery

from casework.core.jobs import IdOnlyTask

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("casework", task_cls=IdOnlyTask, set_as_current=True)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "plan-reminders": {"task": "reminders.plan", "schedule": 3600.0, "options": {"expires": 3000}},
    "refresh-procedures": {"task": "procedure.refresh", "schedule": 900.0, "options": {"expires": 800}},
    "sweep-uploads": {"task": "documents.sweep", "schedule": 3600.0, "options": {"expires": 3000}},
    "dispatch-notices": {"task": "notices.dispatch", "schedule": 60.0, "options": {"expires": 55}},
}
app.conf.task_routes = {"notices.dispatch": {"queue": "urgent"}, "notices.deliver": {"queue": "urgent"}}
