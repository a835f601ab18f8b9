"""How values, bodies, keys and files become ciphertext, byte for byte as in docs/formats.md."""

from casework.crypto._aead import (
    ALG_AES_GCM,
    ALG_AES_GCM_SIV,
    ALG_CHACHA20,
    ALG_HPKE_MLKEM768_X25519,
    ALG_HPKE_X25519,
    DecryptError,
    hkdf_expand,
    refusals,
)
from casework.crypto.envelope._files import (
    CHUNK_BYTES,
    FileSealer,
    decrypt_chunks,
    encrypt_stream,
    file_length,
    sealed_file_bytes,
)
from casework.crypto.envelope._padding import pad, padded_length, padme, unpad
from casework.crypto.envelope._values import Header, Place, Value, open_, open_body, parse_header, seal, seal_body
from casework.crypto.envelope._wraps import (
    WRAP_BYTES,
    kek_version_of,
    unwrap_file_key,
    unwrap_scope_from_kek,
    unwrap_scope_from_parent,
    wrap_file_key,
    wrap_scope_to_kek,
    wrap_scope_to_parent,
)

__all__ = [
    "ALG_AES_GCM",
    "ALG_AES_GCM_SIV",
    "ALG_CHACHA20",
    "ALG_HPKE_MLKEM768_X25519",
    "ALG_HPKE_X25519",
    "CHUNK_BYTES",
    "WRAP_BYTES",
    "DecryptError",
    "FileSealer",
    "Header",
    "Place",
    "Value",
    "decrypt_chunks",
    "encrypt_stream",
    "file_length",
    "hkdf_expand",
    "kek_version_of",
    "open_",
    "open_body",
    "pad",
    "padded_length",
    "padme",
    "parse_header",
    "refusals",
    "seal",
    "seal_body",
    "sealed_file_bytes",
    "unpad",
    "unwrap_file_key",
    "unwrap_scope_from_kek",
    "unwrap_scope_from_parent",
    "wrap_file_key",
    "wrap_scope_to_kek",
    "wrap_scope_to_parent",
]
