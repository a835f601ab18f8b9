"""The WSGI application. It does not serve with a wrong root key or as an owner."""

import logging
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django.conf import settings  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402

from casework.crypto import services as crypto  # noqa: E402
from casework.operations import health  # noqa: E402

crypto.verify_root()
if not settings.DEMO:
    for _weak in crypto.root_warnings():
        logging.getLogger("casework.crypto").warning(_weak)
if _said := health.database_role():
    raise ImproperlyConfigured(_said)
