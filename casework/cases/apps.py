from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "casework.cases"
    label = "cases"

    def ready(self) -> None:
        from casework.access import registry
        from casework.cases.models import CaseGroupGrant, CaseUserGrant

        registry.register(registry.GrantTables(user=CaseUserGrant, group=CaseGroupGrant))
