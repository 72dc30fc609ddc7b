"""Luigi's defaults for Headroom: no server, honest exit codes, and errors in plain words instead of tracebacks."""

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import luigi
from luigi.configuration import get_config

from pipeline.errors import PipelineError
from render.asset_archive import TreeError
from render.asset_manifest import AssetError
from render.config import RecipeError
from render.dataset_format import DatasetError
from render.heads.compiled import CompiledHeadError
from render.heads.model_checks import HeadModelError
from render.heads.obj_file import ObjError
from render.image_folder import ImageFolderError
from train.errors import InputError

EXIT_CODES = {
    "already_running": 10,
    "missing_data": 20,
    "not_run": 25,
    "task_failed": 30,
    "scheduling_error": 35,
    "unhandled_exception": 40,
}
# Where a scheduler is named, several hosts may share the work: a worker that has nothing to do waits for what another
# one may leave behind, asks again soon, and tells every second that it lives.
SHARED_WORK = {"keep_alive": "True", "wait_interval": "1", "wait_jitter": "1", "ping_interval": "1"}
# Errors whose message says everything; a traceback would only hide it.
PLAIN_ERRORS = (
    PipelineError,
    RecipeError,
    DatasetError,
    AssetError,
    TreeError,
    ObjError,
    HeadModelError,
    CompiledHeadError,
    ImageFolderError,
    InputError,
)
_NAMES_A_SCHEDULER = re.compile(r"^--scheduler-(ho|po|ur)")
_SCHEDULER_OPTIONS = tuple(
    f"{prefix}scheduler_{part}" for prefix in ("", "default_") for part in ("host", "port", "url")
)


def set_luigi_defaults(command_line: Sequence[str]) -> None:
    """Fill in what neither a luigi.cfg nor the command line says; called when `pipeline` is imported.

    Luigi reads the command line, imports the module that `--module` names, and only then asks its configuration: so
    a default that is set during that import holds, and any explicit option still wins.
    """
    config = get_config()
    names_scheduler = any(_NAMES_A_SCHEDULER.match(word) for word in command_line)
    if not names_scheduler and not any(config.has_option("core", option) for option in _SCHEDULER_OPTIONS):
        _set_default(config, "core", "local_scheduler", "True")
    else:
        for name, value in SHARED_WORK.items():
            _set_default(config, "worker", name, value)
    _set_default(config, "core", "log_level", "WARNING")
    _set_default(config, "core", "lock_pid_dir", str(lock_folder(Path.cwd())))
    for name, code in EXIT_CODES.items():
        _set_default(config, "retcode", name, str(code))
    logger = logging.getLogger("luigi-interface")
    if plain_words not in logger.filters:
        logger.addFilter(plain_words)


def lock_folder(working_folder: Path) -> Path:
    """Where luigi notes running commands. It knows a command by its words alone, so each user and each folder gets a
    place of its own: the same words typed elsewhere are another run."""
    place = hashlib.sha256(str(working_folder).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"headroom-luigi-{os.getuid()}-{place}"


def plain_words(record: logging.LogRecord) -> bool:
    """A logging filter that passes every record, and puts a plain error's message in place of its traceback."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, PLAIN_ERRORS):
        arguments = record.args if isinstance(record.args, tuple) else ()
        task = next((type(one).__name__ for one in arguments if isinstance(one, luigi.Task)), None)
        record.msg = f"{task} failed: {error}" if task else str(error)
        record.args, record.exc_info, record.exc_text = (), None, None
    return True


def _set_default(config, section: str, option: str, value: str) -> None:
    if not config.has_option(section, option):
        config.set(section, option, value)
