"""What is written is what is read, and what was changed or cut is refused."""

import dataclasses
import hashlib
import json
import math
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from render.dataset_format import (
    FORMAT_VERSION,
    SHARD_MANIFEST,
    SHARD_RECORDS,
    DatasetError,
    DatasetManifest,
    FrameGeometry,
    FrameRecord,
    GroundTruth,
    Label,
    QuarantinedFrame,
    ShardManifest,
    SurfaceLayer,
    canonical_json,
    canonical_sha256,
    file_sha256,
    read_ground_truth,
    read_records,
    read_rgb,
    read_shard_manifest,
    write_ground_truth,
    write_rgb,
)

HEIGHT, WIDTH = 12, 21
# Worst case of rounding each part of a unit vector to multiples of 2**-14: half a step in all three, sideways at most.
WORST_NORMAL_DEG = math.degrees(math.sqrt(3) * 2**-15)


def some_layer(rng: np.random.Generator) -> SurfaceLayer:
    """Random valid pixels with a margin of invalid ones; normals of every direction that faces the camera."""
    normals = rng.standard_normal((HEIGHT, WIDTH, 3))
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    normals[..., 2] = -np.abs(normals[..., 2])
    depth = rng.uniform(0.6, 1.1, (HEIGHT, WIDTH))
    depth[:, :4] = 0
    normals[:, :4] = 0
    slope = rng.exponential(1.0, (HEIGHT, WIDTH)) * (depth > 0)
    return SurfaceLayer(
        depth_m=depth.astype(np.float32),
        normals_cam=normals.astype(np.float32),
        gradient_magnitude=slope.astype(np.float32),
    )


