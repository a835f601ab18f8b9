from django.apps import AppConfig


class CryptoConfig(AppConfig):
    name = "casework.crypto"
    label = "crypto"

    def ready(self) -> None:
        from casework.crypto import checks  # noqa: F401  (registers itself)
