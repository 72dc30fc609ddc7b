"""FetchAssets: every asset that the run's recipe uses is installed and verified."""

from pipeline.console import say
from pipeline.run_settings import asset_ids
from pipeline.tasks.parameters import RunTask
from render.asset_library import asset_status, assets_source, cache_folder, install_asset, load_manifest


class FetchAssets(RunTask):
    """Install the assets of a recipe from a folder or mirror (`--assets`, HEADROOM_ASSETS), else from the network."""

    def complete(self) -> bool:
        """Whether every asset is installed and whole."""
        manifest = load_manifest()
        return all(
            asset_status(manifest[asset], source=self._source(), cache=cache_folder(None)).state == "verified"
            for asset in asset_ids(self.settings.recipe)
        )

    def work(self) -> None:
        """Raises: AssetError that names the asset and the remedy."""
        manifest = load_manifest()
        for asset in asset_ids(self.settings.recipe):
            folder = install_asset(manifest[asset], source=self._source(), cache=cache_folder(None))
            say("assets", f"{asset} is verified ({folder})")

    def _source(self) -> str | None:
        return assets_source(self.settings.assets_source)
