"""Who may do what with which case: the only door to django-guardian.

Owns: the abstract grant models on guardian's direct-foreign-key bases, the table of actions, `decide()` for one case,
`seen_by()` for lists, the authentication backend that answers `has_perm`, and the writing of grants.
The concrete grant tables stand in `cases.models`; they reach this package through a registry filled at start.

Must never: trust a grant row whose MAC does not match or whose time is over, or let guardian's own checkers and
shortcuts answer (they know nothing of either).
"""
