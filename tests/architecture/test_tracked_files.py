"""What may stand in the repository: our own small text files, true on any machine."""

import re
import tomllib
from pathlib import Path

MOST_BINARY_BYTES = 200_000
# Written in pieces, so that this file does not find itself.
MACHINE_PATH = re.compile(
    r"(?<![\w.~$}-])/(?:" + "|".join(["work", "root", "home", "Users", "mnt", "scratch"]) + r")/\w"
)
REGISTRY_HOST = re.compile("|".join([r"py" + r"pi\.", r"python" + r"hosted\.", r"download\.py" + r"torch\."]))


def text_of(path: Path) -> str | None:
    """The text of a file, or None when it is binary."""
    content = path.read_bytes()
    if b"\0" in content[:8192]:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def lines_with(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    """`file:line: text` of every line that a pattern finds."""
    return [
        f"{path.name}:{number}: {line.strip()[:120]}"
        for path in files
        for number, line in enumerate((text_of(path) or "").splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_file_names_a_folder_of_one_machine(tracked_files: list[Path]):
    """No text holds an absolute path into someone's work or home folder."""
    assert lines_with(MACHINE_PATH, tracked_files) == []


def test_no_file_names_a_package_registry(tracked_files: list[Path]):
    """No text, the locks least of all, names a registry host: a mirror must do as well."""
    assert lines_with(REGISTRY_HOST, tracked_files) == []


def test_binary_files_are_small(tracked_files: list[Path], repository: Path):
    """No binary file is larger than 200 kB."""
    large = [
        str(path.relative_to(repository))
        for path in tracked_files
        if text_of(path) is None and path.stat().st_size > MOST_BINARY_BYTES
    ]
    assert large == []


def test_no_rendered_data_is_tracked(tracked_files: list[Path], repository: Path):
    """Stores, virtual environments and archives stay out of the repository; canary frames are the one exception."""
    strange = [
        str(path.relative_to(repository))
        for path in tracked_files
        if path.parent != repository / "tests" / "render" / "canaries"
        if path.suffix in {".zip", ".exr", ".blend", ".pt", ".pth", ".npy", ".npz", ".obj", ".parquet", ".pyc"}
        or ".venv" in path.parts
    ]
    assert strange == []


def test_the_licence_is_the_whole_gpl_3(repository: Path):
    """LICENSE is the text of the GNU General Public License, version 3, from its title to its last section."""
    words = " ".join((repository / "LICENSE").read_text().split())
    assert words.startswith("GNU GENERAL PUBLIC LICENSE Version 3, 29 June 2007")
    assert "17. Interpretation of Sections 15 and 16." in words
    assert "END OF TERMS AND CONDITIONS" in words
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    assert project["license"] == "GPL-3.0-or-later"


def test_every_locked_package_is_pinned_with_hashes(repository: Path):
    """The locks hold only `name==version` with sha256 hashes: no address, no range, no package without a hash."""
    for name in ("requirements.lock", "requirements-bootstrap.lock"):
        entries = (repository / name).read_text().replace("\\\n", " ").splitlines()
        assert entries
        wrong = [
            entry[:80]
            for entry in entries
            if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*==\S+( ; [^#]*?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", entry)
        ]
        assert wrong == [], name


def test_the_lock_covers_every_declared_dependency(repository: Path):
    """Each dependency of pyproject.toml, the development ones included, stands in requirements.lock."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    declared = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[\[<>=!~; ]", text)[0].lower().replace("_", "-") for text in declared}
    locked = re.findall(r"^([a-z0-9._-]+)==", (repository / "requirements.lock").read_text(), re.MULTILINE)
    assert names <= set(locked)
