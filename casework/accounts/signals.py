"""What areas above hear of: a role asked for, given or taken. Sent inside the transaction that does it."""

from django.dispatch import Signal

# With `request`, the RoleRequest that waits for a second person.
role_asked = Signal()
# With `user_id`, `role`, `team_id` (None outside teams) and `about_id`, the id of the membership.
role_given = Signal()
role_taken = Signal()
