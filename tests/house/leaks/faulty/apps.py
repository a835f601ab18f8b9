from django.apps import AppConfig
from django.conf import settings


class FaultyConfig(AppConfig):
    name = "tests.house.leaks.faulty"
    label = "faulty"

    def ready(self) -> None:
        # The innermost: what it raises passes through everything that the application puts around a view.
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.house.leaks.faulty.middleware.Faults"]
