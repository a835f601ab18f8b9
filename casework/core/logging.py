"""Log lines as JSON with allow-listed keys only: what a person typed has no way into them."""

import json
import logging
import sys
import threading
import traceback
from pathlib import Path
from types import TracebackType

_KEYS = ("event", "request_id", "user_id", "case_id", "status", "method", "route", "ms", "count", "task", "attempt")
_OURS = str(Path(__file__).resolve().parents[2])


class AllowListFormatter(logging.Formatter):
    """Formats a record as one JSON object: level, logger, time, event and known ids; of an exception, type and frames.

    The message is kept only for our own loggers, whose messages are constants; its arguments never are.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
        }
        if record.name.startswith(("casework", "config")) or (
            record.name in {"gunicorn.error", "celery.beat", "celery.worker"} and not record.exc_info
        ):
            line["message"] = str(record.msg)
        for key in _KEYS:
            if (value := getattr(record, key, None)) is not None:
                line[key] = value if isinstance(value, int) else str(value)[:80]
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = f"{record.exc_info[0].__module__}.{record.exc_info[0].__qualname__}"
            line["frames"] = _frames(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False)


def _frames(trace: TracebackType | None) -> list[str]:
    # File, line and function: never the values of variables, never the exception's text.
    frames = traceback.extract_tb(trace)
    return [f"{frame.filename.removeprefix(_OURS)}:{frame.lineno} {frame.name}" for frame in frames][-25:]


def keep_python_quiet() -> None:
    """Let Python print no exception's text and no warning: journals keep what a process prints, and both quote values.

    What ends a command, a thread or an object's own clean-up is logged by its type and our lines. A person who sits at
    a terminal sees all of it there.
    """
    logging.captureWarnings(True)
    sys.excepthook = _ended
    threading.excepthook = _thread_ended
    sys.unraisablehook = _could_not_raise


def _ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if sys.stderr is None or sys.stderr.isatty() or issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    _log("process.failed", kind, error, trace)


def _thread_ended(told: threading.ExceptHookArgs) -> None:
    if told.exc_type is not SystemExit:
        _log("thread.failed", told.exc_type, told.exc_value, told.exc_traceback)


def _could_not_raise(told: "sys.UnraisableHookArgs") -> None:
    _log("process.ignored", told.exc_type, told.exc_value, told.exc_traceback)


def _log(event: str, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    told = (kind, error or kind(), trace)
    logging.getLogger(__name__).error(event, exc_info=told, extra={"event": event})
