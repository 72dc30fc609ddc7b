"""The report: one self-contained page on a dataset and on what was learnt from it, and its numbers as JSON."""

import json
import math
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined
from markupsafe import Markup

from train.checkpoint import write_whole
from train.report_dataset_view import dataset_view
from train.report_inputs import read_report_data
from train.report_learning_view import learning_view, time_view
from train.report_normals import normals_headline
from train.report_results import build_results, headline

TEMPLATES_FOLDER = Path(__file__).parent / "templates"
BLANK_PICTURE_URI = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def write_report(inputs: Path, out: Path) -> None:
    """Write index.html and results.json into the folder `out` from an inputs file (train/report_inputs.py).

    The page is self-contained: pictures, style and script are inside, and it loads nothing. Every number of
    results.json stands in it as a `data` element with the full value. What an earlier report left there is replaced.
    Raises: InputError or DatasetError that names the file that is missing or malformed.
    """
    data = read_report_data(inputs)
    results = build_results(data)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["number"] = number_element
    environment.globals["duration"] = duration_element
    environment.globals["letter"] = letter
    page = environment.get_template("report.html.j2").render(
        results=results,
        head=headline(results),
        normals_head=normals_headline(results["normals"]),
        blank_uri=BLANK_PICTURE_URI,
        recipe=json.dumps(data.dataset.manifest.recipe, indent=1, ensure_ascii=False),
        time_charts=time_view(results),
        **dataset_view(data),
        **learning_view(data, results),
    )
    text = json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False)
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / "results.json", lambda file: file.write(text.encode()))
    write_whole(out / "index.html", lambda file: file.write(page.encode()))


def number_element(value: float | Undefined | None, digits: int | None = 4) -> Markup:
    """A number as people read it (`number_text`), with its full value beside; nothing where there is none."""
    if value is None or isinstance(value, Undefined):
        return Markup("")
    return Markup('<data value="{}">{}</data>').format(json.dumps(value), number_text(value, digits))


def number_text(value: float, digits: int | None) -> str:
    """Whole numbers in groups of three, others with that many significant digits; as it is where digits is None."""
    if digits is None:
        text = f"{value:.12g}" if isinstance(value, float) else str(value)
    elif isinstance(value, int):
        text = f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    elif value == 0 or 1e-4 <= abs(value) < 1e6:
        decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
        text = f"{value:.{decimals}f}"
    else:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa} · 10^{int(exponent)}"
    return text.replace("-", "\N{MINUS SIGN}")


def letter(number: int, count: int) -> str:
    """What follows the number of a figure that comes `count` times: a, b … z, aa, ab …; nothing when it comes once."""
    if count <= 1:
        return ""
    before, last = divmod(number, 26)
    return (letter(before - 1, count) if before else "") + chr(ord("a") + last)


def duration_element(seconds: float) -> Markup:
    """Seconds as a duration in words, with the full value beside."""
    return Markup('<data value="{}">{}</data>').format(json.dumps(seconds), duration_text(seconds))


def duration_text(seconds: float) -> str:
    """Hours, minutes and seconds; tenths below ten seconds."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
