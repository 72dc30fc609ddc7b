"""COCO: pictures, and for each split one file of head keypoints and one of label maps in COCO's annotation format.

Source: the COCO data format (cocodataset.org, Data format): object detection, keypoint detection, and stuff, which is
detection with iscrowd 0. Masks are uncompressed run lengths, column by column, as pycocotools reads them.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from pipeline.exports.frame_files import TruthForm, frame_files
from pipeline.exports.landmark_names import LANDMARK_NAMES, SKELETON
from pipeline.published_dataset import PublishedFrame
from render.dataset_format import FrameGeometry, GroundTruth, Label, Product, canonical_json

HEAD_CATEGORY = {
    "id": 1,
    "name": "head",
    "supercategory": "person",
    "keypoints": list(LANDMARK_NAMES),
    "skeleton": [list(edge) for edge in SKELETON],
}
LABEL_CATEGORIES = [
    {"id": int(label), "name": label.name.lower(), "supercategory": "person"} for label in Label if label > 0
]
NOT_LABELLED = ("outside_image", "behind_camera")


def write_coco(
    frames: Iterator[PublishedFrame],
    folder: Path,
    *,
    products: tuple[Product, ...],
    truth_form: TruthForm,
    info: dict,
    licences: list[dict],
) -> None:
    """Write `images/<split>/…`, other files beside them, and `annotations/{keypoints,labels}_<split>.json`.

    Pictures and annotations are numbered from 1 in every file.
    """
    with ExitStack() as stack:
        split, keypoints, labels = None, None, None
        for frame in frames:
            if frame.row["split"] != split:
                stack.close()
                split = frame.row["split"]
                head = {"info": info, "licenses": licences}
                keypoints, labels = (
                    stack.enter_context(AnnotationFile(folder / "annotations" / f"{kind}_{split}.json", head, found))
                    for kind, found in (("keypoints", [HEAD_CATEGORY]), ("labels", LABEL_CATEGORIES))
                )
            assert keypoints is not None and labels is not None
            files = _write_files(frame, folder, products=products, truth_form=truth_form)
            truth = frame.read_truth()
            picture = _image(frame, files)
            keypoints.add(picture, [_head_annotation(truth, frame.geometry)])
            labels.add(
                picture, [_mask_annotation(int(one), truth.labels == one) for one in np.unique(truth.labels) if one]
            )


class AnnotationFile:
    """A COCO file that grows on disk, not in memory: pictures in the file, annotations beside it until the end."""

    def __init__(self, path: Path, head: dict, categories: list[dict]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.images, self.annotations = path, 0, 0
        self._waiting = path.with_suffix(".annotations")
        self._categories = categories
        self._file = path.open("w", encoding="utf-8")
        self._annotations = self._waiting.open("w", encoding="utf-8")
        self._file.write("{" + "".join(f"{json.dumps(key)}:{canonical_json(value)},\n" for key, value in head.items()))
        self._file.write('"images":[')

    def add(self, image: dict, annotations: list[dict]) -> None:
        """Add a picture and what is annotated in it; numbers are given here."""
        self.images += 1
        self._file.write((",\n" if self.images > 1 else "\n") + canonical_json({"id": self.images, **image}))
        for annotation in annotations:
            self.annotations += 1
            numbers = {"id": self.annotations, "image_id": self.images}
            self._annotations.write((",\n" if self.annotations > 1 else "\n") + canonical_json(numbers | annotation))

    def __enter__(self) -> "AnnotationFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._annotations.close()
        self._file.write('],\n"annotations":[')
        with self._waiting.open(encoding="utf-8") as annotations:
            shutil.copyfileobj(annotations, self._file)
        self._file.write(f'],\n"categories":{canonical_json(self._categories)}}}\n')
        self._file.close()
        self._waiting.unlink()


def run_lengths(mask: Bool[np.ndarray, "h w"]) -> dict:
    """A mask as COCO's uncompressed run lengths: down the columns, beginning with how many are not set."""
    changes = np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=False))
    counts = np.diff(changes, prepend=0, append=mask.size)
    return {"counts": [int(count) for count in counts], "size": [int(side) for side in mask.shape]}


def box_of(mask: Bool[np.ndarray, "h w"]) -> list[float]:
    """The smallest box around the pixels of a mask: x, y of its upper left corner, width, height."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = columns[0], rows[0]
    return [float(left), float(top), float(columns[-1] + 1 - left), float(rows[-1] + 1 - top)]


def _write_files(
    frame: PublishedFrame, folder: Path, *, products: tuple[Product, ...], truth_form: TruthForm
) -> dict[str, str]:
    names = {}
    for file in frame_files(frame, products=products, truth_form=truth_form):
        kind = "images" if file.kind == "rgb" else file.kind
        path = folder / kind / frame.row["split"] / f"{frame.row['frame_index']:06d}.{file.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        names[file.kind] = path.relative_to(folder).as_posix()
    return names


def _image(frame: PublishedFrame, files: dict[str, str]) -> dict:
    geometry = frame.geometry
    return {
        "width": geometry.width_px,
        "height": geometry.height_px,
        "file_name": files.get("rgb", ""),
        "license": 1,
        "frame": frame.name,
        "identity_id": frame.row["identity_id"],
        "intrinsics_px": geometry.intrinsics_px,
        "cam_from_world": geometry.cam_from_world,
        "head_from_world": geometry.head_from_world,
        **{f"{kind}_file": name for kind, name in files.items() if kind != "rgb"},
    }


def _head_annotation(truth: GroundTruth, geometry: FrameGeometry) -> dict:
    """The head without hair and glasses, and its landmarks. What lies outside the picture is not labelled (0), what is
    hidden is 1, what is seen is 2."""
    keypoints: list[float] = []
    states = [0 if state in NOT_LABELLED else 2 if state == "visible" else 1 for state in geometry.landmarks_visibility]
    for (x, y), state in zip(geometry.landmarks_2d_px, states, strict=True):
        keypoints += [x, y, state] if state else [0, 0, 0]
    labelled = np.array([point for point, state in zip(geometry.landmarks_2d_px, states, strict=True) if state])
    face = [*labelled.min(axis=0), *np.ptp(labelled, axis=0)] if len(labelled) else [0.0, 0.0, 0.0, 0.0]
    return {
        **_mask_annotation(1, truth.head.depth_m > 0),
        "keypoints": keypoints,
        "num_keypoints": sum(state > 0 for state in states),
        "face_bbox": [float(value) for value in face],
        "landmarks_cam_m": geometry.landmarks_cam_m,
        "landmarks_2d_px": geometry.landmarks_2d_px,
        "landmarks_visibility": geometry.landmarks_visibility,
        "yaw_pitch_roll_deg": [geometry.yaw_deg, geometry.pitch_deg, geometry.roll_deg],
    }


def _mask_annotation(category: int, mask: Bool[np.ndarray, "h w"]) -> dict:
    return {
        "category_id": category,
        "segmentation": run_lengths(mask),
        "area": int(mask.sum()),
        "bbox": box_of(mask),
        "iscrowd": 0,
    }
