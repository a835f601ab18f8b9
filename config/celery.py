"""Celery only wakes and spreads work; the work itself is rows in PostgreSQL. The schedule is code."""

import os

from celery import Celery
from celery.signals import worker_init
from django.db import DatabaseError

from casework.core.jobs import IdOnlyTask
from casework.crypto.keyring import RootKeyError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("casework", task_cls=IdOnlyTask, set_as_current=True)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = {
    "plan-reminders": {"task": "reminders.plan", "schedule": 3600.0, "options": {"expires": 3000}},
    "refresh-procedures": {"task": "procedure.refresh", "schedule": 900.0, "options": {"expires": 800}},
    "keep-keys": {"task": "operations.keep_keys", "schedule": 3600.0, "options": {"expires": 3000}},
    "mail-checkpoint": {"task": "notices.mail_checkpoint", "schedule": 900.0, "options": {"expires": 800}},
    "sweep-uploads": {"task": "documents.sweep", "schedule": 3600.0, "options": {"expires": 3000}},
    "watch-trail": {"task": "access.watch", "schedule": 60.0, "options": {"expires": 55}},
    "dispatch-notices": {"task": "notices.dispatch", "schedule": 60.0, "options": {"expires": 55}},
}
app.conf.task_routes = {"notices.dispatch": {"queue": "urgent"}, "notices.deliver": {"queue": "urgent"}}


@worker_init.connect
def _check_keys(**_: object) -> None:
    """Take no task with a missing or wrong root key, and say what is weak about where it lies, as the web does."""
    from config.start import check_keys  # noqa: PLC0415  (it needs Django's apps, and this is read before them)

    # Celery logs what a receiver raises and goes on; an exit it lets through.
    try:
        check_keys()
    except RootKeyError:
        raise SystemExit(1) from None
    except DatabaseError as error:
        raise SystemExit(f"The wrapping keys cannot be read ({type(error).__name__}).") from None
