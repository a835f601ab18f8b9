"""The case record: the case itself, the people in it, why they fled, and the grants that say who may see it.

Owns: `Case` (and its clear columns, written by `services.update_summary` alone), `Person`, the concrete grant tables,
and the padded search field that lets names be found in either script among the cases someone may see.

Must never: keep a word that identifies or describes a person outside a sealed field, or answer about a case without
asking `access`.
"""
