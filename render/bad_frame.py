"""BadFrameError: a frame breaks a promise. It is made once more, and if it fails again it is quarantined."""


class BadFrameError(Exception):
    """A check of a frame failed; the message says what was expected, what came, and where.

    `product` names the product that the check is of.
    """

    product: str
