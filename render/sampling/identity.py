"""Who is drawn: coefficients of the identity modes, LYHM style."""

from render.draws import Draws
from render.parameters import Identity
from render.ranges.people import Heads


def draw_identity(heads: Heads, modes: int, draw: Draws) -> Identity:
    """Standard normal coefficients times sigma, clipped at the limit; X = mean + W y, y ~ N(0, 1).

    Source: bouafif2020 section 3 (LYHM shape sampling). The clip keeps the rare person inside the model's span.
    """
    values = heads.identity_sigma * draw.stream("identity").standard_normal(modes)
    values = values.clip(-heads.identity_limit, heads.identity_limit)
    # Adding 0 turns -0.0 into 0.0: the same person must have the same text, and so the same id.
    return Identity(family=heads.family, coefficients=tuple(round(float(value), 6) + 0.0 for value in values))
