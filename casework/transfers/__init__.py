"""The coordinators' work on transfers: which cases run towards a transfer, how soon, and who takes care of them.

Owns: the transfer board (`selectors.board`: open cases of a coordinator's teams, ordered by the next limit of a
transfer rule) and the handing over of a case within its team (`services.assign`). It has no table of its own: what it
shows is the stored procedure, what it changes is the case.

Must never: change a case's stage by hand, or show a case because of its team alone, without a grant.
"""
