"""Named expressions as shape-key weights, drawn with an intensity: the emotions of khan2021, lids, shapes of speech."""

from render.draws import Draws
from render.heads.model import NUMBERED_EXPRESSION
from render.parameters import Expression
from render.ranges.people import SAMPLED, Expressions


def _both(**weights: float) -> dict[str, float]:
    """The same weight on the person's left and right."""
    return {f"{name}_{side}": weight for name, weight in weights.items() for side in "LR"}


# Weights at full intensity. The action units of each emotion follow Ekman and Friesen's facial action coding
# (happiness AU 6+12+25, anger 4+5+7+23, fear 1+2+4+5+20+26, sadness 1+4+15+17, disgust 9+15+16, surprise 1+2+5+26); the
# amounts are ours, by eye.
EMOTIONS: dict[str, dict[str, float]] = {
    "neutral": {},
    "happy": _both(mouthSmile=0.85, cheekSquint=0.6, eyeSquint=0.35, mouthDimple=0.25, mouthUpperUp=0.25)
    | {"jawOpen": 0.12},
    "angry": _both(browDown=0.95, eyeSquint=0.45, eyeWide=0.15, noseSneer=0.55, mouthPress=0.6, mouthFrown=0.3),
    "scared": _both(browOuterUp=0.55, eyeWide=0.9, mouthStretch=0.65, mouthLowerDown=0.25)
    | {"browInnerUp_L": 0.9, "browInnerUp_R": 0.9, "jawOpen": 0.35},
    "sad": _both(mouthFrown=0.8, browDown=0.2, eyeLookDown=0.2, mouthLowerDown=0.1)
    | {"browInnerUp_L": 0.85, "browInnerUp_R": 0.85, "mouthShrugLower": 0.5},
    "disgusted": _both(noseSneer=0.9, browDown=0.5, mouthUpperUp=0.55, mouthFrown=0.35, eyeSquint=0.5, cheekSquint=0.3)
    | {"mouthShrugLower": 0.3},
    "surprised": _both(browInnerUp=0.8, browOuterUp=0.8, eyeWide=0.8) | {"jawOpen": 0.55, "mouthFunnel": 0.2},
    "blink": _both(eyeBlink=1.0),
    "squint": _both(eyeSquint=0.9, cheekSquint=0.5, browDown=0.3),
    # Shapes of the mouth in speech, named for their sounds: vowels from open to rounded, then lips closed, lower lip to
    # the teeth, teeth together.
    "aa": {"jawOpen": 0.5} | _both(mouthLowerDown=0.2, mouthUpperUp=0.1),
    "ee": {"jawOpen": 0.14} | _both(mouthStretch=0.45, mouthSmile=0.25, mouthLowerDown=0.3, mouthUpperUp=0.2),
    "oh": {"jawOpen": 0.35, "mouthFunnel": 0.55, "mouthPucker": 0.2},
    "oo": {"jawOpen": 0.14, "mouthPucker": 0.75, "mouthFunnel": 0.25},
    "mm": {"mouthRollUpper": 0.35, "mouthRollLower": 0.4} | _both(mouthPress=0.45),
    "ff": {"jawOpen": 0.08, "mouthRollLower": 0.7} | _both(mouthUpperUp=0.35),
    "ss": {"jawOpen": 0.06} | _both(mouthStretch=0.3, mouthLowerDown=0.35, mouthUpperUp=0.3),
}


# A statistical mode is drawn within so many standard deviations, as identities are.
SAMPLED_LIMIT = 2.5


def numbered_shapes(count: int) -> tuple[str, ...]:
    """Names of the first statistical expression modes of a head model."""
    return tuple(NUMBERED_EXPRESSION.format(number) for number in range(count))


def shapes_of(name: str, expressions: Expressions) -> tuple[str, ...]:
    """The shapes of a head model that an expression needs."""
    return numbered_shapes(expressions.modes) if name == SAMPLED else tuple(EMOTIONS[name])


def draw_expression(expressions: Expressions, draw: Draws) -> Expression:
    """One expression, each as likely as the other, scaled by its intensity."""
    name = draw.one("expression.name", expressions.names)
    intensity = draw.between("expression.intensity", expressions.intensity)
    full = EMOTIONS.get(name, {})
    if name == SAMPLED:
        values = draw.stream("expression.modes").standard_normal(expressions.modes).clip(-SAMPLED_LIMIT, SAMPLED_LIMIT)
        full = dict(zip(numbered_shapes(expressions.modes), values.tolist(), strict=True))
    weights = {key: round(weight * intensity, 6) + 0.0 for key, weight in full.items()}
    return Expression(name=name, weights=tuple(sorted(weights.items())))
