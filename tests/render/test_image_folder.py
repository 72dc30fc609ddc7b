"""A folder of pictures: found wherever they lie in it, keyed by content, fitted to the frame; trouble is named."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from render.__main__ import BAD_INPUT, main
from render.config import RecipeError, load_recipe
from render.frame_keys import frame_key
from render.image_folder import ImageFolderError, backdrop_pixels, image_names, image_sha256
from render.sampling.frame import draw_frame

ASSETS = {"blender_studiolights": "b" * 64}


def add_picture(path: Path, *, size: tuple[int, int] = (30, 20), seed: int = 0) -> str:
    """A noisy picture of width x height; its sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def recipe(folder: Path):
    settings = {"heads.family": "procedural", "backdrops.shares": {"image": 1}, "backdrops.image_folder": str(folder)}
    return load_recipe("khan2021", overrides=settings)


def test_pictures_are_found_in_all_folders_by_relative_name(tmp_path):
    """COCO as it unpacks, deeper folders and capital suffixes; other files and hidden ones are passed over."""
    add_picture(tmp_path / "train2017" / "000000000009.jpg")
    add_picture(tmp_path / "val2017" / "deep" / "B.PNG")
    add_picture(tmp_path / "a.jpeg")
    (tmp_path / "annotations.json").write_text("{}")
    (tmp_path / "train2017" / "._000000000009.jpg").write_bytes(b"")
    assert image_names(str(tmp_path)) == ("a.jpeg", "train2017/000000000009.jpg", "val2017/deep/B.PNG")


def test_a_frame_holds_name_and_content_of_its_picture_and_no_folder(tmp_path):
    """Drawn values name the file and its sha256; the same pictures in another folder make the same key."""
    hashes = {
        f"train2017/{n:012d}.png": add_picture(tmp_path / f"one/train2017/{n:012d}.png", seed=n) for n in range(6)
    }
    for n in range(6):
        add_picture(tmp_path / f"two/train2017/{n:012d}.png", seed=n)
    drawn = [draw_frame(recipe(tmp_path / "one"), "train", index) for index in range(24)]
    assert {frame.backdrop.image for frame in drawn} == set(hashes)
    assert all(frame.backdrop.image_sha256 == hashes[frame.backdrop.image] for frame in drawn)
    assert str(tmp_path) not in str(dataclasses.asdict(drawn[0]))
    other = draw_frame(recipe(tmp_path / "two"), "train", 5)
    keys = [frame_key(frame, "rgb", recipe(tmp_path / at), ASSETS) for frame, at in ((drawn[5], "one"), (other, "two"))]
    assert keys[0] == keys[1]


def test_another_content_makes_another_key_for_the_picture_alone(tmp_path):
    """A changed picture changes the rgb key, and leaves the ground truth's."""
    add_picture(tmp_path / "one" / "a.png", seed=1)
    add_picture(tmp_path / "two" / "a.png", seed=2)
    frames = [draw_frame(recipe(tmp_path / name), "train", 0) for name in ("one", "two")]
    used = recipe(tmp_path / "one")
    assert frame_key(frames[0], "rgb", used, ASSETS) != frame_key(frames[1], "rgb", used, ASSETS)
    assert frame_key(frames[0], "gt", used, ASSETS) == frame_key(frames[1], "gt", used, ASSETS)


@pytest.mark.parametrize(
    ("size", "cut"), [((30, 20), (slice(None), slice(None))), ((40, 20), (slice(None), slice(5, 35)))]
)
def test_the_middle_of_the_picture_fills_the_frame(tmp_path, size, cut):
    """A picture of the frame's size comes back as it is; of one too wide the sides are cut, nothing is stretched."""
    sha256 = add_picture(tmp_path / "a.png", size=size)
    pixels = backdrop_pixels(str(tmp_path), "a.png", sha256=sha256, width_px=30, height_px=20, blur=0.0)
    assert np.array_equal(pixels, np.asarray(Image.open(tmp_path / "a.png"))[cut])


def test_thousands_of_pictures_as_coco_unpacks(tmp_path):
    """Pictures beside annotations, grey ones among them, 5000 in all: names in the order of the alphabet whatever the
    disk's, no file opened that was not drawn, each drawn one shown; drawn again, the same."""
    numbers = np.random.default_rng(5).permutation(5000)
    (tmp_path / "val2017").mkdir()
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val2017.json").write_text("{}")
    places = [tmp_path / "val2017" / f"{number:012d}.jpg" for number in numbers]
    for place in places:
        place.touch()  # nothing that could be read as a picture
    assert image_names(str(tmp_path)) == tuple(f"val2017/{number:012d}.jpg" for number in range(5000))
    source = recipe(tmp_path)
    drawn = [draw_frame(source, "train", index).backdrop for index in range(40)]
    assert len({backdrop.image for backdrop in drawn}) > 35
    image_sha256.cache_clear()
    for number, backdrop in enumerate(drawn):
        grey = np.random.default_rng(number).integers(0, 256, (20, 30)).astype(np.uint8)
        pixels = grey if number % 2 else np.stack([grey, grey.T.reshape(20, 30), 255 - grey], axis=-1)
        Image.fromarray(pixels).save(tmp_path / backdrop.image)
    again = [draw_frame(source, "train", index).backdrop for index in range(40)]
    assert [backdrop.image for backdrop in again] == [backdrop.image for backdrop in drawn]
    for backdrop in again:
        shown = backdrop_pixels(
            str(tmp_path), backdrop.image, sha256=backdrop.image_sha256, width_px=30, height_px=20, blur=0.0
        )
        assert np.array_equal(shown, np.asarray(Image.open(tmp_path / backdrop.image).convert("RGB")))


