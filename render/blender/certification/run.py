"""Making a certificate: every scene, every head, every size, one check after the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from render.blender.certification.agreement import LEVELS, measure_agreement
from render.blender.certification.analytic import analytic_scenes, compare_analytic
from render.blender.certification.heads import compare_head
from render.blender.draw import open_stage
from render.blender.passes import Stage
from render.certification.certificate import CERTIFICATE_VERSION, Agreement, Certificate, Check, check_line
from render.certification.compare import Comparison, checked
from render.certification.pictures import file_name, save_picture, worst_pixel_picture
from render.config import Recipe
from render.frame_keys import assets_of, product_epochs, software_versions
from render.parameters import FrameParameters
from render.ranges.accessories import GLASSES_STYLES
from render.ranges.hair import BEARD_STYLES, HAIR_STYLES
from render.recipe_head import recipe_head
from render.sampling.frame import draw_frame

Sizes = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Worn:
    """A frame of the recipe, and what its person wears."""

    index: int
    hair: str
    beard: str
    glasses: str


QUICK_SCENE_SIZES: Sizes = ((64, 48), (188, 116))
SCENE_SIZES: Sizes = (*QUICK_SCENE_SIZES, (320, 240), (480, 640), (1024, 1024))
QUICK_HEAD_SIZES: Sizes = ((64, 48), (160, 120))
HEAD_SIZES: Sizes = (*QUICK_HEAD_SIZES, (320, 240), (480, 640), (1024, 1024))
QUICK_WORN = (Worn(index=0, hair="buzz", beard="none", glasses="rectangular"),)


def full_worn() -> tuple[Worn, ...]:
    """A frame for each style of hair, with every beard and every frame of glasses in turn."""
    return tuple(
        Worn(3 * turn, hair, BEARD_STYLES[turn % len(BEARD_STYLES)], GLASSES_STYLES[turn % len(GLASSES_STYLES)])
        for turn, hair in enumerate(HAIR_STYLES)
    )


def certify(
    recipes: tuple[Recipe, ...],
    *,
    mode: Literal["quick", "full"],
    device: Literal["cpu", "gpu"],
    assets_source: str | None,
    cache: Path,
    folder: Path,
    tell: Callable[[str], None],
) -> Certificate:
    """Measure shapes, and the heads of each recipe; `tell` gets a line a check, and the folder the worst pixels.

    Raises: AssetError or HeadModelError when a recipe's heads cannot be had, DeviceError.
    """
    quick = mode == "quick"
    assets = {}
    for recipe in recipes:
        assets |= assets_of(recipe, source=assets_source, cache=cache)
    models = [recipe_head(recipe, assets_source=assets_source, cache=cache, planned=assets) for recipe in recipes]
    stage = open_stage(device=device, products=("gt",))
    gathered = _Gathered(folder, tell)
    for scene in analytic_scenes():
        for comparisons in compare_analytic(stage, scene, QUICK_SCENE_SIZES if quick else SCENE_SIZES):
            gathered.add(scene.name, comparisons)
    agreement: list[Agreement] = []
    for recipe, model in zip(recipes, models, strict=True):
        for number, worn in enumerate(QUICK_WORN if quick else full_worn()):
            parameters = dressed(recipe, worn)
            # Every size once, the larger ones not for every style.
            sizes = QUICK_HEAD_SIZES if quick else HEAD_SIZES if number % 6 == 4 else HEAD_SIZES[:3]
            name = f"{model.family} {worn.index}"
            for comparisons, landmarks in compare_head(stage, model, parameters, recipe, sizes, scene=name):
                gathered.add(name, comparisons)
                gathered.add_checks(landmarks)
        if not quick:
            for level in LEVELS:
                agreement.append(measure_agreement(stage, model, draw_frame(recipe, "test", 0), recipe, level))
                tell(agreement_line(agreement[-1]))
    checks = gathered.with_pictures()
    return Certificate(
        version=CERTIFICATE_VERSION,
        mode=mode,
        device=device,
        families=tuple(model.family for model in models),
        assets=assets,
        epochs=product_epochs("gt"),
        software=software_versions(),
        engine=engine_settings(stage),
        passed=all(check.passed for check in checks),
        checks=checks,
        agreement=tuple(agreement),
    )


def dressed(recipe: Recipe, worn: Worn) -> FrameParameters:
    """A test frame of a recipe whose person wears what is asked for."""
    drawn = draw_frame(recipe, "test", worn.index)
    return replace(
        drawn,
        hair=replace(drawn.hair, style=worn.hair, beard=worn.beard),
        glasses=replace(drawn.glasses, style=worn.glasses),
    )


def engine_settings(stage: Stage) -> dict[str, str | int | float | bool]:
    """The settings of Cycles that ground truth depends on."""
    scene = stage.scenes["gt_head"]
    return {
        "engine": scene.render.engine,
        "samples": scene.cycles.samples,
        "filter_width_px": round(scene.cycles.filter_width, 6),
        "strands": scene.cycles_curves.shape,
    }


def agreement_line(measured: Agreement) -> str:
    """One level of one family in one line of text."""
    return (
        f"normals and depth, {measured.family} level {measured.subdivision_level}: median {measured.median_deg:.3f}, "
        f"90 % within {measured.percentile_90_deg:.3f} degrees; {measured.triangles} triangles, "
        f"{measured.frame_cpu_seconds:.2f} CPU s a frame, {measured.person_cpu_seconds:.2f} a person"
    )


@dataclass
class _Gathered:
    """Checks so far; pictures are written as they come, and those of all but the worst of their kind removed."""

    folder: Path
    tell: Callable[[str], None]

    def __post_init__(self) -> None:
        self.checks: list[Check] = []

    def add(self, scene: str, comparisons: list[Comparison]) -> None:
        for comparison in comparisons:
            check = checked(comparison, scene)
            if self._pictured(check):
                check = check.model_copy(update={"picture": file_name(check)})
                save_picture(self.folder / file_name(check), worst_pixel_picture(comparison, check))
            self.add_checks([check])

    def add_checks(self, checks: list[Check]) -> None:
        for check in checks:
            self.checks.append(check)
            self.tell(check_line(check))

    def with_pictures(self) -> tuple[Check, ...]:
        kept = []
        worst = {id(max(same, key=_severity)) for same in self._kinds() if same}
        for check in self.checks:
            outdone = check.picture is not None and check.passed and id(check) not in worst
            if outdone:
                (self.folder / str(check.picture)).unlink()
            kept.append(check.model_copy(update={"picture": None}) if outdone else check)
        return tuple(kept)

    def _pictured(self, check: Check) -> bool:
        """Whether something is off, and it failed or no check of its kind was worse so far."""
        same = [one for one in self.checks if (one.layer, one.quantity) == (check.layer, check.quantity)]
        return check.worst > 0 and (not check.passed or all(_severity(check) > _severity(one) for one in same))

    def _kinds(self) -> Iterator[list[Check]]:
        for kind in {(check.layer, check.quantity) for check in self.checks}:
            yield [check for check in self.checks if (check.layer, check.quantity) == kind and check.picture]


def _severity(check: Check) -> float:
    return check.worst / check.bound if check.bound > 0 else check.worst
