"""A report as a test reads it: elements, visible text and numbers of the page, and the numbers of results.json."""

import html.parser
from collections.abc import Iterator


class Page(html.parser.HTMLParser):
    """What a test asks of a page: its elements, its visible text, and the text of each `data` element."""

    VOID = frozenset({"meta", "link", "img", "br", "wbr"})

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.numbers: dict[float, str] = {}
        self._value: float | None = None
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "data":
            self._value = float(dict(attrs)["value"] or "nan")
            self.numbers[self._value] = ""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another element"
        self._value = None if tag == "data" else self._value

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open):
            self.text += data
        if self._value is not None:
            self.numbers[self._value] += data


def numbers_in(tree: object) -> Iterator[float]:
    """Every number of a JSON tree."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from numbers_in(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from numbers_in(value)
    elif isinstance(tree, int | float) and not isinstance(tree, bool):
        yield tree
