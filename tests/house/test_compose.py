"""compose.yaml and the settings speak of the same variables, secrets, roles and users."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from casework.operations.embedded import engines

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service.get("image") == "casework:local")
SETTINGS = "".join(path.read_text() for path in (ROOT / "config").glob("*.py"))
# A name read with env.text may also come as a file named by NAME_FILE; DATABASE_… URLs are read that way by role.
READ = set(re.findall(r"""["']([A-Z][A-Z0-9_]+)["']""", SETTINGS))
FROM_FILE = {name for name in READ if re.search(rf'env\.text\("{name}"', SETTINGS) or name.startswith("DATABASE_")}
URL_OF_ROLE = {
    "web": "DATABASE_URL_FILE",
    "worker": "DATABASE_WORKER_URL_FILE",
    "sealer": "DATABASE_SEALER_URL_FILE",
    "owner": "DATABASE_OWNER_URL_FILE",
}
# One more, for the two that copy the whole database or try a copy out.
SECOND_URL = {"backup": {"DATABASE_BACKUP_URL_FILE"}, "restore": {"DATABASE_SCRATCH_URL_FILE"}}


class TestVariables:
    """What a service is given is what the settings read."""

    @pytest.mark.parametrize("service", OURS)
    def test_are_all_known_to_the_settings(self, service: str) -> None:
        unknown = {
            name
            for name in SERVICES[service]["environment"]
            if name not in READ and not (name.endswith("_FILE") and name.removesuffix("_FILE") in FROM_FILE)
        }
        assert unknown == set()

    @pytest.mark.parametrize("service", OURS)
    def test_give_each_service_the_database_url_of_its_role_and_no_other(self, service: str) -> None:
        environment = SERVICES[service]["environment"]
        given = {name for name in environment if name.startswith("DATABASE_")}
        assert given == {URL_OF_ROLE[environment["CASEWORK_ROLE"]]} | SECOND_URL.get(service, set())

    @pytest.mark.parametrize("service", sorted(SERVICES))
    def test_hold_no_secret_themselves(self, service: str) -> None:
        for name, value in SERVICES[service].get("environment", {}).items():
            is_path = str(value).startswith("/run/secrets/")
            assert is_path or not re.search(r"KEY|PASSWORD|SECRET|TOKEN", name), name
            assert "://" not in str(value) or "@" not in str(value), name


class TestSecrets:
    """Each secret is a file, used, made by the preparing script, and given to those who need it alone."""

    def test_are_all_made_by_the_preparing_script(self) -> None:
        script = (ROOT / "docs" / "server" / "prepare.sh").read_text()
        made = set(re.findall(r"\bsecret (\w+) \$", script))
        for role in re.findall(r"for role in ([\w ]+);", script)[0].split():
            made |= {f"{name}_{role}" for name in re.findall(r"\bsecret (\w+)_\$role", script)}
        assert made == set(COMPOSE["secrets"])

    @pytest.mark.parametrize("service", sorted(SERVICES))
    def test_named_by_a_service_are_the_ones_it_is_given(self, service: str) -> None:
        text = str([SERVICES[service].get(part) for part in ("environment", "command")])
        named = set(re.findall(r"/run/secrets/(\w+)", text))
        given = set(SERVICES[service].get("secrets", []))
        if service == "postgres":  # its first-time script reads the roles' passwords
            named |= {"db_owner", "db_web", "db_worker", "db_sealer", "db_backup"}
        assert named == given
        assert given <= set(COMPOSE["secrets"])

    def test_give_the_root_key_to_nobody_who_signs_and_the_signing_key_to_the_sealer_alone(self) -> None:
        holders = {
            secret: {n for n, s in SERVICES.items() if secret in s.get("secrets", [])} for secret in COMPOSE["secrets"]
        }
        assert holders["sealer_key"] == {"sealer"}
        assert holders["root_key"] == {"web", "worker", "migrate", "set-up", "backup", "restore"}
        assert holders["database_url_owner"] == {"migrate", "set-up", "restore"}
        assert holders["database_url_backup"] == {"backup"}
        assert holders["database_url_scratch"] == {"restore"}

    def test_keep_what_sees_every_row_out_of_what_runs_all_day(self) -> None:
        keepers = {name for name, service in SERVICES.items() if service.get("profiles") == ["keeper"]}
        assert keepers == {"backup", "restore"}
        assert "files:/data/files:ro" in SERVICES["backup"]["volumes"]
        assert any(volume.endswith(":/data/backups:ro") for volume in SERVICES["restore"]["volumes"])


class TestHardening:
    """A broken service gains as little as can be."""

    @pytest.mark.parametrize("service", sorted(SERVICES))
    def test_each_runs_read_only_without_rights(self, service: str) -> None:
        chosen = SERVICES[service]
        assert chosen["read_only"] is True
        assert chosen["cap_drop"] == ["ALL"]
        assert chosen["security_opt"] == ["no-new-privileges:true"]
        assert chosen["ulimits"] == {"core": 0}
        assert chosen["mem_limit"]

    def test_only_the_proxy_is_reachable_from_outside(self) -> None:
        assert {name for name, service in SERVICES.items() if service.get("ports")} == {"proxy"}
        assert COMPOSE["networks"]["back"] == COMPOSE["networks"]["front"] == {"internal": True}
        assert SERVICES["postgres"]["networks"] == SERVICES["valkey"]["networks"] == ["back"]

    def test_the_sealer_is_another_user_than_the_web(self) -> None:
        assert SERVICES["sealer"]["user"] != SERVICES["web"]["user"] == SERVICES["worker"]["user"]

    def test_database_logs_no_statement_as_in_the_demo(self) -> None:
        given = dict(re.findall(r"-c (\w+)=(\S+)", SERVICES["postgres"]["command"]))
        wanted = {name: value for name, value in engines.SETTINGS.items() if name.startswith(("log_", "password"))}
        assert wanted.items() <= given.items()
