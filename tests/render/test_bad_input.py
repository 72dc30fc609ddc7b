"""Bad input through the command line: one message with what was expected, what came and what to try, and no folder."""

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_head import SmallHead, small_head, write_lyhm

from render.__main__ import BAD_INPUT, main

TINY = {"cameras.width_px": 48, "cameras.height_px": 36, "rgb.samples": 1, "heads.subdivision_level": 0}
LYHM = {"heads.family": "lyhm", "heads.identity_modes": 3}


def refused(capsys: pytest.CaptureFixture[str], out: Path, settings: dict[str, object], *more: str) -> str:
    """What `python -m render frame` prints about a recipe that it must refuse, leaving nothing behind."""
    words = [word for key, value in (TINY | settings).items() for word in ("--set", f"{key}={value}")]
    assert main(["frame", "--recipe", "quick", *words, "--out", str(out), *more]) == BAD_INPUT
    error = capsys.readouterr().err
    assert error.startswith("python -m render frame: ") and "Traceback" not in error
    assert not out.exists()
    return error


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cameras.distance_mm": "[20, 30]"}, r"20 mm .*inside the head or touches it; let the range start at 300 mm"),
        ({"hairs.styles": "{mohawk: 1}"}, r"\n  hairs\.styles\.mohawk: .*'bald', 'buzz'.*\(came: 'mohawk'\)"),
        ({"expressions.names": "[rage]"}, r"\n  expressions\.names\.0: .*'neutral', 'happy'.*\(came: 'rage'\)"),
        ({"backdrops.shares": "{beach: 1}"}, r"\n  backdrops\.shares\.beach: .*'image' or 'room' \(came: 'beach'\)"),
        ({"heads.family": "lyhm"}, r"\n  heads: .*set heads\.model_file to its description"),
        ({"expressions.names": "[]"}, r"\n  expressions\.names: .*at least 1 item.*\(came: \[\]\)"),
    ],
)
def test_each_wrong_setting_has_one_line_in_plain_words(
    settings: dict[str, object], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Field, what is allowed, what came; none of the words of the library that checks."""
    error = refused(capsys, tmp_path / "out", settings)
    assert re.search(message, error), error
    assert len(error.splitlines()) == 2 and "Value error" not in error and "[key]" not in error


def not_a_number(head: SmallHead) -> SmallHead:
    vertices = head.vertices_m.copy()
    vertices[23, 2] = np.nan
    return dataclasses.replace(head, vertices_m=vertices)


def without_faces(head: SmallHead) -> SmallHead:
    return dataclasses.replace(head, triangles=head.triangles[:0])


def thousandfold(head: SmallHead) -> SmallHead:
    return dataclasses.replace(head, vertices_m=1000 * head.vertices_m, modes_m=1000 * head.modes_m)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (
            not_a_number,
            r"every vertex must be finite, but 1 of 358 are not, the first is vertex 23 .*export or download",
        ),
        (without_faces, r"358 vertices and no face; at least one was expected.*export the mesh with its faces"),
        (thousandfold, r"measures 62 m .*a human head has .*read in mm; `units: um` .*makes this 0\.062"),
    ],
)
def test_a_model_file_that_is_no_head_is_refused(
    broken: Callable[[SmallHead], SmallHead], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A vertex that is not a number, no faces, a thousand times too large; nothing is compiled into the cache."""
    description = write_lyhm(tmp_path, broken(small_head()))
    settings = LYHM | {"heads.model_file": description, "expressions.names": "[neutral]"}
    error = refused(capsys, tmp_path / "out", settings, "--cache", str(tmp_path / "cache"))
    assert "LYHM.mat" in error and re.search(message, error, re.DOTALL), error
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.suffix == ".npz"]


def test_an_expression_that_the_head_lacks_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A LYHM head has a neutral face only: the message names the shapes, and the setting that would do."""
    description = write_lyhm(tmp_path, small_head())
    settings = LYHM | {"heads.model_file": description, "expressions.names": "[neutral, happy]"}
    error = refused(capsys, tmp_path / "out", settings, "--cache", str(tmp_path / "cache"))
    assert re.search(r"asks for 'happy', which needs the shapes .*set expressions\.names to \[neutral\]", error), error


def test_a_broken_picture_is_refused_and_leaves_no_folder(
    tmp_path: Path, asset_cache: Path, capsys: pytest.CaptureFixture[str]
):
    """Half a JPEG is noticed while the frame is built, so the folder exists by then: it goes, and the command can be
    given again."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    Image.effect_noise((64, 48), 60).save(folder / "cut.jpg")
    (folder / "cut.jpg").write_bytes((folder / "cut.jpg").read_bytes()[:-400])
    settings = {"backdrops.shares": "{image: 1}", "backdrops.image_folder": folder}
    error = refused(capsys, tmp_path / "out", settings, "--cache", str(asset_cache))
    assert re.search(r"cut\.jpg cannot be read as a picture .*restore or delete it", error), error


@pytest.mark.parametrize(
    ("words", "option"),
    [
        (["frame", "--recipe", "quick", "--index", "-1"], "--index"),
        (["frame", "--recipe", "quick", "--index", "4294967296"], "--index"),
        (["gallery", "--people", "0"], "--people"),
        (["gallery", "--columns", "0"], "--columns"),
        (["gallery", "--cell-width", "some"], "--cell-width"),
        (["coverage", "--recipe", "quick", "--frames", "0"], "--frames"),
        (["gallery", "--processes", "0"], "--processes"),
    ],
)
def test_numbers_out_of_range_are_refused(
    words: list[str], option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """The message names the option, its range and what came."""
    with pytest.raises(SystemExit) as ended:
        main([*words, "--out", str(tmp_path / "out")])
    assert ended.value.code == BAD_INPUT and not (tmp_path / "out").exists()
    expected = rf"argument {option}: a whole number from [01] to 4294967295 was expected, but '{words[-1]}' came"
    assert re.search(expected, capsys.readouterr().err)


def test_a_store_that_is_not_there_holds_no_verdict(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A mistyped folder is no store without bad frames."""
    assert main(["quarantine", "--store", str(tmp_path / "stor")]) == BAD_INPUT
    assert re.search(r"stor is no folder.*--store", capsys.readouterr().err)
