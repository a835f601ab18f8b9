"""The embedded engines: what they give, whom they let in, which folders they touch."""

import os
import pwd
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from celery import Celery

from casework.operations.embedded import EngineError, Engines, processes
from casework.operations.embedded.engines import Role
from casework.operations.embedded.folder import Folder
from casework.operations.embedded.identity import Identity

ROLES: tuple[Role, ...] = ("owner", "web", "worker", "sealer", "backup")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    with Engines(tmp_path_factory.mktemp("engines") / "data", fast=True) as running:
        yield running


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def uid_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


class TestDatabase:
    """One private PostgreSQL with the roles of a real server."""

    @pytest.mark.parametrize("role", ROLES)
    def test_lets_each_role_in_under_its_own_name(self, engines: Engines, role: Role) -> None:
        with psycopg.connect(engines.database_url(role)) as connection:
            row = connection.execute("SELECT current_user, current_database()").fetchone()
        assert row == (f"cw_{role}", "casework")

    def test_gives_no_role_more_power_than_it_needs(self, engines: Engines) -> None:
        with psycopg.connect(engines.database_url("super")) as connection:
            rows = connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolname LIKE 'cw\\_%' AND rolname <> 'cw_super'"
                " AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)"
            ).fetchall()
        assert rows == [("cw_backup",)]

    def test_makes_the_owner_the_only_one_who_makes_tables(self, engines: Engines) -> None:
        with psycopg.connect(engines.database_url("owner")) as connection:
            connection.execute("CREATE TABLE made_by_owner (id int)")
        others: tuple[Role, ...] = ("web", "worker", "sealer")
        for role in others:
            with (
                psycopg.connect(engines.database_url(role)) as connection,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                connection.execute("CREATE TABLE made_by_another (id int)")

    def test_lets_the_backup_read_all_and_write_nothing(self, engines: Engines) -> None:
        with psycopg.connect(engines.database_url("owner")) as connection:
            connection.execute("CREATE TABLE for_backup (id int)")
        with psycopg.connect(engines.database_url("backup"), autocommit=True) as connection:
            assert connection.execute("SELECT count(*) FROM for_backup").fetchone() == (0,)
            connection.execute("SET default_transaction_read_only = off")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("INSERT INTO for_backup VALUES (1)")

    def test_asks_for_the_right_password(self, engines: Engines) -> None:
        address = engines.database_url("web")
        password = urlsplit(address).password
        assert password
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(address.replace(password, "wrong"))

    def test_listens_on_no_network_address(self, engines: Engines) -> None:
        with psycopg.connect(engines.database_url("web")) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("",)

    def test_knows_letters_of_every_script(self, engines: Engines) -> None:
        with psycopg.connect(engines.database_url("web")) as connection:
            assert connection.execute("SELECT lower('ЖÉŞ')").fetchone() == ("жéş",)

    def test_writes_nothing_that_was_asked_into_its_log(self, engines: Engines) -> None:
        with psycopg.connect(engines.database_url("web"), autocommit=True) as connection:
            for statement in ("SELECT 'plantedsecret'::int", "SELECT plantedsecret"):
                with pytest.raises(psycopg.Error, match="plantedsecret"):
                    connection.execute(statement)
            connection.execute("SELECT 'plantedsecret'")
        logs = [path.read_text() for path in (engines.data_dir / "logs").iterdir()]
        assert any("ready to accept connections" in text for text in logs)
        assert not any("plantedsecret" in text for text in logs)


class TestValkey:
    """One private Valkey, for Celery and the shared cache."""

    def test_serves_the_redis_client(self, engines: Engines) -> None:
        client = redis.Redis.from_url(engines.redis_url)
        assert client.set("key", "value")
        assert client.get("key") == b"value"
        client.close()

    def test_serves_celerys_broker_connection(self, engines: Engines) -> None:
        with Celery(broker=engines.redis_url, set_as_current=False).connection() as connection:
            queue = connection.SimpleQueue("trial")
            queue.put({"id": "1"})
            message = queue.get(timeout=5)
            assert message.payload == {"id": "1"}
            message.ack()
            queue.close()

    def test_refuses_whoever_has_no_password(self, engines: Engines) -> None:
        client = redis.Redis.from_url(f"redis://127.0.0.1:{urlsplit(engines.redis_url).port}/0")
        with pytest.raises(redis.AuthenticationError):
            client.ping()
        client.close()

    def test_listens_on_this_machine_only(self, engines: Engines) -> None:
        port = urlsplit(engines.redis_url).port
        listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        addresses = {
            row[1].split(":")[0] for row in listening if row[3] == "0A" and int(row[1].split(":")[1], 16) == port
        }
        assert addresses == {f"{int.from_bytes(socket.inet_aton('127.0.0.1'), 'little'):08X}"}

    def test_keeps_nothing_on_disk(self, engines: Engines) -> None:
        client = redis.Redis.from_url(engines.redis_url)
        assert client.config_get("save")["save"] == ""
        assert client.config_get("appendonly")["appendonly"] == "no"
        client.close()


class TestServers:
    """Ordinary processes of an ordinary user."""

    def test_do_not_run_as_root(self, engines: Engines) -> None:
        for pid_file in ("postgres/postmaster.pid", "valkey/valkey.pid"):
            pid = int((engines.data_dir / pid_file).read_text().split()[0])
            assert uid_of(pid) != 0

    def test_share_one_process_group_that_is_not_ours(self, engines: Engines) -> None:
        pids = [
            int((engines.data_dir / name).read_text().split()[0])
            for name in ("postgres/postmaster.pid", "valkey/valkey.pid")
        ]
        groups = {os.getpgid(pid) for pid in pids}
        assert len(groups) == 1
        assert os.getpgid(0) not in groups

    def test_keep_passwords_and_data_from_other_users(self, engines: Engines) -> None:
        assert mode(engines.data_dir) == 0o700
        for name in ("secrets.json", "valkey/valkey.conf", "logs/postgresql.log", "logs/valkey.log", "lock"):
            assert mode(engines.data_dir / name) == 0o600
        for name in ("run", "logs", "postgres", "valkey"):
            assert mode(engines.data_dir / name) == 0o700


class TestDataFolder:
    """Ours alone, or not touched."""

    def test_is_held_by_one_process_which_the_second_names(self, engines: Engines) -> None:
        with pytest.raises(EngineError, match=rf"already runs on .* \(process {os.getpid()}\)"):
            Engines(engines.data_dir).start()

    def test_with_other_things_in_it_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "letters.txt").write_text("mine")
        before = tmp_path.stat()
        with pytest.raises(EngineError, match="other things in it"):
            Engines(tmp_path).start()
        assert [entry.name for entry in tmp_path.iterdir()] == ["letters.txt"]
        assert (tmp_path.stat().st_mode, tmp_path.stat().st_uid) == (before.st_mode, before.st_uid)

    def test_that_is_a_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(EngineError, match="is a file"):
            Engines(tmp_path / "file").start()

    def test_leaves_the_folders_above_as_they_were(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        above = [closed, tmp_path, tmp_path.parent]
        before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above]
        with Engines(closed / "data", fast=True) as engines, psycopg.connect(engines.database_url("web")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in above] == before

    def test_with_a_path_too_long_for_sockets_works_and_leaves_nothing_elsewhere(self, tmp_path: Path) -> None:
        deep = tmp_path / ("n" * 80) / ("m" * 80) / "data"
        with Engines(deep, fast=True) as engines:
            address = engines.database_url("web")
            with psycopg.connect(address) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
                socket_dir = Path(connection.info.host)
            assert deep not in socket_dir.parents
            assert mode(socket_dir) == 0o700
        assert not socket_dir.exists()

    def test_refuses_a_run_folder_too_long_for_sockets(self, tmp_path: Path) -> None:
        run_dir = tmp_path / ("n" * 90)
        run_dir.mkdir()
        with pytest.raises(EngineError, match="too long for a socket"):
            Engines(tmp_path / "data", run_dir).start()

    def test_keeps_its_data_and_passwords_from_one_start_to_the_next(self, tmp_path: Path) -> None:
        with Engines(tmp_path / "data", fast=True) as first:
            address = first.database_url("owner")
            with psycopg.connect(address) as connection:
                connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        with Engines(tmp_path / "data", fast=True) as second:
            assert second.database_url("owner") == address
            with psycopg.connect(address) as connection:
                assert connection.execute("SELECT number FROM kept").fetchone() == (7,)

    def test_on_a_disk_without_room_is_refused_with_a_number(self, tmp_path: Path) -> None:
        folder = Folder(tmp_path / "data", mark=".mark", called="A server")
        folder.take()
        with pytest.raises(EngineError, match=r"MB left and 1000000000000 MB are needed"):
            folder.need_room(10**18)
        folder.release()

    def test_of_another_postgresql_is_refused_and_kept(self, tmp_path: Path) -> None:
        with Engines(tmp_path / "data", fast=True):
            pass
        version = tmp_path / "data" / "postgres" / "PG_VERSION"
        version.write_text("17\n")
        with pytest.raises(EngineError, match="was made by PostgreSQL 17, and this is 18"):
            Engines(tmp_path / "data", fast=True).start()
        assert version.read_text() == "17\n"

    def test_whose_database_is_gone_is_not_made_anew_in_silence(self, tmp_path: Path) -> None:
        with Engines(tmp_path / "data", fast=True):
            pass
        (tmp_path / "data" / "postgres").rename(tmp_path / "data" / "moved")
        with pytest.raises(EngineError, match="is gone although it was made once"):
            Engines(tmp_path / "data", fast=True).start()

    def test_is_free_again_after_a_start_that_failed(self, tmp_path: Path) -> None:
        with Engines(tmp_path / "data", fast=True):
            pass
        pg_control = tmp_path / "data" / "postgres" / "global" / "pg_control"
        pg_control.rename(tmp_path / "pg_control")
        engines = Engines(tmp_path / "data", fast=True)
        with pytest.raises(EngineError, match=r"PostgreSQL did not start\. The last lines of .*postgresql.log"):
            engines.start()
        (tmp_path / "pg_control").rename(pg_control)
        with engines:
            assert engines.failed() is None


