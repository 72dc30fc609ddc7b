"""The doctor: what is missing is named with its remedy."""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from pipeline.doctor import ASK_BPY, ASK_TORCH, ask_child, bpy_finding, examine, run_doctor
from pipeline.machine import usable_cores, usable_memory_bytes
from pipeline.system_libraries import bpy_library, installation_advice, missing_libraries
from render.asset_library import AssetStatus


def test_missing_libraries_come_from_the_loader_and_from_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`ldd` tells all that are missing at once; the import's own message adds the one it stumbled over."""
    ldd = tmp_path / "ldd"
    ldd.write_text(
        "#!/bin/sh\n"
        "printf '\\tlibX11.so.6 => /lib/libX11.so.6 (0x1)\\n\\tlibXi.so.6 => not found\\n"
        "\\tlibSM.so.6 => not found\\n'\n"
    )
    ldd.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    error = "ImportError: libXrender.so.1: cannot open shared object file: No such file or directory"
    found = missing_libraries(tmp_path / "bpy.so", import_error=error)
    assert found == ["libSM.so.6", "libXi.so.6", "libXrender.so.1"]
    finding = bpy_finding(None, error, tmp_path / "bpy.so")
    assert (finding.verdict, finding.remedy) == ("missing", "apt-get install libsm6 libxi6 libxrender1")
    assert "libSM.so.6, libXi.so.6, libXrender.so.1" in finding.found


def test_an_unknown_library_is_to_be_searched_for():
    """What the table does not know is named, never guessed."""
    assert installation_advice(["libGL.so.1", "libodd.so.9"]) == (
        "apt-get install libgl1; find the packages of libodd.so.9: apt-file search libodd.so.9"
    )


def test_every_system_library_of_this_bpy_has_a_package():
    """What the installed bpy links to, outside of itself and the C library, is in the table."""
    library = bpy_library()
    assert library is not None
    answer = subprocess.run(["readelf", "-d", library], capture_output=True, text=True, check=False)
    if answer.returncode:
        pytest.skip("readelf is not installed")
    needed = {line.split("[")[1].split("]")[0] for line in answer.stdout.splitlines() if "(NEEDED)" in line}
    bundled = {path.name for path in library.parent.rglob("*.so*")}
    of_c_library = {f"lib{name}.so" for name in ("c", "m", "dl", "rt", "pthread", "util", "gcc_s", "resolv")}
    system = {name for name in needed - bundled if name.split(".so")[0] + ".so" not in of_c_library}
    system = {name for name in system if not name.startswith("ld-linux")}
    assert system
    assert "apt-file" not in installation_advice(sorted(system))


def test_bpy_that_is_not_installed_or_finds_a_gpu_is_told():
    """No library: install. An answer: version and devices."""
    assert bpy_finding(None, "No module named 'bpy'", None).remedy == "make install"
    finding = bpy_finding({"version": "4.5.15", "devices": [["OPTIX", "A GPU"]]}, "", None)
    assert (finding.verdict, finding.found) == ("ok", "4.5.15; Cycles renders on the CPU or A GPU (OPTIX)")


def test_the_real_bpy_and_torch_answer():
    """Both questions run in this very environment: versions come back, and lists of devices; neither child hangs."""
    bpy, error = ask_child(ASK_BPY)
    assert bpy is not None, error
    assert bpy["version"].startswith("4.5") and all(len(device) == 2 for device in bpy["devices"])
    torch, error = ask_child(ASK_TORCH)
    assert torch is not None, error
    assert torch["version"].startswith(version("torch")) and isinstance(torch["devices"], list)


