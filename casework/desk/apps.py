from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "casework.desk"
    label = "desk"

    def ready(self) -> None:
        from casework.desk import context
        from casework.notices import selectors as notices

        context.COUNTS["inbox"] = notices.unread_count
