from django.apps import AppConfig


class ProcedureConfig(AppConfig):
    name = "casework.procedure"
    label = "procedure"