@pytest.fixture
def truth() -> GroundTruth:
    """Ground truth whose layers differ and which holds every label."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, len(Label), (HEIGHT, WIDTH)).astype(np.uint8)
    return GroundTruth(visible=some_layer(rng), head=some_layer(rng), labels=labels)


def angle_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Angle between vectors, exact for small angles."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), (a * b).sum(axis=-1)))


class TestGroundTruthFile:
    def test_depth_slope_and_labels_come_back_exactly(self, truth: GroundTruth, tmp_path: Path):
        """Depth, gradient magnitude and labels lose nothing on disk, in either layer, and keep their types."""
        write_ground_truth(tmp_path / "frame.exr", truth)
        read = read_ground_truth(tmp_path / "frame.exr")
        for layer in ("visible", "head"):
            written, back = getattr(truth, layer), getattr(read, layer)
            np.testing.assert_array_equal(back.depth_m, written.depth_m, strict=True)
            np.testing.assert_array_equal(back.gradient_magnitude, written.gradient_magnitude, strict=True)
        np.testing.assert_array_equal(read.labels, truth.labels, strict=True)

    def test_normals_come_back_as_unit_vectors_within_a_step(self, truth: GroundTruth, tmp_path: Path):
        """A normal turns by at most 0.0031 degrees, stays of unit length, and an invalid one stays (0, 0, 0)."""
        write_ground_truth(tmp_path / "frame.exr", truth)
        for layer in ("visible", "head"):
            written = getattr(truth, layer).normals_cam
            back = getattr(read_ground_truth(tmp_path / "frame.exr"), layer).normals_cam
            valid = written.any(axis=-1)
            assert angle_deg(written[valid], back[valid]).max() <= WORST_NORMAL_DEG
            np.testing.assert_allclose(np.linalg.norm(back[valid], axis=-1), 1, atol=2e-7)
            assert not back[~valid].any()
            assert (back[..., 2] <= 0).all()

    def test_the_same_truth_makes_the_same_bytes(self, truth: GroundTruth, tmp_path: Path):
        """Two files of one truth are equal byte by byte: no time, name or machine enters the header."""
        write_ground_truth(tmp_path / "one.exr", truth)
        write_ground_truth(tmp_path / "another_name.exr", truth)
        assert (tmp_path / "one.exr").read_bytes() == (tmp_path / "another_name.exr").read_bytes()

    def test_one_pixel_changes_the_bytes(self, truth: GroundTruth, tmp_path: Path):
        """The smallest step of one depth value changes the file: nothing is rounded on the way."""
        write_ground_truth(tmp_path / "one.exr", truth)
        depth = truth.head.depth_m.copy()
        depth[7, 13] = np.nextafter(depth[7, 13], np.float32(2))
        moved = dataclasses.replace(truth, head=dataclasses.replace(truth.head, depth_m=depth))
        write_ground_truth(tmp_path / "two.exr", moved)
        assert file_sha256(tmp_path / "one.exr") != file_sha256(tmp_path / "two.exr")

    def test_other_programs_find_the_channels_by_name(self, truth: GroundTruth, tmp_path: Path):
        """The file holds the channels that docs/dataset_format.md lists, rows from the top, with their types."""
        write_ground_truth(tmp_path / "frame.exr", truth)
        with OpenEXR.File(str(tmp_path / "frame.exr"), separate_channels=True) as file:
            channels = {name: channel.pixels for name, channel in file.channels().items()}
            assert f"format {FORMAT_VERSION}" in file.header()["headroom"]
        assert {name: array.dtype.name for name, array in channels.items()} == {
            "visible.label": "float16",
            **{f"{layer}.depth_m": "float32" for layer in ("visible", "head")},
            **{f"{layer}.gradient_magnitude": "float32" for layer in ("visible", "head")},
            **{f"{layer}.normal.{axis}": "float32" for layer in ("visible", "head") for axis in "XYZ"},
        }
        assert channels["head.depth_m"].shape == (HEIGHT, WIDTH)
        assert channels["head.depth_m"][2, 17] == truth.head.depth_m[2, 17]
        assert channels["visible.normal.Y"][2, 17] == np.rint(truth.visible.normals_cam[2, 17, 1] * 2**14) / 2**14

    @pytest.mark.parametrize("kept", [0.0, 0.05, 0.5, 0.99])
    def test_a_cut_file_is_refused(self, kept: float, truth: GroundTruth, tmp_path: Path):
        """A file that ends early is an error that names it, never an array of zeros."""
        path = tmp_path / "frame.exr"
        write_ground_truth(path, truth)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * kept)])
        with pytest.raises(DatasetError, match=r"frame\.exr cannot be read as EXR .*render it again"):
            read_ground_truth(path)

    def test_a_missing_file_is_refused(self, tmp_path: Path):
        """A path that leads nowhere is named."""
        with pytest.raises(DatasetError, match=r"absent\.exr cannot be read as EXR"):
            read_ground_truth(tmp_path / "absent.exr")

    def test_a_foreign_exr_is_refused(self, tmp_path: Path):
        """An EXR of another program is refused by the channel it lacks and those it has."""
        path = tmp_path / "foreign.exr"
        with OpenEXR.File({"type": OpenEXR.scanlineimage}, {"Z": np.ones((4, 6), np.float32)}) as file:
            file.write(str(path))
        with pytest.raises(DatasetError, match=r"no channel 'visible\.depth_m', only \['Z'\]"):
            read_ground_truth(path)


class TestPictureFile:
    picture = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)

    def test_png_comes_back_exactly(self, tmp_path: Path):
        """A PNG loses nothing."""
        write_rgb(tmp_path / "frame.png", self.picture)
        np.testing.assert_array_equal(read_rgb(tmp_path / "frame.png"), self.picture, strict=True)

    def test_jpeg_keeps_colour_at_full_resolution(self, tmp_path: Path):
        """Red next to green keeps its colour to the pixel: chroma is not subsampled."""
        stripes = np.zeros((16, 24, 3), np.uint8)
        stripes[:, ::2, 0] = 200
        stripes[:, 1::2, 1] = 200
        write_rgb(tmp_path / "frame.jpg", stripes, jpeg_quality=100)
        assert np.abs(read_rgb(tmp_path / "frame.jpg").astype(int) - stripes).max() <= 8

    def test_jpeg_quality_reaches_the_file(self, tmp_path: Path):
        """Higher quality makes a larger file."""
        for quality in (60, 95):
            write_rgb(tmp_path / f"{quality}.jpg", self.picture, jpeg_quality=quality)
        assert (tmp_path / "60.jpg").stat().st_size < (tmp_path / "95.jpg").stat().st_size

    def test_another_suffix_is_refused(self, tmp_path: Path):
        """Only .jpg and .png are written; nothing is guessed."""
        with pytest.raises(ValueError, match=r"as \.jpg or \.png, but 'frame\.jpeg' came"):
            write_rgb(tmp_path / "frame.jpeg", self.picture)

    @pytest.mark.parametrize("suffix", [".jpg", ".png"])
    def test_a_cut_picture_is_refused(self, suffix: str, tmp_path: Path):
        """A picture that ends early is an error that names it, never a grey lower half."""
        path = tmp_path / f"frame{suffix}"
        write_rgb(path, self.picture)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(DatasetError, match=rf"frame\{suffix} cannot be read as a picture"):
            read_rgb(path)


def some_geometry() -> FrameGeometry:
    """Geometry with a different number in every place."""
    rows = tuple(tuple(float(4 * i + j) for j in range(4)) for i in range(4))
    return FrameGeometry(
        width_px=WIDTH,
        height_px=HEIGHT,
        intrinsics_px=((900.5, 0.0, 10.5), (0.0, 900.5, 6.0), (0.0, 0.0, 1.0)),
        cam_from_world=rows,
        head_from_world=rows[::-1],
        yaw_deg=-12.25,
        pitch_deg=0.1,
        roll_deg=1 / 3,
        landmarks_cam_m=tuple((k * 1e-3, -k * 1e-3, 0.8 + k * 1e-4) for k in range(68)),
        landmarks_2d_px=tuple((k + 0.5, 2.0 * k) for k in range(68)),
        landmarks_visibility=("visible", "occluded_by_hair") * 34,
    )


def some_record(key: str = "a" * 32) -> FrameRecord:
    """A record of a gt frame."""
    return FrameRecord(
        key=key,
        product="gt",
        identity_id="0123456789abcdef",
        drawn={"head_pose": {"yaw_deg": -12.25}, "expression": {"name": "sad", "weights": [["jawOpen", 0.5]]}},
        assets={"ict_facekit": "f" * 64},
        epochs={"geometry": 1, "ground_truth": 1},
        software={"bpy": "4.5.15"},
        file=f"{key}.exr",
        file_sha256="e" * 64,
        geometry=some_geometry(),
    )


def write_shard(folder: Path, records: list[FrameRecord]) -> ShardManifest:
    """A shard of records alone."""
    table = "".join(canonical_json(record.model_dump(mode="json")) + "\n" for record in records)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SHARD_RECORDS).write_text(table)
    manifest = ShardManifest(
        format_version=FORMAT_VERSION,
        product="gt",
        frame_keys=tuple(record.key for record in records),
        records_sha256=hashlib.sha256(table.encode()).hexdigest(),
    )
    (folder / SHARD_MANIFEST).write_text(manifest.model_dump_json())
    return manifest


class TestRecords:
    def test_every_record_comes_back_exactly(self):
        """Records, geometry and manifests survive JSON without losing a bit of any number."""
        manifest = DatasetManifest(
            format_version=FORMAT_VERSION,
            dataset_id="0" * 24,
            name="khan2021",
            frames={"train": 3, "test": 1},
            identities={"train": 2, "test": 1},
            shards={"gt": ("shards/gt/ab", "shards/gt/cd"), "rgb": ("shards/rgb/ef",)},
            recipe={"seed": 2021},
            index_sha256="1" * 64,
            quarantined={"train": 1, "test": 0},
            certificate_sha256="3" * 64,
        )
        bad = QuarantinedFrame(key="c", split="train", index=7, failed="gt", reason="why", command="how")
        shard = ShardManifest(
            format_version=1, product="rgb", frame_keys=("a", "b"), records_sha256="2" * 64, quarantined=(bad,)
        )
        for value in (some_geometry(), some_record(), manifest, shard):
            assert type(value).model_validate_json(canonical_json(value.model_dump(mode="json"))) == value

    def test_a_table_comes_back_in_order(self, tmp_path: Path):
        """Records are read in the order in which they were written, which is that of the manifest."""
        records = [some_record(key) for key in ("c" * 32, "a" * 32, "b" * 32)]
        manifest = write_shard(tmp_path / "shard", records)
        assert read_shard_manifest(tmp_path / "shard") == manifest
        assert read_records(tmp_path / "shard") == records

    @pytest.mark.parametrize("damage", ["cut", "byte", "line", "missing"])
    def test_a_damaged_table_is_refused(self, damage: str, tmp_path: Path):
        """A table that was cut, changed, shortened by a whole line or deleted is no longer what was published."""
        shard = tmp_path / "shard"
        write_shard(shard, [some_record("a" * 32), some_record("b" * 32)])
        table = shard / SHARD_RECORDS
        content = table.read_bytes()
        if damage == "missing":
            table.unlink()
        else:
            table.write_bytes(
                {
                    "cut": content[:-20],
                    "byte": content.replace(b"-12.25", b"-12.26", 1),
                    "line": content.splitlines(keepends=True)[0],
                }[damage]
            )
        with pytest.raises(DatasetError, match=r"records\.jsonl is not the table its shard was published with"):
            read_records(shard)

    def test_a_table_of_other_frames_is_refused(self, tmp_path: Path):
        """The keys in the table are those that the manifest promises, in its order."""
        manifest = write_shard(tmp_path, [some_record("a" * 32), some_record("b" * 32)])
        swapped = manifest.model_copy(update={"frame_keys": ("b" * 32, "a" * 32)})
        (tmp_path / SHARD_MANIFEST).write_text(swapped.model_dump_json())
        with pytest.raises(DatasetError, match="does not list the frames"):
            read_records(tmp_path)

    @pytest.mark.parametrize("content", ["", "{", "[]", "{}", json.dumps({"format_version": FORMAT_VERSION}), "null"])
    def test_a_damaged_manifest_is_refused(self, content: str, tmp_path: Path):
        """A manifest that was cut or is something else makes the folder no shard."""
        (tmp_path / SHARD_MANIFEST).write_text(content)
        with pytest.raises(DatasetError, match=r"is no shard: shard\.json cannot be read"):
            read_shard_manifest(tmp_path)

    def test_a_folder_without_manifest_is_no_shard(self, tmp_path: Path):
        """A folder that was never finished is told apart from a shard."""
        with pytest.raises(DatasetError, match="is no shard"):
            read_records(tmp_path)

    def test_another_format_is_named_even_when_its_fields_differ(self, tmp_path: Path):
        """A shard of a later format is refused by its version, not by the fields that came with it."""
        (tmp_path / SHARD_MANIFEST).write_text(json.dumps({"format_version": 99, "novelty": True}))
        with pytest.raises(DatasetError, match=f"has format 99; this Headroom reads {FORMAT_VERSION}"):
            read_shard_manifest(tmp_path)

    def test_records_refuse_unknown_keys_and_changes(self):
        """A record holds what the contract lists, and does not change."""
        with pytest.raises(ValidationError, match="note"):
            FrameRecord.model_validate(some_record().model_dump() | {"note": "hello"})
        with pytest.raises(ValidationError, match="frozen"):
            some_record().key = "b"  # pyright: ignore[reportAttributeAccessIssue]

    def test_visibility_names_every_label_that_can_hide_a_landmark(self):
        """For each label but the background there is a reason `occluded_by_…`, and no other such reason."""
        field = FrameGeometry.model_fields["landmarks_visibility"].annotation
        reasons = {name for name in field.__args__[0].__args__ if name.startswith("occluded_by_")}  # type: ignore[union-attr]
        assert reasons == {f"occluded_by_{label.name.lower()}" for label in Label if label is not Label.BACKGROUND}


class TestCanonicalJson:
    def test_order_of_keys_and_kind_of_sequence_do_not_matter(self):
        """Equal values have one text, whatever the order in which they were put together."""
        assert canonical_json({"b": (1, 2.5), "a": "ä"}) == canonical_json({"a": "ä", "b": [1, 2.5]})
        assert canonical_json({"b": [1, 2.5], "a": True}) == '{"a":true,"b":[1,2.5]}'

    def test_the_hash_is_the_sha256_of_the_text(self):
        """`canonical_sha256` may be computed by any program that can write canonical JSON."""
        assert canonical_sha256({"a": 0.1}) == hashlib.sha256(b'{"a":0.1}').hexdigest()

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_numbers_that_json_lacks_are_refused(self, value: float):
        """Not-a-number and infinity have no JSON text, and no hash."""
        with pytest.raises(ValueError, match="not JSON compliant"):
            canonical_json({"depth": value})

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_floats_come_back_to_the_bit(self, value: float):
        """The text of a float is the shortest that reads back as the same float."""
        assert json.loads(canonical_json(value)) == value


def test_file_sha256_is_that_of_the_bytes(tmp_path: Path):
    """The digest of a file equals the published one of "abc" (FIPS 180-2, appendix B.1)."""
    (tmp_path / "abc").write_bytes(b"abc")
    assert file_sha256(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
