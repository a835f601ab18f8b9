from django.apps import AppConfig


class DossiersConfig(AppConfig):
    name = "casework.dossiers"
    label = "dossiers"
