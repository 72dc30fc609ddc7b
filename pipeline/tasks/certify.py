"""Certify: the ground truth of the run's head family is measured before anything is rendered with it."""

import json
from pathlib import Path

import luigi

from pipeline.devices import chosen_device
from pipeline.identity import key_of
from pipeline.results import produce
from pipeline.run_settings import certified_settings, run_keys
from pipeline.stage_command import run_stage_command
from pipeline.store import is_published
from pipeline.tasks.fetch_assets import FetchAssets
from pipeline.tasks.parameters import RunTask, render_command


class Certify(RunTask):
    """The quick certificate of this version of the renderer, with this head family on this device; made once."""

    def requires(self) -> luigi.Task:
        """The assets that heads are made of."""
        return self.clone(FetchAssets)

    def complete(self) -> bool:
        """Whether the certificate is published. One that failed never is."""
        return is_published(self.settings.store, "certificates", key_of(run_keys(self.options).certificate))

    def work(self) -> None:
        """Raises: PipelineError with the checks that failed."""
        settings, inputs = self.settings, run_keys(self.options).certificate

        def make(folder: Path) -> None:
            command = [*render_command(), "certify", "--quick"]
            for name, value in certified_settings(settings.recipe).items():
                command += ["--set", f"{name}={json.dumps(value)}"]
            command += ["--out", str(folder), "--device", chosen_device(settings.device)]
            if settings.assets_source:
                command += ["--assets", settings.assets_source]
            log = settings.store / "logs" / f"certificate-{key_of(inputs)}.log"
            run_stage_command(command, stage="certificate", log=log)

        produce(settings.store, "certificates", inputs, stage="certificate", make=make)
