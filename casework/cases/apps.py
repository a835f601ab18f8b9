from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "casework.cases"
    label = "cases"

    def ready(self) -> None:
        from casework.access import registry
        from casework.audit import services as audit
        from casework.cases import erasing
        from casework.cases.models import CaseGroupGrant, CaseUserGrant

        audit.set_case_resolver(erasing.id_ever_of)
        registry.register(registry.GrantTables(user=CaseUserGrant, group=CaseGroupGrant))
