from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "casework.accounts"
    label = "accounts"

    def ready(self) -> None:
        from casework.accounts import checks, receivers  # noqa: F401  (connects checks and signals)
