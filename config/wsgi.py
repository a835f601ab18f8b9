"""The WSGI application. It does not serve with a wrong root key or as an owner."""

import logging
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django.core.exceptions import ImproperlyConfigured  # noqa: E402

from casework.operations import health  # noqa: E402
from config.start import check_keys  # noqa: E402

check_keys()
if _said := health.database_role():
    # As with the keys: what is raised reaches a journal without its text.
    logging.getLogger("casework.operations").critical(_said)
    raise ImproperlyConfigured(_said)
