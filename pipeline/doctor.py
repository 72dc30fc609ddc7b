"""The doctor: what this machine can do for Headroom, what is missing, and what to do about each gap."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pipeline.machine import free_disk_bytes, usable_cores, usable_memory_bytes
from pipeline.system_libraries import bpy_library, installation_advice, missing_libraries
from render.asset_library import asset_status, assets_source, cache_folder, load_manifest
from render.heads.families import FAMILIES

Verdict = Literal["ok", "note", "missing"]
LEAST_MEMORY_GIB = 4
LEAST_DISK_GIB = 2
GIB = 1024**3
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS_FOR_A_CHILD = 300

# Child processes: a failing import, or a driver that crashes, must not end the doctor. bpy 4.5.15 may wait for ever
# in its clean-up when an interpreter exits, so that its child leaves without one.
ASK_BPY = """
import json, os, bpy
preferences = bpy.context.preferences.addons["cycles"].preferences
devices = []
for kind in ("OPTIX", "CUDA", "HIP", "ONEAPI", "METAL"):
    try:
        devices += [[kind, device.name] for device in preferences.get_devices_for_type(kind) if device.type == kind]
    except (TypeError, ValueError):
        pass
print("ANSWER" + json.dumps({"version": bpy.app.version_string, "devices": devices}), flush=True)
os._exit(0)
"""
ASK_TORCH = """
import json, torch
names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
print("ANSWER" + json.dumps({"version": torch.__version__, "devices": names}))
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `missing`: Headroom cannot work without it; `note`: something optional is not there."""

    subject: str
    verdict: Verdict
    found: str
    remedy: str = ""


def examine(*, store: Path, assets: str | None) -> list[Finding]:
    """Everything the doctor looks at, in order."""
    return [
        _python(),
        _bpy(),
        _torch(),
        _cores_and_memory(),
        *_disks(store),
        *_assets(assets),
        _chromium(),
    ]


def run_doctor(*, store: Path, assets: str | None, as_json: bool) -> int:
    """Print the findings; 1 when something needed is missing, else 0."""
    findings = examine(store=store, assets=assets)
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            print(f"{finding.verdict:8s}{finding.subject:28s}{finding.found}")
            if finding.remedy:
                print(f"{'':36s}-> {finding.remedy}")
    missing = [finding.subject for finding in findings if finding.verdict == "missing"]
    if not as_json:
        print(f"\nmissing: {', '.join(missing)}" if missing else "\nThis machine has all that Headroom needs.")
    return 1 if missing else 0


def ask_child(code: str) -> tuple[dict | None, str]:
    """What a line that starts with ANSWER holds when Python runs this code; else None and the error's last lines."""
    try:
        child = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS_FOR_A_CHILD, check=False
        )
    except subprocess.TimeoutExpired:
        return None, f"no answer within {SECONDS_FOR_A_CHILD} s"
    for line in child.stdout.splitlines():
        if line.startswith("ANSWER"):
            return json.loads(line.removeprefix("ANSWER")), ""
    return None, "\n".join(child.stderr.strip().splitlines()[-3:]) or f"ended with code {child.returncode}"


def bpy_finding(answer: dict | None, error: str, library: Path | None) -> Finding:
    """The finding about bpy: its version and devices, or why it cannot be imported and what to install."""
    if answer is not None:
        names = ", ".join(f"{name} ({kind})" for kind, name in answer["devices"])
        return Finding(
            "bpy", "ok", f"{answer['version']}; Cycles renders on the CPU" + (f" or {names}" if names else "")
        )
    if library is None:
        return Finding("bpy", "missing", "not installed", "make install")
    libraries = missing_libraries(library, import_error=error)
    if libraries:
        return Finding("bpy", "missing", f"lacks {', '.join(libraries)}", installation_advice(libraries))
    return Finding("bpy", "missing", error.splitlines()[-1], "make clean install")


def _python() -> Finding:
    found = f"{sys.version.split()[0]} ({sys.executable})"
    if sys.version_info[:2] == (3, 11):
        return Finding("Python", "ok", found)
    return Finding("Python", "missing", found, "install Python 3.11 (bpy is built for no other), then: make install")


def _bpy() -> Finding:
    answer, error = ask_child(ASK_BPY)
    return bpy_finding(answer, error, bpy_library())


def _torch() -> Finding:
    answer, error = ask_child(ASK_TORCH)
    if answer is None:
        return Finding("torch", "missing", error.splitlines()[-1], "make clean install")
    if answer["devices"]:
        return Finding("torch", "ok", f"{answer['version']}; {', '.join(answer['devices'])}")
    return Finding(
        "torch",
        "note",
        f"{answer['version']}; CPU only",
        "training at full size wants an NVIDIA GPU with a driver; `nvidia-smi` shows whether there is one",
    )


def _cores_and_memory() -> Finding:
    cores, memory_gib = usable_cores(), usable_memory_bytes() / GIB
    found = f"{cores:g} cores of {os.cpu_count()}, {memory_gib:.1f} GiB of memory"
    if memory_gib < LEAST_MEMORY_GIB:
        return Finding("cores and memory", "missing", found, f"Headroom needs {LEAST_MEMORY_GIB} GiB of memory")
    return Finding("cores and memory", "ok", found)


def _disks(store: Path) -> list[Finding]:
    findings = []
    for subject, folder, option in (("store", store, "--store"), ("cache", cache_folder(None), "HEADROOM_CACHE")):
        free_gib = free_disk_bytes(folder) / GIB
        found = f"{free_gib:.1f} GiB free at {folder}"
        if free_gib < LEAST_DISK_GIB:
            remedy = f"free some space ({LEAST_DISK_GIB} GiB at least), or name another folder with {option}"
            findings.append(Finding(subject, "missing", found, remedy))
        else:
            findings.append(Finding(subject, "ok", found))
    return findings


def _assets(option: str | None) -> list[Finding]:
    findings = []
    of_families = {facts.asset_id for facts in FAMILIES.values()}
    for asset in load_manifest().values():
        status = asset_status(asset, source=assets_source(option), cache=cache_folder(None), rehash=True)
        subject = f"asset {asset.id}"
        if status.state == "verified":
            findings.append(Finding(subject, "ok", f"verified ({status.where})"))
        elif status.state == "present":
            findings.append(Finding(subject, "ok", f"at hand in {status.where}; {status.remedy}"))
        else:
            # A head family that was not fetched is a choice; the default family needs no download.
            absent = status.state == "missing" and asset.id in of_families
            findings.append(Finding(subject, "note" if absent else "missing", status.state, status.remedy))
    return findings


def _chromium() -> Finding:
    program = next((path for path in map(shutil.which, CHROMIUM_NAMES) if path), None)
    if program is not None:
        return Finding("chromium", "ok", program)
    return Finding("chromium", "note", "not found", "only the report's browser test needs it: apt-get install chromium")
