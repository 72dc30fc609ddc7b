"""The flashes of Multi-PIE: where each of the 18 stands.

Source: the layout of Multi-PIE (Gross et al. 2010) as the documentation of bob.bio.face tells it; the article itself
was not at hand: 13 cameras at head height every 15 degrees from -90 to 90, two more above the subject (08_1, 19_1), a
flash on each of the 15, and three flashes above the subject between those two; pictures 00 and 19 are taken without
flash, 01 to 18 with one each. Ours: that numbers 1 to 13 follow the arc, so that 07 is the frontal one, and 14 to 18
the upper row; the upper row's angles, the side that number 1 stands on (the image left of the frontal camera),
distance and size.
"""

FLASH_DISTANCE_M = 1.6
FLASH_SIZE_M = 0.10
FLASH_TEMPERATURE_K = 5600.0
NO_FLASH = 0
_UPPER_ROW_DEG = ((-45.0, 35.0), (-22.5, 42.0), (0.0, 45.0), (22.5, 42.0), (45.0, 35.0))
# Number to azimuth and elevation in degrees.
FLASHES: dict[int, tuple[float, float]] = {
    **{number: (15.0 * (number - 7), 0.0) for number in range(1, 14)},
    **{14 + position: angles for position, angles in enumerate(_UPPER_ROW_DEG)},
}
