"""Measures of procedural people beside the published norms of adults: how far model and humankind agree."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial import ConvexHull, KDTree

from render.heads.model import HeadModel
from render.heads.procedural import load_procedural
from render.heads.procedural_anatomy import Anatomy, build_anatomy

PEOPLE = 500
SEED = 2016
# As recipes draw people by default (render.ranges.people.Heads).
LIMIT = 2.5


@dataclass(frozen=True)
class Norm:
    """One measure: its name, between which points it is taken, and mean and standard deviation over adults, mm."""

    name: str
    taken: str
    mean_mm: float
    spread_mm: float
    source: str


# All are means of the two sexes' means, with the difference of the sexes in the spread; docs/head_norms.md says which
# were checked against what.
_ANSUR, _POOLED = "ANSUR II (2012), checked", "pooled analysis (2022), checked"
_NIOSH, _FARKAS = "Zhuang and Bradtmiller (2005)", "Farkas (1994), unverified"
_NIOSH_CHECKED, _NIOSH_UNVERIFIED = f"{_NIOSH}, checked", f"{_NIOSH}, unverified"
_CHECKS = """\
Norms come from three publications' tables and one pooled analysis, and not all could be read at the source:

- *ANSUR II, checked:* means and spreads of 4082 men and 1986 women, worked out by others from the survey's public
  files (head circumference 574.4 ± 16.0 and 561.1 ± 19.4, length 199.5 ± 7.0 and 189.8 ± 7.4, breadth 154.3 ± 5.5 and
  147.8 ± 5.2, tragion to top 131.1 ± 6.2 and 126.5 ± 6.5 mm). Pooled as below they give the rows to 0.1 mm.
- *Pooled analysis, checked:* 31.4 ± 2.5 mm stands in the abstract of the analysis of 67 studies (PMC9029890, white
  adults; it finds 31.2 to 38.5 mm among peoples).
- *Zhuang and Bradtmiller, checked:* the paper itself could not be read. The survey's individual measures of 3997
  people are public (CDC, RD-10130-2020-0), and their means and spreads by sex and group are in others' software
  (`niosh2003.json` of the repository EricSpencer00/faciometry). Weighted about as the population of the United States
  was made up in 2000 (white 0.70, Hispanic 0.125, black 0.12, other 0.055, our rounding; the paper weights its sample
  to the population as well) they give bizygomatic 139.2 ± 7.9, bigonial 115.2 ± 11.1, face height 118.1 ± 8.1,
  interpupillary 63.2 ± 3.8, nose height 50.2 ± 4.4, nose breadth 34.9 ± 4.5 and mouth breadth 49.5 ± 4.4 mm: the rows
  to 0.1 mm in the mean, and 0.2 mm in the spread.
- *Unverified:* quoted from memory of the named publication; no copy of it could be consulted. Of Farkas's rows one
  has a witness: software that cites Hall (2007) gives fissures 30.7 ± 1.3 mm long at 16 years, where the row has 31.0
  ± 1.3.

