"""The emotions of khan2021 as shape-key weights, drawn with an intensity."""

from render.config import Expressions
from render.draws import draw_between, draw_one, random_stream
from render.parameters import Expression


def _both(**weights: float) -> dict[str, float]:
    """The same weight on the person's left and right."""
    return {f"{name}_{side}": weight for name, weight in weights.items() for side in "LR"}


# Weights at full intensity. The action units of each emotion follow Ekman and Friesen's facial action coding
# (happiness AU 6+12+25, anger 4+5+7+23, fear 1+2+4+5+20+26, sadness 1+4+15+17); the amounts are ours, by eye.
EMOTIONS: dict[str, dict[str, float]] = {
    "neutral": {},
    "happy": _both(mouthSmile=0.85, cheekSquint=0.6, eyeSquint=0.35, mouthDimple=0.25, mouthUpperUp=0.25)
    | {"jawOpen": 0.12},
    "angry": _both(browDown=0.95, eyeSquint=0.45, eyeWide=0.15, noseSneer=0.55, mouthPress=0.6, mouthFrown=0.3),
    "scared": _both(browOuterUp=0.55, eyeWide=0.9, mouthStretch=0.65, mouthLowerDown=0.25)
    | {"browInnerUp_L": 0.9, "browInnerUp_R": 0.9, "jawOpen": 0.35},
    "sad": _both(mouthFrown=0.8, browDown=0.2, eyeLookDown=0.2, mouthLowerDown=0.1)
    | {"browInnerUp_L": 0.85, "browInnerUp_R": 0.85, "mouthShrugLower": 0.5},
}


def draw_expression(expressions: Expressions, seed: int, split: str, index: int) -> Expression:
    """One emotion, each as likely as the other, scaled by its intensity."""
    name = draw_one(random_stream(seed, split, "expression.name", index), expressions.names)
    intensity = draw_between(random_stream(seed, split, "expression.intensity", index), expressions.intensity)
    weights = {key: round(weight * intensity, 6) for key, weight in EMOTIONS[name].items()}
    return Expression(name=name, weights=tuple(sorted(weights.items())))
