"""What every process that holds the root key asks before it serves."""

import logging
import resource

from django.conf import settings

from casework.core import clock
from casework.crypto import rehearsal
from casework.crypto import services as crypto
from casework.crypto.keyring import RootKeyError

_logger = logging.getLogger("casework.crypto")


def check_keys() -> None:
    """Open every wrapping key, and warn of what is weak; raises `RootKeyError` naming the version.

    From here on the process leaves no core: it would hold keys, and what people had open (security design, section 5).
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        crypto.verify_root()
    except RootKeyError as error:
        # What is raised reaches the logs without its text; this text is ours, and says what to do.
        _logger.critical(str(error))
        raise
    if settings.DEMO:
        return
    for weak in crypto.root_warnings():
        _logger.warning(weak)
    if rehearsal.lack(clock.now()):
        _logger.warning("The recovery of the root key was not rehearsed: run manage.py doctor.")
