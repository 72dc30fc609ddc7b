"""A module holds one idea, and one idea fits into 300 lines."""

from pathlib import Path

MOST_LINES = 300


def test_no_module_is_longer_than_300_lines(modules: list[Path], repository: Path):
    """Every module of render, train, pipeline and benchmarks has at most 300 lines."""
    lengths = {str(path.relative_to(repository)): len(path.read_text().splitlines()) for path in modules}
    assert lengths, "no module was found: the test looks in the wrong place"
    too_long = {name: lines for name, lines in lengths.items() if lines > MOST_LINES}
    assert not too_long, f"split these modules by idea: {too_long}"
