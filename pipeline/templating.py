"""Pages out of the templates beside this package's modules."""

from pathlib import Path

import jinja2

FOLDER = Path(__file__).parent / "templates"


def fill_template(name: str, /, **values: object) -> str:
    """The Markdown of a template with these values; a value that is missing is an error, not an empty word."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER), undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    return templates.get_template(name).render(values)
