from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "casework.reminders"
    label = "reminders"

    def ready(self) -> None:
        from casework.reminders import receivers  # noqa: F401  (connects the signals)
