from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from casework.crypto.keyring import (
    EnvRoot,
    FileRoot,
    Kek,
    RootKeyError,
    RootProvider,
    SystemdRoot,
    generate_root_key_file,
    root_provider,
)
from tests.crypto.test_values import flipped


@pytest.fixture
def root_file(tmp_path: Path) -> Path:
    path = tmp_path / "root.key"
    generate_root_key_file(path)
    return path


@pytest.fixture(params=["file", "env", "systemd"])
def provider(request: pytest.FixtureRequest, root_file: Path, tmp_path: Path) -> RootProvider:
    text = root_file.read_text(encoding="ascii")
    (tmp_path / "casework-root-key").write_text(text, encoding="ascii")
    (tmp_path / "casework-root-key").chmod(0o440)
    environ = {"CASEWORK_ROOT_KEY": text, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    return root_provider(request.param, path=root_file, environ=environ)


class TestRootProvider:
    """Security design, section 2; invariant 16."""

    def test_opens_the_wrapping_key_that_it_closed(self, provider: RootProvider, kek: Kek) -> None:
        blob = provider.wrap_kek(kek)
        assert len(blob) == 68
        assert blob[:8] == bytes.fromhex("c7 02 0000 00000007")
        assert provider.unwrap_kek(blob, 7) == kek
        provider.check()

    def test_refuses_a_changed_wrap_and_names_the_version(self, provider: RootProvider, kek: Kek) -> None:
        blob = provider.wrap_kek(kek)
        for bit in range(0, len(blob) * 8, 7):
            with pytest.raises(RootKeyError, match="version 7"):
                provider.unwrap_kek(flipped(blob, bit), 7)
        for other in (b"", blob[:-1], blob + b"\0"):
            with pytest.raises(RootKeyError, match="version 7"):
                provider.unwrap_kek(other, 7)

    def test_refuses_the_wrap_of_another_version(self, provider: RootProvider, kek: Kek) -> None:
        with pytest.raises(RootKeyError, match="version 8"):
            provider.unwrap_kek(provider.wrap_kek(kek), 8)

    def test_that_is_wrong_is_refused_with_a_sentence_and_no_key(
        self, provider: RootProvider, kek: Kek, tmp_path: Path
    ) -> None:
        generate_root_key_file(tmp_path / "other")
        blob = FileRoot(tmp_path / "other").wrap_kek(kek)
        with pytest.raises(RootKeyError) as found:
            provider.unwrap_kek(blob, 7)
        assert "version 7" in str(found.value)
        assert "put back this installation's root key" in str(found.value)
        assert (tmp_path / "root.key").read_text(encoding="ascii").strip()[10:] not in str(found.value)
        assert found.value.__suppress_context__

    def test_shows_nothing(self, provider: RootProvider, root_file: Path) -> None:
        assert "cw-root" not in repr(provider)


class TestRootFile:
    def test_is_made_once_for_its_owner_alone(self, tmp_path: Path) -> None:
        old = os.umask(0)
        try:
            generate_root_key_file(tmp_path / "root.key")
        finally:
            os.umask(old)
        assert (tmp_path / "root.key").stat().st_mode & 0o777 == 0o600
        with pytest.raises(FileExistsError):
            generate_root_key_file(tmp_path / "root.key")

    def test_differs_each_time(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            generate_root_key_file(tmp_path / name)
        assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()

    @pytest.mark.parametrize("mode", [0o400, 0o600])
    def test_of_its_owner_is_read(self, root_file: Path, mode: int) -> None:
        root_file.chmod(mode)
        FileRoot(root_file).check()

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o601, 0o610])
    def test_that_others_may_use_is_refused(self, root_file: Path, mode: int) -> None:
        root_file.chmod(mode)
        with pytest.raises(RootKeyError, match="chmod 600"):
            FileRoot(root_file).check()

    def test_that_is_missing_is_named_with_what_to_do(self, tmp_path: Path, kek: Kek) -> None:
        provider = FileRoot(tmp_path / "absent")
        with pytest.raises(RootKeyError, match=r"no root key in the file .*absent.*version 7.*Put back"):
            provider.unwrap_kek(bytes(68), 7)

    def test_that_is_no_file_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(RootKeyError, match="not an ordinary file"):
            FileRoot(tmp_path).check()
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(RootKeyError, match="cannot be read"):
            FileRoot(tmp_path / "file" / "below").check()

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "cw-root-1:",
            "cw-root-1:!!!",
            "cw-root-1:" + base64.b64encode(bytes(31)).decode(),
            base64.b64encode(bytes(32)).decode(),
            "cw-root-2:" + base64.b64encode(bytes(32)).decode(),
            "cw-root-1:ж",
        ],
    )
    def test_that_holds_no_root_key_is_refused_without_showing_it(self, root_file: Path, text: str) -> None:
        root_file.write_text(text, encoding="utf-8")
        with pytest.raises(RootKeyError, match="is not a root key") as found:
            FileRoot(root_file).check()
        assert not text or text not in str(found.value)


class TestRootElsewhere:
    def test_missing_in_the_environment_is_named(self) -> None:
        with pytest.raises(RootKeyError, match="environment variable CASEWORK_ROOT_KEY"):
            EnvRoot(environ={}).check()

    def test_missing_among_systemds_credentials_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(RootKeyError, match="LoadCredentialEncrypted"):
            SystemdRoot(environ={}).check()
        with pytest.raises(RootKeyError, match="systemd credential casework-root-key"):
            SystemdRoot(environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}).check()

    def test_is_chosen_by_name(self, root_file: Path) -> None:
        assert root_provider("file", path=root_file).name == "file"
        assert root_provider("env").name == "env"
        assert root_provider("systemd").name == "systemd"
        with pytest.raises(RootKeyError, match="CASEWORK_ROOT_KEY_FILE"):
            root_provider("file", path="")
        with pytest.raises(RootKeyError, match="'vault' is unknown"):
            root_provider("vault")
