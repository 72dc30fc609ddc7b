"""InputError: what was asked of `train` cannot be done, and the message says why and what to try."""


class InputError(ValueError):
    """Bad input: an option, an experiment, a pack or a training folder that cannot be used."""
