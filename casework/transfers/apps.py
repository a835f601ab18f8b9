from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "casework.transfers"
    label = "transfers"
