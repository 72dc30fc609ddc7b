"""The status of a store as one page of HTML that needs nothing but itself."""

import base64
import io
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import jinja2
from PIL import Image

from pipeline.console import duration
from pipeline.status_text import empty_text, training_line
from pipeline.store_status import StoreStatus
from pipeline.work_status import ElementState, WorkStatus

TEMPLATES = Path(__file__).with_name("templates")
THUMBNAIL_PX = 240
CELLS = 1200
_COLOURS = ("#3f6f9f", "#c8803a", "#5f9a6e", "#a9584f", "#7e6aa8", "#b7a24a", "#5aa0a8", "#8d8d8d")


@dataclass(frozen=True)
class Thumbnail:
    """A picture small enough to lie in the page itself."""

    name: str
    data: str


def status_page(status: StoreStatus, *, refresh_s: float | None) -> str:
    """The page; a browser loads it anew every `refresh_s` seconds, where that is said."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    return environment.get_template("status.html").render(
        status=status,
        title="Headroom: status of a store",
        read_at=time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(status.read_s)),
        refresh_s=round(refresh_s) if refresh_s else None,
        empty=empty_text(status).capitalize(),
        pictures=[thumbnail for path in status.pictures if (thumbnail := _thumbnail(path, status.store))],
        duration=duration,
        training_line=training_line,
        share=lambda part, whole: f"{100 * part / whole if whole else 0:.2f}",
        rate=lambda work: f"{_shown_rate(work)[0]:.3g}",
        rate_unit=lambda work: _shown_rate(work)[1],
        cells=element_cells,
        cell_meaning=_cell_meaning,
        colour=lambda number: _COLOURS[number % len(_COLOURS)],
    )


def element_cells(work: WorkStatus) -> list[ElementState]:
    """A state for each element in order; of several elements in a cell, where there are very many, the least done."""
    cells = min(CELLS, len(work.elements))
    edges = [len(work.elements) * cell // cells for cell in range(cells + 1)] if cells else []
    found: list[ElementState] = []
    for start, end in pairwise(edges):
        states = set(work.elements[start:end])
        found.append("working" if "working" in states else "waiting" if "waiting" in states else "published")
    return found


def _cell_meaning(work: WorkStatus) -> str:
    count = len(work.elements)
    return "a square is a shard" if count <= CELLS else f"{count:,} shards, about {count / CELLS:.0f} in a square"


def _shown_rate(work: WorkStatus) -> tuple[float, str]:
    rate = work.frames_a_second or 0.0
    return (rate, "frames a second") if rate >= 1 or not rate else (1 / rate, "seconds a frame")


def _thumbnail(path: Path, store: Path) -> Thumbnail | None:
    """None where the picture cannot be read: a page about a run must not fail for it."""
    try:
        with Image.open(path) as image:
            small = image.convert("RGB")
            small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    except OSError:
        return None
    content = io.BytesIO()
    small.save(content, "JPEG", quality=85)
    data = "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode()
    return Thumbnail(name=str(path.relative_to(store / "shards")), data=data)
