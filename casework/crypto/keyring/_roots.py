"""Root providers: where the one secret lives that opens the wrapping keys."""

from __future__ import annotations

import base64
import binascii
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Final, final

from casework.crypto._aead import (
    ALG_AES_GCM_SIV,
    KEY_BYTES,
    NONCE_BYTES,
    DecryptError,
    cipher,
    decrypt,
    hkdf_expand,
    nonce,
)
from casework.crypto._private import PrivateFileError, Problem, read_private, write_private
from casework.crypto.keyring._scopes import Kek, _NeverLeaves, new_key

_PREFIX: Final = "cw-root-1:"
_VERSION_BYTE: Final = 0xC7
_HEADER_BYTES: Final = 8
_BLOB_BYTES: Final = _HEADER_BYTES + NONCE_BYTES + KEY_BYTES + 16
CREDENTIAL_NAME: Final = "casework-root-key"


class RootKeyError(Exception):
    """The root key is missing or wrong. The message says what to do; it never holds any part of a key."""


class RootProvider(_NeverLeaves, ABC):
    """One place where a root key lives. The key is read for each use and kept nowhere."""

    __slots__ = ()
    name: ClassVar[str]

    @abstractmethod
    def _text(self, purpose: str) -> str:
        """Return the root key as text; raises `RootKeyError`, mentioning `purpose`."""

    @abstractmethod
    def where(self) -> str:
        """Say in words where this provider looks, for messages."""

    @abstractmethod
    def warnings(self, beside: Iterable[Path] = ()) -> list[str]:
        """Say in sentences what is weak about this place. `beside`: folders of the data that the key opens."""

    def _root(self, purpose: str) -> bytes:
        text = self._text(purpose).strip()
        try:
            root = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
        except (binascii.Error, ValueError):
            root = b""
        if not text.startswith(_PREFIX) or len(root) != KEY_BYTES:
            msg = (
                f"The root key in {self.where()} is not a root key of this system ({purpose}). "
                "Put back the key made when the installation was set up, or restore it from its recovery shares."
            )
            raise RootKeyError(msg)
        return root

    def check(self) -> None:
        """Read the root key once and forget it; raises `RootKeyError`."""
        self._root("needed to start")

    def derive(self, label: bytes) -> bytes:
        """Return a 32 byte key for a use that is not wrapping; the label starts with `cw/`. Raises `RootKeyError`.

        Source: `HKDF-Expand(SHA-256, root, label)`.
        """
        if not label.startswith(b"cw/"):
            msg = "A label starts with cw/."
            raise ValueError(msg)
        return hkdf_expand(self._root(f"needed for {label.decode('ascii')}"), label)

    def reveal_for_shares(self) -> bytes:
        """Return the root key itself. Only `recovery`, which splits it, has a use for it. Raises `RootKeyError`."""
        return self._root("needed to split it")

    def wrap_kek(self, kek: Kek) -> bytes:
        """Encrypt a wrapping key under the root key, for the `blob` column of its row: 68 bytes.

        Layout: `0xC7 | alg=2 | u16 0 | u32 KEK version | nonce 12 | 48`, AAD `"cw/rk1" || header`.
        """
        header = bytes([_VERSION_BYTE, ALG_AES_GCM_SIV, 0, 0]) + kek.version.to_bytes(4, "big")
        fresh = nonce()
        bound = cipher(ALG_AES_GCM_SIV, self._root(f"needed for wrapping key version {kek.version}"))
        return header + fresh + bound.encrypt(fresh, kek.reveal_for_wrapping(), b"cw/rk1" + header)

    def unwrap_kek(self, blob: bytes, version: int) -> Kek:
        """Open a wrapping key; raises `RootKeyError` naming its version when the root key is missing or another."""
        root = self._root(f"needed for wrapping key version {version}")
        header = blob[:_HEADER_BYTES]
        wanted = bytes([_VERSION_BYTE, ALG_AES_GCM_SIV, 0, 0]) + version.to_bytes(4, "big")
        try:
            if len(blob) != _BLOB_BYTES or header != wanted:
                raise DecryptError
            key = decrypt(cipher(ALG_AES_GCM_SIV, root), blob[8:20], blob[20:], b"cw/rk1" + header)
        except DecryptError:
            msg = (
                f"The root key in {self.where()} does not open wrapping key version {version}. "
                "It belongs to another installation, or the row was changed: put back this installation's root key, "
                "or restore it from its recovery shares."
            )
            raise RootKeyError(msg) from None
        return Kek(version, key)


def _missing(where: str, purpose: str) -> RootKeyError:
    return RootKeyError(
        f"There is no root key in {where} ({purpose}). "
        "Put back the key made when the installation was set up, or restore it from its recovery shares."
    )


def _one_disk(path: Path, folder: Path) -> bool:
    try:
        # systemd and container engines hand secrets over in memory: that is no disk at all.
        return folder.is_absolute() and path.stat().st_dev == folder.stat().st_dev
    except OSError:
        return False


