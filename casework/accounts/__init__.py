"""People who sign in: users, teams, the roles they hold, invitations, sign-in and its second factor.

Owns: `User`, `Team`, `TeamRole` (one auth group per team and role), `Membership` (who holds which role, with a MAC so
that a row added in SQL gives nothing), invitations, and the glue to django-allauth.

Must never: decide who may see a case (that is `access`), or store a second factor's secret unencrypted.
"""
