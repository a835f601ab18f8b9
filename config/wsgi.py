"""The WSGI application. It does not start to serve with a missing or wrong root key."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from casework.crypto import services as crypto  # noqa: E402

crypto.verify_root()
