"""`python -m pipeline repro`: render one published frame again, save its scene, and compare the pixels."""

import argparse
from pathlib import Path

from pipeline.errors import PipelineError
from pipeline.frame_names import find_frame, parse_frame_name
from pipeline.frame_set import Address, FrameSet, find_dataset, published_datasets, published_frame_set
from pipeline.reproduction import BLEND, published_device, published_frame, reproduce


def add_parser(commands) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser("repro", help="render one published frame again, save its scene, compare the pixels")
    parser.add_argument("frame", help="test/3, or six or more digits of a key")
    parser.add_argument("--dataset", help="id or folder [default: the newest dataset of the store that has the frame]")
    parser.add_argument("--store", default="store", help="folder that holds the datasets")
    parser.add_argument("--out", type=Path, help="a folder that does not exist yet [default: repro/<split>-<index>]")
    parser.add_argument("--device", choices=("cpu", "gpu"), help="[default: the one that rendered the published frame]")
    parser.add_argument("--assets", help="folder or mirror that holds the assets (else HEADROOM_ASSETS)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print how the pixels compare; 1 when ground truth is not equal bit for bit."""
    dataset, frames, address = _find(options)
    frame = published_frame(dataset, frames, address)
    folder = options.out or Path("repro") / f"{address[0]}-{address[1]}"
    if folder.exists():
        raise PipelineError(f"{folder} exists already; name a new folder with --out, nothing is overwritten")
    folder.mkdir(parents=True)
    device = options.device or published_device(frame)
    result = reproduce(frame, frames, folder, device=device, asked_assets=options.assets)
    print(f"{address[0]}/{address[1]} of {frames.name}, on the {device}")
    for line in result.lines:
        print(line)
    print(f"{folder / 'frame' / 'sheet.png'} shows it; {folder / BLEND} is its scene for Blender")
    return 0 if result.exact else 1


def _find(options: argparse.Namespace) -> tuple[Path, FrameSet, Address]:
    name, store = parse_frame_name(options.frame), Path(options.store).resolve()
    if options.dataset:
        dataset = find_dataset(options.dataset, store)
        if dataset is None:
            raise PipelineError(f"{options.dataset} is no dataset of {store}; give the id or the folder of one")
        folders = [dataset]
    else:
        folders = published_datasets(store)
    for folder in folders:
        frames = published_frame_set(folder)
        place = find_frame(name, frames)
        if place is not None:
            return folder, frames, place[1]
    where = " and ".join(folder.name for folder in folders[:3]) or f"{store}, which holds no dataset"
    raise PipelineError(
        f"there is no frame {options.frame} in {where}; frames that failed their checks are listed by "
        f"`python -m render quarantine --store {store}`"
    )
