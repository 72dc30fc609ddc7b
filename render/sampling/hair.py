"""Hair of a person: style, beard and colour."""

from render.draws import Draws
from render.parameters import Hair, HairColour, Skin
from render.ranges.hair import Hairs


def draw_hair(hairs: Hairs, draw: Draws) -> Hair:
    """Style and beard by their shares, each on its own."""
    return Hair(
        style=draw.weighted("hair.style", dict(hairs.styles)),
        beard=draw.weighted("hair.beard", dict(hairs.beards)),
        brow_thickness=draw.between("hair.brow_thickness", hairs.brow_thickness),
        seed=draw.new_seed("hair.seed"),
    )


def draw_hair_colour(hairs: Hairs, skin: Skin, draw: Draws) -> HairColour:
    """Pigments, each uniform in its range; on dark skin the upper part of the range of melanin, as hair there is dark.

    The darker the skin, the smaller the part: from all of it at a melanin fraction of 0.06 in the skin to the uppermost
    fifth at 0.16 (ours).
    """
    low, high = hairs.melanin
    darkness = min(max((skin.melanin - 0.06) / 0.10, 0.0), 1.0)
    return HairColour(
        melanin=draw.between("hair_colour.melanin", (low + 0.8 * darkness * (high - low), high)),
        redness=draw.between("hair_colour.redness", hairs.redness),
        grey=draw.between("hair_colour.grey", hairs.grey),
    )
