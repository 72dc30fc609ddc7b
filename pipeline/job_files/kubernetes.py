"""A Kubernetes Job: one pod for every missing element, by its index."""

import shlex
from dataclasses import dataclass

import yaml

from pipeline.job_files.farm_job import SECONDS_TO_LEAVE, FarmJob

# How often a pod of an element may fail; evicted pods and those that were asked to leave (75) do not count.
RETRIES = 2
STOPPED_ON_REQUEST = 75
# JOB_COMPLETION_INDEX is the variable that Kubernetes sets in every pod of an indexed Job.
INDEX = "$JOB_COMPLETION_INDEX"


@dataclass(frozen=True)
class PodSettings:
    """What a pod needs: an image with Headroom in it, the claim of the volume that holds the store, cores, memory, and
    pods at once."""

    image: str
    claim: str
    cores: int = 2
    memory: str = "6Gi"
    parallelism: int = 10


def kubernetes_job(job: FarmJob, settings: PodSettings) -> str:
    """The Job as YAML. Needs Kubernetes 1.29 or later, which counts failures by index."""
    limits: dict[str, object] = {"cpu": str(settings.cores), "memory": settings.memory}
    if job.device == "gpu":
        limits["nvidia.com/gpu"] = 1
    container = {
        "name": "render",
        "image": settings.image,
        "command": ["bash", "-c", pod_script(job)],
        "resources": {"requests": dict(limits), "limits": limits},
        "volumeMounts": [{"name": "store", "mountPath": str(job.store)}],
    }
    ignored = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": "Ignore", "onExitCodes": {"operator": "In", "values": [STOPPED_ON_REQUEST]}},
    ]
    pod = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": SECONDS_TO_LEAVE,
        "containers": [container],
        "volumes": [{"name": "store", "persistentVolumeClaim": {"claimName": settings.claim}}],
    }
    document = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": job.name, "labels": {"app": "headroom"}},
        "spec": {
            "completionMode": "Indexed",
            "completions": len(job.elements),
            "parallelism": min(settings.parallelism, len(job.elements)),
            "backoffLimitPerIndex": RETRIES,
            "podFailurePolicy": {"rules": ignored},
            "template": {"metadata": {"labels": {"app": "headroom"}}, "spec": pod},
        },
    }
    return f"# {job.title}\n# kubectl apply -f THIS_FILE\n" + yaml.safe_dump(document, sort_keys=False, width=120)


def pod_script(job: FarmJob) -> str:
    """What a pod runs: `exec`, so that the renderer itself is asked to leave. Index i is the i-th missing element."""
    if job.elements == tuple(range(len(job.elements))):
        return f"exec {shlex.join(job.command)} --element {INDEX}"
    listed = " ".join(map(str, job.elements))
    return f'elements=({listed}); exec {shlex.join(job.command)} --element "${{elements[{INDEX}]}}"'
