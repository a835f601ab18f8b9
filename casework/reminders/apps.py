from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "casework.reminders"
    label = "reminders"

    def ready(self) -> None:
        from casework.reminders import receivers  # noqa: F401, PLC0415  (connects the signals)
