"""What every test shares: array shapes are checked while tests run, and real assets are found or their tests skipped.

This file must be read before any test imports `render` or `train`; tests/architecture/test_shape_checker.py proves it.
"""

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

_too_early = sorted(name for name in sys.modules if name.split(".")[0] in {"render", "train"})
if _too_early:
    raise RuntimeError(f"{_too_early} were imported before the shape checker was installed; import them in tests only")
install_import_hook(["render", "train"], "shape_checker.check")

# A shell without job control starts background jobs with SIGINT ignored, and children inherit that: tests of Ctrl-C
# would wait for ever. With a handler of our own, children start with the default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every machine, and no time limit on a busy one.
settings.register_profile("headroom", derandomize=True, deadline=None, database=None)
settings.load_profile("headroom")

NO_ASSETS = (
    "needs the ICT-FaceKit archive; set HEADROOM_ASSETS to the folder that holds it "
    "(for example HEADROOM_ASSETS=../shared/assets make test)"
)


_exit_status = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the run ended, for the way out below."""
    session.config.stash[_exit_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave at once when bpy was loaded: 4.5.15 may wait for ever in its own clean-up when the interpreter exits."""
    if "bpy" in sys.modules and _exit_status in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_exit_status])


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests marked `ict` where the asset's folder was not named; a wrong folder is a failure, not a skip."""
    if item.get_closest_marker("ict") and not os.environ.get("HEADROOM_ASSETS"):
        pytest.skip(NO_ASSETS)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def assets_source() -> str:
    """The folder that holds downloaded assets, as HEADROOM_ASSETS names it. Skips the test where it is not set."""
    folder = os.environ.get("HEADROOM_ASSETS")
    if not folder:
        pytest.skip(NO_ASSETS)
    if not Path(folder).is_dir():
        pytest.fail(f"HEADROOM_ASSETS={folder!r} is no folder; correct or unset it")
    return str(Path(folder).resolve())


@pytest.fixture(scope="session")
def asset_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of installed assets that the whole session shares, so that each asset is unpacked and compiled once."""
    return tmp_path_factory.mktemp("asset_cache")


@pytest.fixture(scope="session")
def ict_model(assets_source: str, asset_cache: Path):
    """The ICT-FaceKit head model, compiled once a session. Skips the test where the asset is absent."""
    from render.heads.families import load_head_model

    return load_head_model("ict", assets_source=assets_source, cache=asset_cache)
