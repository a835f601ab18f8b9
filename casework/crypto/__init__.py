"""Keys and encryption: the only place that knows how a person's data becomes bytes that tell a thief nothing.

Owns the formats of docs/formats.md (field values, wraps, files, sealed bodies), the key hierarchy (root, wrapping key,
scope key, purpose keys), its three tables, and the model fields that seal on saving and open on reading.

`envelope`, `keyring`, `blind_index` and `signing` are pure: no Django, no database, no clock. `services` and `fields`
join them to Django. No other area imports `cryptography`.

Must never: log, print, pickle or serialise a key or an opened value; say why something did not open; return
ciphertext or an empty string where a value was asked for; write a format that is not in docs/formats.md.
"""
