"""Skin and eyes of a person."""

from render.draws import Draws
from render.parameters import Eyes, Skin
from render.ranges.people import Skins

# Linear RGB of the iris stroma: dark brown, brown, hazel, green, blue, grey (ours, by eye from photographs).
IRIS_COLOURS = (
    (0.025, 0.010, 0.004),
    (0.075, 0.030, 0.010),
    (0.110, 0.065, 0.020),
    (0.075, 0.090, 0.035),
    (0.060, 0.115, 0.190),
    (0.110, 0.130, 0.140),
)

# Diameter of the pupil over that of the iris: 3 to 5.5 mm of 12 mm, indoors (ours).
PUPIL_SHARES = (0.25, 0.46)
# Above this melanin eyes are brown, and above twice as much no freckles are seen.
DARK_SKIN_MELANIN = 0.1


def draw_skin(skins: Skins, draw: Draws) -> Skin:
    """Uniform in their ranges, but for melanin, whose square root is: pale and dark get equal weight.

    Wrinkles are drawn as a square, so that most people have few. The more melanin, the fewer freckles.
    """
    low, high = skins.melanin
    pigments = draw.between_jointly("skin", {"melanin": (low**0.5, high**0.5), "haemoglobin": skins.haemoglobin})
    melanin = round(pigments["melanin"] ** 2, 9)
    shaved = draw.share("skin.has_stubble") < skins.stubble_share
    smooth, wrinkled = skins.wrinkles
    seen = max(0.0, 1 - melanin / (2 * DARK_SKIN_MELANIN))
    return Skin(
        melanin=melanin,
        haemoglobin=pigments["haemoglobin"],
        redness=draw.between("skin.redness", skins.redness),
        lip_colour=draw.between("skin.lip_colour", skins.lip_colour),
        oiliness=draw.between("skin.oiliness", skins.oiliness),
        freckles=round(draw.between("skin.freckles", skins.freckles) * seen, 9),
        moles=draw.between("skin.moles", skins.moles),
        stubble=draw.between("skin.stubble", skins.stubble) if shaved else 0.0,
        wrinkles=round(smooth + (wrinkled - smooth) * draw.share("skin.wrinkles") ** 2, 9),
        texture_seed=draw.new_seed("skin.texture_seed"),
    )


def draw_eyes(skin: Skin, draw: Draws) -> Eyes:
    """An iris colour between two neighbours of the table, which is cut for dark skin: it goes with brown eyes."""
    reach = len(IRIS_COLOURS) - 1 if skin.melanin < DARK_SKIN_MELANIN else 1
    position = draw.between("eyes.iris", (0, reach))
    lower = min(int(position), len(IRIS_COLOURS) - 2)
    share = position - lower
    pairs = zip(IRIS_COLOURS[lower], IRIS_COLOURS[lower + 1], strict=True)
    red, green, blue = (round(a + share * (b - a), 6) for a, b in pairs)
    return Eyes(
        iris_rgb=(red, green, blue),
        pupil_share=draw.between("eyes.pupil_share", PUPIL_SHARES),
        redness=draw.between("eyes.redness", (0, 1)),
    )