Every row is the mean of the two sexes' means; its spread holds the difference of the sexes: the root of the mean of
both variances and the square of half that difference.
"""
NORMS = (
    Norm("head breadth", "eu-eu", 151.0, 6.3, _ANSUR),
    Norm("head length", "g-op", 194.6, 8.7, _ANSUR),
    Norm("head circumference", "through g and op", 567.8, 19.0, _ANSUR),
    Norm("tragion to top of head", "t-v, upright", 128.8, 6.8, _ANSUR),
    Norm("minimum frontal breadth", "ft-ft", 104.2, 5.7, _NIOSH_UNVERIFIED),
    Norm("bizygomatic breadth", "zy-zy", 139.3, 7.9, _NIOSH_CHECKED),
    Norm("bigonial breadth", "go-go", 115.2, 10.9, _NIOSH_CHECKED),
    Norm("face height", "n-gn", 118.0, 8.0, _NIOSH_CHECKED),
    Norm("lower face height", "sn-gn", 68.5, 6.0, _FARKAS),
    Norm("interpupillary distance", "p-p", 63.2, 3.8, _NIOSH_CHECKED),
    Norm("intercanthal distance", "en-en", 31.4, 2.5, _POOLED),
    Norm("biocular breadth", "ex-ex", 89.5, 3.5, _FARKAS),
    Norm("palpebral fissure length", "en-ex", 31.0, 1.3, _FARKAS),
    Norm("palpebral fissure height", "ps-pi", 10.8, 1.2, _FARKAS),
    Norm("nose height", "n-sn", 50.1, 4.4, _NIOSH_CHECKED),
    Norm("nose breadth", "al-al", 34.9, 4.3, _NIOSH_CHECKED),
    Norm("nose protrusion", "sn-prn", 20.4, 2.8, _NIOSH_UNVERIFIED),
    Norm("mouth breadth", "ch-ch", 49.5, 4.4, _NIOSH_CHECKED),
    Norm("upper lip height", "sn-sto", 21.2, 2.3, _FARKAS),
    Norm("upper vermilion height", "ls-sto", 8.4, 1.4, _FARKAS),
    Norm("lower vermilion height", "sto-li", 9.4, 1.6, _FARKAS),
    Norm("ear length", "sa-sba", 60.5, 4.3, _FARKAS),
    Norm("ear breadth", "pra-pa", 34.4, 2.5, _FARKAS),
    Norm("neck circumference", "below the larynx", 365.0, 40.0, _NIOSH_UNVERIFIED),
)
# Points that no landmark of the 68 marks, where they lie on the left half of the mean skin, mm in the head frame.
_TRAGION_MM, _FRONTOTEMPORALE_MM, _GONION_MM = (72.0, 7.0, 2.0), (52.5, 46.0, 71.0), (56.0, -62.0, 10.0)
_NECK_HEIGHT_MM, _NECK_SLANT = -130.0, -0.16


@dataclass(frozen=True)
class MeasuringPoints:
    """Vertices of the anthropometric points by name, left ones first, and of two belts around head and neck."""

    points: dict[str, Int[np.ndarray, " v"]]
    head_belt: Int[np.ndarray, " h"]
    neck_belt: Int[np.ndarray, " n"]


def measuring_points(model: HeadModel, anatomy: Anatomy) -> MeasuringPoints:
    """Found once on the mean head; they stay with their vertices, as the points of a trained measurer would."""
    place = anatomy.vertices_mm
    skin = anatomy.parts["skin"]
    x, y, z = place[skin].T
    tree = KDTree(place[skin])

    def pair(vertex: int) -> np.ndarray:
        return np.array([vertex, anatomy.mirror_of[vertex]])

    def near(point: tuple[float, float, float]) -> np.ndarray:
        return pair(int(skin[tree.query(point)[1]]))

    def highest(values: np.ndarray, where: np.ndarray, ids: np.ndarray = skin) -> int:
        return int(ids[np.argmax(np.where(where, values, -np.inf))])

    mark = model.landmark_vertices
    middle = np.abs(x) < 1e-6
    ear = anatomy.parts["ear_left"]
    everywhere = np.ones(len(ear), dtype=bool)
    outside_head = place[ear, 0] > 70.0
    glabella = highest(z, middle & (y > 25) & (y < 50))
    # The edges of the left lids straight above and below the pupil.
    rim = anatomy.loops["eye_left"]
    half, pupil = len(rim) // 2, place[model.eye_landmark_vertices[0], 0]
    edges = (rim[1:half], rim[half + 1 :])
    lids = np.array([edge[np.abs(place[edge, 0] - pupil).argmin()] for edge in edges])
    points = {
        "eu": pair(highest(x, y > 20)),
        "zy": pair(highest(x, (np.abs(y) < 12) & (z > 22))),
        "al": pair(highest(x, (np.abs(y + 20) < 7) & (np.abs(x) < 21) & (z > 92))),
        "ft": near(_FRONTOTEMPORALE_MM),
        "t": near(_TRAGION_MM),
        "go": near(_GONION_MM),
        "g": np.array([glabella]),
        "op": np.array([highest(-z, middle & (y > 0))]),
        "v": np.array([highest(y, middle)]),
        "n": mark[[27]],
        "prn": mark[[30]],
        "sn": mark[[33]],
        "ls": mark[[51]],
        "sto": mark[[62, 66]],
        "li": mark[[57]],
        "gn": mark[[8]],
        "ch": mark[[54, 48]],
        "en": mark[[42, 39]],
        "ex": mark[[45, 36]],
        "lids": lids,
        "p": model.eye_landmark_vertices,
        "sa": np.array([highest(place[ear, 1], everywhere, ear)]),
        "sba": np.array([highest(-place[ear, 1], everywhere, ear)]),
        "pra": np.array([highest(place[ear, 2], outside_head, ear)]),
        "pa": np.array([highest(-place[ear, 2], outside_head, ear)]),
    }
    level = place[glabella, 1] + (place[skin, 2] - place[glabella, 2]) * 0.06
    head_belt = skin[np.abs(y - level) < 4.0]
    neck_belt = skin[(np.abs(y - (_NECK_HEIGHT_MM + _NECK_SLANT * z)) < 4.0) & (z < 60) & (np.abs(x) < 75)]
    return MeasuringPoints(points, head_belt, neck_belt)


def measures_mm(points: MeasuringPoints, vertices_mm: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " m"]:
    """Every measure of NORMS on one person."""

    def at(name: str) -> np.ndarray:
        return vertices_mm[points.points[name]]

    def apart(first: str, second: str) -> float:
        return float(np.linalg.norm(at(first).mean(axis=0) - at(second).mean(axis=0)))

    def across(name: str) -> float:
        return float(np.linalg.norm(at(name)[0] - at(name)[1]))

    def belt(ids: np.ndarray) -> float:
        return float(ConvexHull(vertices_mm[ids][:, [0, 2]]).area)  # of a flat hull this is the length of its edge

    return np.array(
        [
            across("eu"),
            apart("g", "op"),
            belt(points.head_belt),
            at("v")[0, 1] - at("t")[:, 1].mean(),
            across("ft"),
            across("zy"),
            across("go"),
            apart("n", "gn"),
            apart("sn", "gn"),
            across("p"),
            across("en"),
            across("ex"),
            float(np.linalg.norm(at("en")[0] - at("ex")[0])),
            across("lids"),
            apart("n", "sn"),
            across("al"),
            apart("sn", "prn"),
            across("ch"),
            apart("sn", "sto"),
            apart("ls", "sto"),
            apart("sto", "li"),
            apart("sa", "sba"),
            apart("pra", "pa"),
            belt(points.neck_belt),
        ]
    )


def measured_people_mm(*, people: int = PEOPLE, seed: int = SEED) -> Float[np.ndarray, "p m"]:
    """Measures of that many people drawn as recipes draw them: independent normal coefficients, clipped at LIMIT."""
    model, anatomy = load_procedural(), build_anatomy()
    points = measuring_points(model, anatomy)
    used = np.unique(np.concatenate([*points.points.values(), points.head_belt, points.neck_belt]))
    mean, basis = 1000.0 * model.mean_vertices_m[used], 1000.0 * model.identity_basis_m[:, used].astype(np.float64)
    draws = np.random.default_rng(seed).standard_normal((people, len(basis))).clip(-LIMIT, LIMIT)
    vertices = np.zeros((len(anatomy.vertices_mm), 3))
    rows = []
    for coefficients in draws:
        vertices[used] = mean + np.tensordot(coefficients, basis, axes=1)
        rows.append(measures_mm(points, vertices))
    return np.array(rows)


def norms_page(measured: Float[np.ndarray, "p m"]) -> str:
    """The whole of docs/head_norms.md."""
    return (
        "# How procedural people measure up\n\n"
        f"Means and standard deviations over {len(measured)} people of the `procedural` family, measured on their "
        "meshes, beside those of adults (women and men alike, so the difference of the sexes is in the spread).\n"
        "`python -m render norms` prints this page, `render/heads/norms.py` defines every measure, and a test holds "
        "the two together.\n\n"
        f"{_CHECKS}\n"
        "One head mode stands for each measure that a published spread has set; the "
        "other qualities of shape (ridges, tips, folds, fullness) have spreads of our own.\n\n" + norms_table(measured)
    )


def norms_table(measured: Float[np.ndarray, "p m"]) -> str:
    """Model and norm side by side: means and standard deviations."""
    lines = ["| measure | taken | model, mm | adults, mm | source |", "| --- | --- | ---: | ---: | --- |"]
    for norm, mean, spread in zip(NORMS, measured.mean(axis=0), measured.std(axis=0), strict=True):
        ours, theirs = f"{mean:.1f} ± {spread:.1f}", f"{norm.mean_mm:.1f} ± {norm.spread_mm:.1f}"
        lines.append(f"| {norm.name} | {norm.taken} | {ours} | {theirs} | {norm.source} |")
    return "\n".join(lines) + "\n"