if os.geteuid() == 0:

    class TestRoot:
        """Root lends the engines an ordinary user and can take turns with that user."""

        def test_runs_as_the_owner_of_the_folder_and_gives_back_what_it_wrote(self, tmp_path: Path) -> None:
            daemon = pwd.getpwnam("daemon")
            data = tmp_path / "data"
            data.mkdir()
            os.chown(data, daemon.pw_uid, daemon.pw_gid)
            with Engines(data, fast=True):
                pid = int((data / "postgres/postmaster.pid").read_text().split()[0])
                assert uid_of(pid) == daemon.pw_uid
            (data / "logs" / "left-by-root").write_text("")
            with Engines(data, fast=True):
                pass
            assert {path.lstat().st_uid for path in (data, *data.rglob("*"))} == {daemon.pw_uid}

        def test_lets_an_ordinary_user_reach_programs_below_a_closed_folder(self, tmp_path: Path) -> None:
            closed = tmp_path / "closed"
            closed.mkdir(mode=0o700)
            program = closed / "program"
            program.write_text("#!/bin/sh\n")
            program.chmod(0o700)
            look = "import os, sys; print(os.getuid(), os.access(sys.argv[1], os.R_OK), os.access('/etc', os.W_OK))"
            told = subprocess.run(
                processes.command(
                    [sys.executable, "-c", look, str(program)],
                    identity=Identity(65534, 65534),
                    reach=[program, Path(sys.executable)],
                ),
                capture_output=True,
                text=True,
                check=True,
            )
            assert told.stdout.split() == ["65534", "True", "False"]

        def test_takes_the_owner_of_the_folder_above_for_a_new_one(self, tmp_path: Path) -> None:
            daemon = pwd.getpwnam("daemon")
            os.chown(tmp_path, daemon.pw_uid, daemon.pw_gid)
            assert Folder(tmp_path / "data", mark=".mark", called="A server").identity.uid == daemon.pw_uid

        def test_gives_away_nothing_behind_a_link(self, tmp_path: Path) -> None:
            outside = tmp_path / "outside"
            outside.write_text("root's")
            with Engines(tmp_path / "data", fast=True):
                pass
            (tmp_path / "data" / "logs" / "symbolic").symlink_to(outside)
            (tmp_path / "data" / "logs" / "hard").hardlink_to(outside)
            with Engines(tmp_path / "data", fast=True):
                pass
            assert outside.stat().st_uid == 0

else:

    class TestOrdinaryUser:
        """An ordinary user meets what root left."""

        def test_is_told_whose_the_folder_is_and_what_to_do(self) -> None:
            with pytest.raises(EngineError, match=r"belongs to root \(uid 0\), and you are .* chown -R"):
                Engines(Path("/usr")).start()
