"""An Open Job Description template: one task for every missing element."""

import yaml

from pipeline.job_files.farm_job import SECONDS_TO_LEAVE, FarmJob, as_ranges

LONGEST_NAME = 64


def openjd_template(job: FarmJob) -> str:
    """The template as YAML, of specification 2023-09; every value is fixed, so that a job needs no parameters."""
    program, *arguments = (_literal(word) for word in job.command)
    step: dict[str, object] = {
        "name": "render",
        "parameterSpace": {
            "taskParameterDefinitions": [{"name": "Element", "type": "INT", "range": as_ranges(job.elements)}]
        },
        "script": {
            "actions": {
                "onRun": {
                    "command": program,
                    "args": [*arguments, "--element", "{{Task.Param.Element}}"],
                    "cancelation": {
                        "mode": "NOTIFY_THEN_TERMINATE",
                        "notifyPeriodInSeconds": SECONDS_TO_LEAVE,
                    },
                }
            }
        },
    }
    if job.device == "gpu":
        step["hostRequirements"] = {"amounts": [{"name": "amount.worker.gpu", "min": 1}]}
    document = {"specificationVersion": "jobtemplate-2023-09", "name": job.name[:LONGEST_NAME], "steps": [step]}
    return f"# {job.title}\n" + yaml.safe_dump(document, sort_keys=False, width=1000)


def _literal(word: str) -> str:
    """A word in which `{{` would be taken for an expression cannot be written in a template."""
    if "{{" in word or "}}" in word:
        raise ValueError(f"{word!r} holds double braces, which a template would read as an expression; rename it")
    return word
