"""Rules of train.report: a page that says what results.json says, loads nothing, and shows every picture."""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from report_page import Page, numbers_in
from report_store import ReportStore, changed_inputs

from train.errors import InputError
from train.report import duration_text, letter, number_text, write_report
from train.report_results import headline

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# 17 frames of 9 persons: 9 persons first, then second frames. Six predictions of each of two experiments, one large
# figure of 7, twice the key of normals, and 4 frames side by side, each with its truth and 2 predictions.
PICTURES = 12 * 9 + 2 * 6 * 7 + 7 + 2 + 4 * 4
LOADING_ATTRIBUTES = {"src", "href", "srcset", "data", "poster", "action", "xlink:href"}


@pytest.fixture(scope="module")
def report(store: ReportStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the report on that store. Do not change it."""
    out = tmp_path_factory.mktemp("report")
    write_report(store.inputs, out)
    return out


@pytest.fixture(scope="module")
def page(report: Path) -> Page:
    """The parsed page; parsing also proves that elements are closed in order."""
    return Page((report / "index.html").read_text(encoding="utf-8"))


def test_the_page_is_well_formed_and_states_every_number_of_the_results(report: Path, page: Page):
    """Each number of results.json stands in a data element with its full value, and the visible text rounds it."""
    assert page.open == []
    numbers = list(numbers_in(json.loads((report / "results.json").read_text())))
    assert len(numbers) > 100
    missing = [number for number in numbers if float(number) not in page.numbers]
    assert not missing
    for value, text in page.numbers.items():
        shown = text.replace("\N{MINUS SIGN}", "-").replace("\N{NARROW NO-BREAK SPACE}", "").replace(" · 10^", "e")
        if re.fullmatch(r"[-+0-9.e]+", shown):
            assert float(shown) == pytest.approx(value, rel=6e-3, abs=1e-9)


def test_the_results_are_those_of_the_evaluation_with_the_papers_beside(store: ReportStore, report: Path):
    """Scores are copied unrounded, and the paper's number stands in the same row."""
    evaluation = json.loads((store.evaluations[1] / "evaluation.json").read_text())
    results = json.loads((report / "results.json").read_text())["evaluations"][1]
    for region, kinds in evaluation["metrics"].items():
        rows = {(row["metric"], row["aligned_by"]): row for row in results["regions"][region]["rows"]}
        for kind in ("pooled", "mean_over_images"):
            assert rows["rmse_m", "nothing"][kind] == kinds[kind]["rmse_m"]
            assert rows["rmse_m", "median"][kind] == kinds[kind]["rmse_m_scale_aligned"]
            fitted = kinds[kind]["rmse_m_scale_aligned_least_squares"]
            assert rows["rmse_m", "least_squares"][kind] == fitted
    head = {row["metric"]: row for row in results["regions"]["head_mask"]["rows"] if row["aligned_by"] == "nothing"}
    # khan2021, Table 1, row 10.
    assert head["rmse_m"]["paper"] == 0.0143
    assert "paper" not in head["silog"]
    assert (results["split"], results["frames"], results["identities"]) == ("test", 7, 4)


def test_the_headline_is_that_of_the_least_error_and_names_its_experiment(
    store: ReportStore, report: Path, tmp_path: Path
):
    """The least mean relative error inside the head wins, wherever it stands and whatever the RMSE; a single
    experiment is named without rank."""
    results = json.loads((report / "results.json").read_text())
    first, second = (results["evaluations"][number] for number in (0, 1))

    def head_abs_rel(evaluation: dict) -> float:
        rows = evaluation["regions"]["head_inside"]["rows"]
        return next(row["pooled"] for row in rows if row["metric"] == "abs_rel" and row["aligned_by"] == "nothing")

    best = min((first, second), key=head_abs_rel)
    for evaluations in ([first, second], [second, first]):
        chosen = headline({"evaluations": evaluations})
        assert chosen is not None
        assert chosen["evaluation"] is best and chosen["abs_rel"]["pooled"] == head_abs_rel(best)
    text = " ".join(Page((report / "index.html").read_text()).text.split())
    rmse_m = next(row["pooled"] for row in best["regions"]["head_inside"]["rows"] if row["metric"] == "rmse_m")
    best_rmse = number_text(rmse_m, 3)
    assert (
        f"the least mean relative error is that of “{best['title']}” ({best['experiment']}): a mean relative error of"
        in text
    )
    assert f"RMSE inside the head{best_rmse} m{best['experiment']}" in text
    write_report(changed_inputs(store, tmp_path, evaluations=[str(store.evaluations[0])]), tmp_path / "out")
    text = " ".join(Page((tmp_path / "out" / "index.html").read_text()).text.split())
    assert f"on the test split, “{first['title']}” (khan2021_unet_simple): a mean relative error of" in text
    assert headline({"evaluations": []}) is None


def test_a_floor_stands_beside_the_raw_and_the_aligned_scores(store: ReportStore, tmp_path: Path):
    """Depths of a frame's own camera are compared with the floor without intrinsics, canonical ones with the other;
    a floor of other data is compared with nothing, and its own numbers are still shown."""
    evaluation = json.loads((store.evaluations[1] / "evaluation.json").read_text())
    setting = {"abs_rel_low": 0.051, "abs_rel_high": 0.063, "size_abs_rel": 0.0671, "analytic_abs_rel": 0.0672}
    floor = {
        "index_sha256": evaluation["evaluated_on"],
        "dataset_name": "balls",
        "split": "test",
        "identities": {"train": 4, "validation": 1, "test": 4},
        "settings": {
            "intrinsics_unknown": {"abs_rel": 0.0571, **setting},
            "intrinsics_known": {"abs_rel": 0.0232, **setting},
        },
        "constant_abs_rel": 0.0873,
        "spreads": {"log_distance_sd": 0.103, "log_focal_length_sd": 0.1471, "log_head_size_sd": 0.0341},
    }
    canonical = tmp_path / "canonical"
    shutil.copytree(store.evaluations[1], canonical)
    changed = json.loads(json.dumps(evaluation))
    changed["specification"]["encoding"]["camera"] = "canonical"
    (canonical / "evaluation.json").write_text(json.dumps(changed))
    for name, index in (("floor", evaluation["evaluated_on"]), ("other", "0" * 64)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "floor.json").write_text(json.dumps({**floor, "index_sha256": index}))
    inputs = {"evaluations": [str(store.evaluations[1]), str(canonical)], "floors": [str(tmp_path / "floor")]}
    write_report(changed_inputs(store, tmp_path, **inputs), tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    own, other = results["evaluations"]
    raw = evaluation["metrics"]["head_inside"]["mean_over_images"]["abs_rel"]
    assert own["floor"]["ratio"] == pytest.approx(raw / 0.0571)
    assert other["floor"]["ratio"] == pytest.approx(raw / 0.0232)
    assert (own["camera"], other["camera"]) == ("metric", "canonical")
    page = Page((tmp_path / "out" / "index.html").read_text())
    assert not [number for number in numbers_in(results) if float(number) not in page.numbers]
    assert "scale aligned (least squares)" in page.text and "raw / floor" in page.text
    inputs["floors"] = [str(tmp_path / "other")]
    write_report(changed_inputs(store, tmp_path, **inputs), tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [one["floor"] for one in results["evaluations"]] == [None, None]
    page = Page((tmp_path / "out" / "index.html").read_text())
    assert not [number for number in numbers_in(results) if float(number) not in page.numbers]


def test_a_split_by_frame_is_named_and_never_the_headline(store: ReportStore, tmp_path: Path):
    """However small its error, it is no result of ours: the table says what it is, and the summary passes it over."""
    by_frame = tmp_path / "by_frame"
    shutil.copytree(store.evaluations[1], by_frame)
    changed = json.loads((by_frame / "evaluation.json").read_text())
    changed |= {"split_by": "frame", "identities_in_training": 3}
    changed["metrics"]["head_inside"]["pooled"]["abs_rel"] = 1e-6
    (by_frame / "evaluation.json").write_text(json.dumps(changed))
    inputs = {"evaluations": [str(by_frame), str(store.evaluations[0])], "pack": None}
    write_report(changed_inputs(store, tmp_path, **inputs), tmp_path / "out")
    chosen = headline(json.loads((tmp_path / "out" / "results.json").read_text()))
    assert chosen is not None and chosen["evaluation"]["split_by"] == "identity"
    text = " ".join(Page((tmp_path / "out" / "index.html").read_text()).text.split())
    assert text.count("SPLIT BY FRAME: 3 of 4 persons known from training") == 1
    assert "random start, SPLIT BY FRAME" in text and "random start, by identity" in text
    inputs["evaluations"] = [str(by_frame)]
    write_report(changed_inputs(store, tmp_path, **inputs), tmp_path / "out")
    text = " ".join(Page((tmp_path / "out" / "index.html").read_text()).text.split())
    assert "No network has been evaluated on the heads of people it has not seen" in text


def test_the_seeds_of_frames_and_of_trainings_are_told_apart(page: Page, report: Path):
    """Frames are drawn from the seed of the dataset's recipe (0 here), trainings start from that of the run (20210)."""
    results = json.loads((report / "results.json").read_text())
    assert (results["dataset"]["seed"], results["seed"]) == (0, 20210)
    text = " ".join(page.text.split())
    assert "that depends on the seed (0), the split" in text
    assert "(0 of the frames, 20210 of the trainings)" in text


def test_the_page_loads_nothing(page: Page, report: Path):
    """Every address in a loading attribute is inside the page; style sheets import nothing."""
    for tag, attributes in page.elements:
        for name in LOADING_ATTRIBUTES & set(attributes):
            address = attributes[name] or ""
            assert address.startswith(("data:", "#")), f"<{tag} {name}={address[:80]!r}>"
    content = (report / "index.html").read_text()
    assert "@import" not in content
    assert "url(" not in content
    assert {path.name for path in report.iterdir()} == {"index.html", "results.json"}


def test_the_page_holds_what_was_promised(page: Page):
    """Command, seed, versions, licences, statement on the paper's data, sections, and a title made harmless."""
    for text in (
        "Balls & <faces>",
        "luigi --module pipeline FullRun --profile quick",
        "20210",
        "4.5.15",
        "https://example.org/heads",
        "MIT",
        "The paper's numbers come from the paper's data",
        "worst 1 of 7",
        "best 1 of 7",
        "Table 1a. Depth scores of khan2021_unet_simple;",
        "Table 1b. Depth scores of khan2021_unet_simple_l1;",
        "Figure 5a. khan2021_unet_simple: frames of the test split",
        "Figure 5b. khan2021_unet_simple_l1: frames of the test split",
        "network.width = 2 (there 64)",
    ):
        assert text in page.text
    assert page.text.count("The loss has no L1 term") == 1
    assert not [attributes for tag, attributes in page.elements if tag == "faces"]


def test_every_picture_decodes_and_says_what_it_shows(page: Page):
    """9 pictures for each of up to 12 frames, 7 for each of 6 predictions of 2 experiments, and each has a text."""
    pictures = [attributes for tag, attributes in page.elements if tag == "img"]
    shown = [one for one in pictures if one["alt"]]
    assert len(shown) == PICTURES
    assert sum((one["alt"] or "").endswith("khan2021_unet_simple_l1") for one in shown) == 6 * 7
    for one in pictures:
        header, content = (one["src"] or "").split(",", 1)
        assert header in ("data:image/webp;base64", "data:image/gif;base64")
        assert len(base64.b64decode(content, validate=True)) > 20


def test_persons_are_counted_once_and_frames_each(report: Path):
    """Melanin and coefficients are drawn once a person, expressions once a frame; seeds are no distribution."""
    drawn = json.loads((report / "results.json").read_text())["drawn"]
    assert drawn["skin.melanin"]["count"] == 9
    assert drawn["identity.coefficients"]["count"] == 9 * 8
    assert sum(drawn["expression.name"]["counts"].values()) == 17
    assert drawn["camera.distance_mm"]["minimum"] >= 700
    assert drawn["camera.distance_mm"]["unit"] == "mm"
    assert not [name for name in drawn if "seed" in name]


def test_a_report_without_learning_says_what_is_missing(store: ReportStore, tmp_path: Path):
    """Before any training there is a report on the dataset, and each empty section says so."""
    path = changed_inputs(
        store, tmp_path, trainings=[], evaluations=[], pack=None, timings={}, versions={}, render_runs=[], assets=[]
    )
    write_report(path, tmp_path / "out")
    text = Page((tmp_path / "out" / "index.html").read_text()).text
    for sentence in (
        "No network has been trained yet",
        "No network has been evaluated yet",
        "No training was given to this report",
        "No evaluation was given to this report",
        "No predictions to show",
        "No timings were given",
        "No versions were given",
    ):
        assert sentence in text


def test_writing_again_replaces_the_report_with_the_same_bytes(store: ReportStore, report: Path, tmp_path: Path):
    """A report is a function of its inputs."""
    write_report(store.inputs, tmp_path)
    first = (tmp_path / "index.html").read_bytes()
    write_report(store.inputs, tmp_path)
    assert (tmp_path / "index.html").read_bytes() == first == (report / "index.html").read_bytes()


def test_malformed_inputs_are_refused_with_the_name_of_what_is_wrong(store: ReportStore, tmp_path: Path):
    """Each message names the file or the field, and nothing is written."""
    out = tmp_path / "out"
    with pytest.raises(InputError, match=r"nowhere\.json should hold a report's inputs, but cannot be read"):
        write_report(tmp_path / "nowhere.json", out)
    with pytest.raises(InputError, match="colour: Extra inputs are not permitted"):
        write_report(changed_inputs(store, tmp_path, colour="red"), out)
    with pytest.raises(InputError, match=r"(?s)does not hold a report's inputs.*seed"):
        write_report(changed_inputs(store, tmp_path, seed="many"), out)
    with pytest.raises(InputError, match=r"gone.evaluation\.json should hold an evaluation"):
        write_report(changed_inputs(store, tmp_path, evaluations=[str(tmp_path / "gone")]), out)
    training = tmp_path / "training"
    shutil.copytree(store.trainings[0], training)
    (training / "history.jsonl").write_text('{"epoch": "first"}\n')
    with pytest.raises(InputError, match=r"history\.jsonl, line 1, does not hold the numbers of an epoch"):
        write_report(changed_inputs(store, tmp_path, trainings=[str(training)]), out)
    evaluation = tmp_path / "evaluation"
    shutil.copytree(store.evaluations[0], evaluation)
    tree = json.loads((evaluation / "evaluation.json").read_text())
    for frame in tree["frames_table"]:
        frame["key"] = "0" * 64
    (evaluation / "evaluation.json").write_text(json.dumps(tree))
    with pytest.raises(InputError, match="has another frame there; evaluate again on this pack"):
        write_report(changed_inputs(store, tmp_path, evaluations=[str(evaluation)]), out)
    assert not out.exists()


def test_any_number_of_experiments_gets_letters():
    """A figure that comes once has none; the 27th of many is aa."""
    assert letter(0, 1) == ""
    assert [letter(number, 100) for number in (0, 25, 26, 51, 52)] == ["a", "z", "aa", "az", "ba"]


def test_numbers_and_durations_are_written_for_people():
    """Examples by hand."""
    assert number_text(17262977, 4) == "17\N{NARROW NO-BREAK SPACE}262\N{NARROW NO-BREAK SPACE}977"
    assert [number_text(value, 3) for value in (0.014321, -12.345, 123.4, 0.0)] == [
        "0.0143",
        "\u221212.3",
        "123",
        "0",
    ]
    assert number_text(0.0000123, 3) == "1.23 · 10^\u22125"
    assert [number_text(value, None) for value in (0.0143, 20210)] == ["0.0143", "20210"]
    assert [duration_text(value) for value in (3.21, 59.7, 61, 7322)] == [
        "3.2 s",
        "1 min 00 s",
        "1 min 01 s",
        "2 h 02 min",
    ]


@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install --no-install-recommends chromium")
def test_a_real_browser_shows_every_picture_without_an_error(report: Path, tmp_path: Path):
    """Headless Chromium decodes all pictures (naturalWidth > 0), runs the script, and logs no error."""
    assert CHROMIUM is not None
    probe = """<script>window.addEventListener("load", () => {
      const pictures = [...document.images];
      const broken = pictures.filter((one) => !one.complete || one.naturalWidth === 0).length;
      const wide = document.documentElement.scrollWidth > window.innerWidth + 1;
      document.querySelector(".shot img").click();
      const enlarged = document.querySelector("dialog").open;
      document.title = `probe pictures=${pictures.length} broken=${broken} wide=${wide} enlarged=${enlarged}`;
    });</script></body>"""
    copy = tmp_path / "probed.html"
    copy.write_text((report / "index.html").read_text().replace("</body>", probe))
    for width_px in (1400, 500):
        done = subprocess.run(
            [
                CHROMIUM,
                *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
                *("--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=4000"),
                *(f"--window-size={width_px},1500", f"--screenshot={tmp_path / 'page.png'}", "--dump-dom"),
                copy.as_uri(),
            ],
            capture_output=True,
            text=True,
            timeout=90,
            check=True,
        )
        title = re.search(r"<title>(probe [^<]*)</title>", done.stdout)
        assert title is not None, done.stderr[-2000:]
        assert title[1] == f"probe pictures={PICTURES + 1} broken=0 wide=false enlarged=true"
        assert "CONSOLE" not in done.stderr, done.stderr[-2000:]
