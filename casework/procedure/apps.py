from django.apps import AppConfig


class ProcedureConfig(AppConfig):
    name = "casework.procedure"
    label = "procedure"

    def ready(self) -> None:
        from casework.procedure import receivers  # noqa: F401  (connects them)
