"""FetchAssets: every asset that the run's recipe uses is installed, verified and compiled."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from pipeline.console import say
from pipeline.tasks.parameters import RunTask
from render.asset_library import asset_status, assets_source, cache_folder, install_asset, load_manifest
from render.frame_keys import asset_ids
from render.recipe_head import recipe_head, recipe_head_is_compiled
from train.progress import Progress

BYTES_OF_A_UNIT = 1_000_000


class FetchAssets(RunTask):
    """Install the assets of a recipe from a folder or mirror (`--assets`, HEADROOM_ASSETS), else from the network."""

    def complete(self) -> bool:
        """Whether every asset is installed and whole, and the head model compiled."""
        manifest, cache = load_manifest(), cache_folder(None)
        return all(
            asset_status(manifest[asset], source=self._source(), cache=cache).state == "verified"
            for asset in asset_ids(self.settings.recipe)
        ) and recipe_head_is_compiled(self.settings.recipe, assets_source=self._source(), cache=cache)

    def work(self) -> None:
        """Raises: AssetError that names the asset and the remedy; ObjError or HeadModelError on a broken model."""
        manifest = load_manifest()
        for asset in asset_ids(self.settings.recipe):
            with shown_progress(asset) as report:
                folder = install_asset(
                    manifest[asset], source=self._source(), cache=cache_folder(None), progress=report
                )
            say("assets", f"{asset} is verified ({folder})")
        # Compiled once here, so that no two renderers do it at the same time.
        recipe_head(self.settings.recipe, assets_source=self._source(), cache=cache_folder(None))
        say("assets", f"head family {self.settings.recipe.heads.family} is ready")

    def _source(self) -> str | None:
        return assets_source(self.settings.assets_source)


@contextmanager
def shown_progress(asset: str) -> Iterator[Callable[[str, int, int | None], None]]:
    """A function to report (stage, bytes done, bytes in all or None) to; each stage gets a bar of its own."""
    with ExitStack() as open_bars:
        bars: dict[str, Progress] = {}

        def report(stage: str, done_bytes: int, total_bytes: int | None) -> None:
            done = -(-done_bytes // BYTES_OF_A_UNIT)
            if stage not in bars:
                total = -(-(total_bytes or 0) // BYTES_OF_A_UNIT)
                bar = Progress(total=total, label=f"{stage} {asset}", unit="MB", already_done=done)
                bars[stage] = open_bars.enter_context(bar)
            bars[stage].advance(done - bars[stage].done)

        yield report
