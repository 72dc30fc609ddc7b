"""The engine `none`: another farm runs the commands; this one looks at what is published, and says what is left."""

import shlex

from pipeline.engines.work import Engine, Work
from pipeline.errors import PipelineError
from pipeline.store import write_atomically

COMMANDS_FILE = "commands.txt"
# So many commands are shown in the message as well; with more, the file alone has them.
COMMANDS_SHOWN = 5


def elsewhere_engine() -> Engine:
    """An engine that starts nothing. It returns when every element is published, and else fails with the commands."""
    return _do_work


def _do_work(work: Work) -> None:
    """Raises: PipelineError with the commands that are left, one for each element; a file has them, a line each."""
    missing = [element for element in work.elements if not element.published()]
    path = work.folder / COMMANDS_FILE
    if not missing:
        path.unlink(missing_ok=True)
        return
    commands = [shlex.join([*work.command, "--element", str(element.number)]) for element in missing]
    write_atomically(path, "".join(f"{command}\n" for command in commands))
    shown = "\n".join(f"  {command}" for command in commands[:COMMANDS_SHOWN])
    more = f"\n  … and {len(commands) - COMMANDS_SHOWN} more" if len(commands) > COMMANDS_SHOWN else ""
    raise PipelineError(
        f"{work.label}: {len(missing)} of {len(work.elements)} elements are not published, and --engine none starts "
        f"nothing itself. Run these commands on any host that sees the store, in any order, then run this again:\n"
        f"{shown}{more}\nall of them: {path}"
    )