def test_grey_pictures_and_turned_photographs_are_shown_as_they_are_meant(tmp_path):
    """A grey picture (COCO has some) gets three equal channels; a camera's orientation tag is obeyed."""
    Image.fromarray(np.arange(200, dtype=np.uint8).reshape(10, 20)).save(tmp_path / "grey.png")
    sha256 = image_sha256(str(tmp_path), "grey.png")
    grey = backdrop_pixels(str(tmp_path), "grey.png", sha256=sha256, width_px=20, height_px=10, blur=0.0)
    assert np.array_equal(grey[..., 0], np.arange(200).reshape(10, 20)) and np.array_equal(grey[..., 0], grey[..., 2])
    sideways = Image.fromarray(np.zeros((20, 10, 3), dtype=np.uint8))
    exif = sideways.getexif()
    exif[0x0112] = 6  # turn by a quarter to the right to look at it
    sideways.putpixel((0, 19), (255, 255, 255))
    sideways.save(tmp_path / "turned.png", exif=exif)
    sha256 = image_sha256(str(tmp_path), "turned.png")
    turned = backdrop_pixels(str(tmp_path), "turned.png", sha256=sha256, width_px=20, height_px=10, blur=0.0)
    assert turned[0, 0].tolist() == [255, 255, 255] and turned.sum() == 3 * 255


def test_blur_keeps_the_mean_and_takes_the_detail(tmp_path):
    """Blur of a tenth of the height: the same mean within a level, a fraction of the spread."""
    sha256 = add_picture(tmp_path / "a.png", size=(80, 60))
    sharp, soft = (
        backdrop_pixels(str(tmp_path), "a.png", sha256=sha256, width_px=80, height_px=60, blur=blur).astype(float)
        for blur in (0.0, 0.1)
    )
    assert soft.mean() == pytest.approx(sharp.mean(), abs=1.5) and soft.std() < 0.15 * sharp.std()


def test_a_recipe_that_asks_for_pictures_must_name_a_folder():
    """Without image_folder the recipe is refused at once; there is no other backdrop in its place."""
    with pytest.raises(RecipeError, match=r"backdrops: .*asks for `image`.*set backdrops\.image_folder"):
        load_recipe("khan2021", overrides={"backdrops.shares": {"image": 1}})


def test_folders_that_are_missing_or_empty_are_named(tmp_path):
    """The message names field and folder, and says what belongs there."""
    with pytest.raises(ImageFolderError, match=r"backdrops\.image_folder is '.*absent'.*is no folder; give one"):
        draw_frame(recipe(tmp_path / "absent"), "train", 0)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("nothing")
    with pytest.raises(ImageFolderError, match=r"neither it nor any folder in it .* \.jpg, \.jpeg, \.png"):
        draw_frame(recipe(tmp_path / "empty"), "train", 0)


def test_a_picture_that_changed_or_is_none_is_an_error(tmp_path):
    """Another content than the drawn one, or bytes that are no picture, name the file and the remedy."""
    sha256 = add_picture(tmp_path / "a.png")
    with pytest.raises(ImageFolderError, match=r"a\.png has sha256 .* but the frame was drawn with 000"):
        backdrop_pixels(str(tmp_path), "a.png", sha256="0" * 64, width_px=8, height_px=8, blur=0.0)
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "a.png").read_bytes()[:300])
    sha256 = image_sha256(str(tmp_path), "broken.jpg")
    with pytest.raises(ImageFolderError, match=r"broken\.jpg cannot be read as a picture .*restore or delete it"):
        backdrop_pixels(str(tmp_path), "broken.jpg", sha256=sha256, width_px=8, height_px=8, blur=0.0)


def test_a_folder_that_is_missing_is_bad_input_of_the_command(tmp_path, capsys):
    """`python -m render frame` with it: exit code 2 and the message, nothing rendered."""
    options = ["--set", "backdrops.shares={image: 1}", "--set", f"backdrops.image_folder={tmp_path}/absent"]
    assert main(["frame", "--recipe", "quick", "--out", str(tmp_path / "out"), *options]) == BAD_INPUT
    assert "is no folder; give one that holds .jpg or .png pictures" in capsys.readouterr().err