def test_too_little_memory_or_disk_and_a_cpu_without_company_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Each gap is named with what is there and what to do; a missing GPU is a note, for the CPU does."""
    monkeypatch.setattr("pipeline.doctor.ask_child", lambda _: ({"version": "2.6", "devices": []}, ""))
    monkeypatch.setattr("pipeline.doctor.usable_memory_bytes", lambda: 3 * 1024**3)
    monkeypatch.setattr("pipeline.doctor.free_disk_bytes", lambda _: 1024**3)
    monkeypatch.setenv("HEADROOM_CACHE", str(tmp_path / "cache"))
    findings = {finding.subject: finding for finding in examine(store=tmp_path / "store", assets=None)}
    assert (findings["cores and memory"].verdict, findings["cores and memory"].remedy) == (
        "missing",
        "Headroom needs 4 GiB of memory",
    )
    assert "3.0 GiB of memory" in findings["cores and memory"].found
    for subject, option in (("store", "--store"), ("cache", "HEADROOM_CACHE")):
        assert findings[subject].verdict == "missing" and findings[subject].remedy.endswith(option)
        assert findings[subject].found.startswith(f"1.0 GiB free at {tmp_path}")
    assert (findings["torch"].verdict, findings["torch"].found) == ("note", "2.6; CPU only")


@pytest.mark.parametrize(
    ("state", "verdict"), [("verified", "ok"), ("present", "ok"), ("missing", "note"), ("damaged", "missing")]
)
def test_an_asset_is_told_by_its_state_with_the_remedy(monkeypatch: pytest.MonkeyPatch, state: str, verdict: str):
    """Heads that were not fetched are a choice, so a note; damaged ones stop a run; each remedy is passed on."""

    def status(asset, **_: object) -> AssetStatus:
        return AssetStatus(asset.id, state, "/the/place", "" if state == "verified" else "do this")

    monkeypatch.setattr("pipeline.doctor.ask_child", lambda _: ({"version": "2.6", "devices": []}, ""))
    monkeypatch.setattr("pipeline.doctor.asset_status", status)
    findings = {finding.subject: finding for finding in examine(store=Path("store"), assets=None)}
    finding = findings["asset ict_facekit"]
    assert finding.verdict == verdict
    assert ("do this" in finding.found + finding.remedy) == (state != "verified")
    # The light of the default run ships with bpy: without it nothing can be rendered.
    assert findings["asset blender_studiolights"].verdict == ("missing" if state == "missing" else verdict)


def test_a_child_that_fails_does_not_end_the_doctor():
    """Its last words are the answer, also when it is killed."""
    assert ask_child("print('noise'); print('ANSWER{\"version\": 3}')") == ({"version": 3}, "")
    answer, error = ask_child("import nothing_of_that_name")
    assert answer is None and "nothing_of_that_name" in error
    assert ask_child("import os; os.kill(os.getpid(), 9)") == (None, "ended with code -9")


def test_limits_of_a_container_count(tmp_path: Path):
    """A control group may grant less than the machine has: both of its generations are read."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       16384 kB\nMemFree: 1 kB\n")
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text("1048576\n")
    assert usable_cores(cgroup=tmp_path) == 0.5
    assert usable_memory_bytes(cgroup=tmp_path, meminfo=meminfo) == 1048576
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert usable_cores(cgroup=tmp_path) >= 1
    assert usable_memory_bytes(cgroup=tmp_path, meminfo=meminfo) == 16384 * 1024
    (tmp_path / "old" / "cpu").mkdir(parents=True)
    (tmp_path / "old" / "cpu" / "cpu.cfs_quota_us").write_text("30000")
    (tmp_path / "old" / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert usable_cores(cgroup=tmp_path / "old") == 0.3


def test_the_exit_code_follows_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Without bpy the doctor fails and says so, in words and as JSON; an absent optional asset is a note."""

    def answer(code: str) -> tuple[dict | None, str]:
        return (None, "No module named 'bpy'") if "bpy" in code else ({"version": "2.6", "devices": []}, "")

    monkeypatch.setattr("pipeline.doctor.ask_child", answer)
    monkeypatch.setattr("pipeline.doctor.bpy_library", lambda: None)
    monkeypatch.setenv("HEADROOM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HEADROOM_ASSETS", raising=False)
    assert run_doctor(store=tmp_path / "store", assets=None, as_json=True) == 1
    findings = {finding["subject"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert findings["bpy"]["verdict"] == "missing"
    assert findings["asset ict_facekit"]["verdict"] == "note"
    assert findings["asset blender_studiolights"]["verdict"] == "ok"
    assert findings["Python"]["found"].endswith(f"({sys.executable})")
    assert run_doctor(store=tmp_path / "store", assets=None, as_json=False) == 1
    assert capsys.readouterr().out.endswith("missing: bpy\n")
