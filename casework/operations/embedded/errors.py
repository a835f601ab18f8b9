"""The one error of the embedded engines."""


class EngineError(RuntimeError):
    """The engines cannot run; the message is a sentence for the person at the terminal, saying what to do."""
