from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    name = "casework.documents"
    label = "documents"

    def ready(self) -> None:
        from casework.documents import receivers  # noqa: F401  (connects them)
