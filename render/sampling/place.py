"""Place: where a frame stands among people, instants, views and sequences, by integer arithmetic alone."""

from dataclasses import dataclass

from render.ranges.structure import Structure


@dataclass(frozen=True)
class Place:
    """What a frame shares with which other frames of its split; every index counts from 0.

    Frames of one `person` show the same head; of one `instant`, the same expression and pose too. `view` and `light`
    tell which camera and which light of the instant. A `scene` is the stretch of time in which cameras, light and
    backdrop stay: a whole sequence, or an instant where there are none. `sequence` and `step` are those of the person,
    None where the recipe has no sequences.
    """

    person: int
    scene: int
    instant: int
    view: int
    light: int
    sequence: int | None
    step: int | None


def frame_place(structure: Structure, index: int) -> Place:
    """The place of frame `index` of a split; it does not depend on how many frames there are.

    Lights vary fastest, then views, steps and sequences (or instants), and people last.
    """
    rest, light = divmod(index, structure.lights)
    instant, view = divmod(rest, structure.view_count)
    scene, sequence, step = instant, None, None
    if structure.sequences is not None:
        scene, step = divmod(instant, structure.sequences.steps)
        sequence = scene % len(structure.sequences.motions)
    return Place(
        person=index // structure.frames_per_identity,
        scene=scene,
        instant=instant,
        view=view,
        light=light,
        sequence=sequence,
        step=step,
    )
