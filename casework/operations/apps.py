from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "casework.operations"
    label = "operations"
