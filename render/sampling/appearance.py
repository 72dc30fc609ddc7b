"""Skin and eyes of a person."""

from render.config import Skins
from render.draws import draw_between, random_stream
from render.parameters import Eyes, Skin

# Linear RGB of the iris stroma: dark brown, brown, hazel, green, blue, grey (ours, by eye from photographs).
IRIS_COLOURS = (
    (0.025, 0.010, 0.004),
    (0.075, 0.030, 0.010),
    (0.110, 0.065, 0.020),
    (0.075, 0.090, 0.035),
    (0.060, 0.115, 0.190),
    (0.110, 0.130, 0.140),
)


def draw_skin(skins: Skins, seed: int, split: str, person: int) -> Skin:
    """Pigments uniform in their ranges, but for melanin, whose square root is: pale and dark get equal weight."""

    def draw(field: str, bounds: tuple[float, float]) -> float:
        return draw_between(random_stream(seed, split, f"skin.{field}", person), bounds)

    low, high = skins.melanin
    return Skin(
        melanin=round(draw("melanin", (low**0.5, high**0.5)) ** 2, 9),
        haemoglobin=draw("haemoglobin", skins.haemoglobin),
        roughness=draw("roughness", skins.roughness),
        freckles=draw("freckles", skins.freckles),
        texture_seed=int(random_stream(seed, split, "skin.texture_seed", person).integers(1_000_000)),
    )


def draw_eyes(skins: Skins, seed: int, split: str, person: int) -> Eyes:
    """An iris colour between two neighbours of the table; dark skin goes with brown eyes.

    The person's melanin is drawn again from its own stream (streams are repeatable), because light irises are rare
    among people with much melanin: the table is cut accordingly.
    """
    melanin = draw_skin(skins, seed, split, person).melanin
    reach = len(IRIS_COLOURS) - 1 if melanin < 0.1 else 1
    position = draw_between(random_stream(seed, split, "eyes.iris", person), (0, reach))
    lower = min(int(position), len(IRIS_COLOURS) - 2)
    share = position - lower
    pairs = zip(IRIS_COLOURS[lower], IRIS_COLOURS[lower + 1], strict=True)
    red, green, blue = (round(a + share * (b - a), 6) for a, b in pairs)
    return Eyes(iris_rgb=(red, green, blue))
