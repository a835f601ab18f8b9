from django.apps import AppConfig


class AccessConfig(AppConfig):
    name = "casework.access"
    label = "access"

    def ready(self) -> None:
        from casework.access import guard, receivers  # noqa: F401  (receivers connects signals)

        guard.install()
