"""A Flamenco job, and the job type that Flamenco's Manager compiles it with: one task for every missing element."""

import json

from pipeline.job_files.farm_job import FarmJob, as_ranges

# The Manager knows a job type by the name of its script.
JOB_TYPE = "headroom-shards"
SCRIPT = f"""// Job type "{JOB_TYPE}": one task for every element of a plan of Headroom.
// Put this file as {JOB_TYPE}.js into the folder "scripts" beside flamenco-manager, and restart the Manager.
const JOB_TYPE = {{
    label: "Headroom shards",
    settings: [
        {{ key: "command", type: "string", required: true,
           description: "program and arguments that render an element, as a JSON list" }},
        {{ key: "elements", type: "string", required: true, description: "which elements: 0-3,7" }},
    ],
}};

function numbers(ranges) {{
    const found = [];
    for (const part of ranges.split(",")) {{
        const ends = part.split("-").map(Number);
        for (let number = ends[0]; number <= ends[ends.length - 1]; number++) {{
            found.push(number);
        }}
    }}
    return found;
}}

function compileJob(job) {{
    const command = JSON.parse(job.settings.command);
    for (const element of numbers(job.settings.elements)) {{
        const task = author.Task("element-" + element, "misc");
        task.addCommand(author.Command("exec", {{
            exe: command[0],
            args: command.slice(1).concat(["--element", String(element)]),
        }}));
        job.addTask(task);
    }}
}}
"""


def flamenco_job(job: FarmJob) -> str:
    """The job as JSON, the body of a POST to the Manager's /api/v3/jobs."""
    document = {
        "name": job.name,
        "type": JOB_TYPE,
        "priority": 50,
        "submitter_platform": "linux",
        "settings": {"command": json.dumps(job.command), "elements": as_ranges(job.elements)},
        "metadata": {"project": "headroom", "plan": job.title},
    }
    return json.dumps(document, indent=1) + "\n"
