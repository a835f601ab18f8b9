"""What every area stands on and no area owns: the clock, identifiers, the unit of work, jobs, logging, form pieces.

Owns: nothing of the domain. No noun of asylum work may appear here, and nothing here knows another area: areas that
must act at the end of a unit of work (the audit trail, the key cache) register themselves in `core.work`.

Must never: read a key, know a permission, or log a value that a person typed.
"""
