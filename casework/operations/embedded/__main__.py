"""`python -m casework.operations.embedded --data DIR`: run the engines alone, for developers."""

import argparse
import contextlib
import signal
import sys
import time
from pathlib import Path

from .engines import SCRATCH, Engines
from .errors import EngineError


def main() -> int:
    """Start the engines, print their addresses as environment lines, run until Ctrl-C or a signal to end."""
    parser = argparse.ArgumentParser(prog="python -m casework.operations.embedded", description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="data folder: made when missing, kept afterwards")
    parser.add_argument("--fast", action="store_true", help="give up durability")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    engines = Engines(chosen.data, fast=chosen.fast)
    try:
        with engines, contextlib.suppress(KeyboardInterrupt):
            for name, role in (
                ("DATABASE_URL", "web"),
                ("DATABASE_OWNER_URL", "owner"),
                ("DATABASE_WORKER_URL", "worker"),
                ("DATABASE_SEALER_URL", "sealer"),
                ("DATABASE_BACKUP_URL", "backup"),
            ):
                print(f"{name}='{engines.database_url(role)}'")  # type: ignore[arg-type]
            print(f"DATABASE_SCRATCH_URL='{engines.database_url('owner', database=SCRATCH)}'")
            print(f"REDIS_URL='{engines.redis_url}'", flush=True)
            while (sentence := engines.failed()) is None:
                time.sleep(0.5)
            raise EngineError(sentence)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
