"""Keys as objects that never show themselves: scope keys and their generations, wrapping keys, and root providers."""

from casework.crypto.keyring._roots import (
    EnvRoot,
    FileRoot,
    JoinedRoot,
    RootKeyError,
    RootProvider,
    SystemdRoot,
    generate_root_key_file,
    root_provider,
)
from casework.crypto.keyring._scopes import (
    PURPOSE_AUDIT_BODY,
    PURPOSE_CHILD_SCOPE,
    PURPOSE_EXPORT_MANIFEST,
    PURPOSE_FIELD,
    PURPOSE_FILE_KEY,
    Kek,
    KeySource,
    ScopeKeyring,
    ScopeKeys,
    commitment,
    new_key,
)

__all__ = [
    "PURPOSE_AUDIT_BODY",
    "PURPOSE_CHILD_SCOPE",
    "PURPOSE_EXPORT_MANIFEST",
    "PURPOSE_FIELD",
    "PURPOSE_FILE_KEY",
    "EnvRoot",
    "FileRoot",
    "JoinedRoot",
    "Kek",
    "KeySource",
    "RootKeyError",
    "RootProvider",
    "ScopeKeyring",
    "ScopeKeys",
    "SystemdRoot",
    "commitment",
    "generate_root_key_file",
    "new_key",
    "root_provider",
]