@final
class FileRoot(RootProvider):
    """A root key in a file that only its owner may read (mode 0400 or 0600)."""

    __slots__ = ("_path",)
    name = "file"

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def where(self) -> str:
        return f"the file {self._path}"

    def warnings(self, beside: Iterable[Path] = ()) -> list[str]:
        found = [
            f"The root key lies in a plain file: whoever takes {self._path} and the database reads every case. "
            "Prefer a systemd credential bound to the machine's TPM (CASEWORK_ROOT_PROVIDER=systemd)."
        ]
        if any(_one_disk(self._path, folder) for folder in beside):
            found.append(
                f"The root key in {self._path} is on the same disk as the data that it opens: one disk, or one copy of "
                "it, is enough for a thief. Keep it on another."
            )
        return found

    def _text(self, purpose: str) -> str:
        try:
            return read_private(self._path).decode("ascii", "replace")
        except PrivateFileError as error:
            if error.problem is Problem.MISSING:
                raise _missing(self.where(), purpose) from None
            advice = {
                Problem.UNREADABLE: "cannot be read: give this service's user the file",
                Problem.NOT_A_FILE: "is not an ordinary file: put the key there as one",
                Problem.OPEN_TO_OTHERS: f"may be read by others: run `chmod 600 {self._path}`, and think about who may "
                "have copied it",
            }[error.problem]
            msg = f"The root key in {self.where()} {advice} ({purpose})."
            raise RootKeyError(msg) from None


@final
class EnvRoot(RootProvider):
    """A root key in an environment variable: for tests and trials, as child processes and crash dumps show it."""

    __slots__ = ("_environ", "_variable")
    name = "env"

    def __init__(self, variable: str = "CASEWORK_ROOT_KEY", environ: Mapping[str, str] | None = None) -> None:
        self._variable = variable
        self._environ = os.environ if environ is None else environ

    def where(self) -> str:
        return f"the environment variable {self._variable}"

    def warnings(self, beside: Iterable[Path] = ()) -> list[str]:
        return [
            f"The root key lies in {self.where()}, which child processes, crash dumps and container tools show. "
            "Prefer a systemd credential bound to the machine's TPM (CASEWORK_ROOT_PROVIDER=systemd)."
        ]

    def _text(self, purpose: str) -> str:
        text = self._environ.get(self._variable, "")
        if not text:
            raise _missing(self.where(), purpose)
        return text


@final
class SystemdRoot(RootProvider):
    """A root key that systemd hands over (`LoadCredentialEncrypted=`, bound to the machine's TPM)."""

    __slots__ = ("_credential", "_environ")
    name = "systemd"

    def __init__(self, credential: str = CREDENTIAL_NAME, environ: Mapping[str, str] | None = None) -> None:
        self._credential = credential
        self._environ = os.environ if environ is None else environ

    def where(self) -> str:
        return f"the systemd credential {self._credential}"

    def warnings(self, beside: Iterable[Path] = ()) -> list[str]:
        return []

    def _text(self, purpose: str) -> str:
        folder = self._environ.get("CREDENTIALS_DIRECTORY", "")
        if not folder:
            msg = (
                f"systemd hands over no credentials ({purpose}): add "
                f"`LoadCredentialEncrypted={self._credential}` to the service, see systemd.exec(5)."
            )
            raise RootKeyError(msg)
        try:
            # No look at the mode: systemd gives the service's user an ACL, which shows as a group's right to read.
            return (Path(folder) / self._credential).read_bytes()[:4096].decode("ascii", "replace")
        except OSError:
            raise _missing(self.where(), purpose) from None


@final
class JoinedRoot(RootProvider):
    """A root key that was put together from its shares, in memory alone."""

    __slots__ = ("__key",)
    name = "shares"

    def __init__(self, key: bytes) -> None:
        self.__key = key

    def where(self) -> str:
        return "the recovery shares"

    def warnings(self, beside: Iterable[Path] = ()) -> list[str]:
        return []

    def _text(self, purpose: str) -> str:
        return _as_text(self.__key)

    def write(self, path: Path) -> None:
        """Put the key into a new file with mode 0600; raises `FileExistsError` and never overwrites one."""
        write_private(path, f"{_as_text(self.__key)}\n".encode("ascii"))


def root_provider(
    name: str, *, path: str | Path | None = None, environ: Mapping[str, str] | None = None
) -> RootProvider:
    """Return the provider of that name: `file` (needs `path`), `env` or `systemd`; raises `RootKeyError`."""
    if name == FileRoot.name:
        if not path:
            msg = "No root key file is named: set CASEWORK_ROOT_KEY_FILE to the path of this installation's root key."
            raise RootKeyError(msg)
        return FileRoot(path)
    if name == EnvRoot.name:
        return EnvRoot(environ=environ)
    if name == SystemdRoot.name:
        return SystemdRoot(environ=environ)
    msg = f"The root provider {name!r} is unknown: CASEWORK_ROOT_PROVIDER is file, env or systemd."
    raise RootKeyError(msg)


def _as_text(key: bytes) -> str:
    return _PREFIX + base64.b64encode(key).decode("ascii")


def new_root_text() -> str:
    """Return a fresh root key as the text that files, variables and credentials hold."""
    return _as_text(new_key())


def generate_root_key_file(path: str | Path) -> None:
    """Make a root key in a new file with mode 0600; raises `FileExistsError` and never overwrites one."""
    write_private(Path(path), f"{new_root_text()}\n".encode("ascii"))
