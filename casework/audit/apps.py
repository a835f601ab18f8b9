from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "casework.audit"
    label = "audit"

    def ready(self) -> None:
        from casework.audit import services  # noqa: PLC0415  (models are not loaded before)
        from casework.core import work  # noqa: PLC0415

        work.on_end(services.write_survivors)
