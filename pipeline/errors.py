"""PipelineError: a run cannot be started or finished; the message says what was expected, what came, what to try."""


class PipelineError(Exception):
    """A stage failed, or was asked for something impossible. Its message is complete: no traceback is shown with it."""
