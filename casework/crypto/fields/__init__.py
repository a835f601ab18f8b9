"""Model fields whose column holds ciphertext only.

A field called `title` has the column and raw attribute `title_sealed`, as a foreign key has `case_id` beside `case`:
`instance.title` gives the opened value and takes a plain one; `instance.title_sealed` holds a `Sealed` (ciphertext
with its place) or an unsealed `Plain`, both of which hide what is in them. Whatever copies a row by its raw attributes,
above all simple-history, so copies the same bytes without opening them.

The model says `sealed_table = "<name in registry.TABLES>"` and defines `sealed_scope()`, the id of its key scope, from
columns of its own row, without `super()` or a query: it is also called with history rows.
"""

from casework.crypto.fields._base import SUFFIX, RowCiphertexts, SealedField, ciphertexts, sealed_fields
from casework.crypto.fields._columns import opened_texts
from casework.crypto.fields._kinds import (
    SealedChoiceField,
    SealedDateField,
    SealedIntegerField,
    SealedJSONField,
    SealedTextField,
)
from casework.crypto.fields._opening import open_sealed

__all__ = [
    "SUFFIX",
    "RowCiphertexts",
    "SealedChoiceField",
    "SealedDateField",
    "SealedField",
    "SealedIntegerField",
    "SealedJSONField",
    "SealedTextField",
    "ciphertexts",
    "open_sealed",
    "opened_texts",
    "sealed_fields",
]
