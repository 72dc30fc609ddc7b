"""A real Slurm of two virtual nodes on this machine: `python slurm_cluster.py COMMAND …` runs a command with it.

Its own munge key, state and ports; all of it lies in a temporary folder, and all of it ends with this process.
"""

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

NODES = ("one", "two")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "sinfo", "scontrol", "scancel")
# Debian puts the daemons where only root looks.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
CONFIGURATION = """
ClusterName=headroom
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1
SlurmdTimeout=4
KillWait=2
MessageTimeout=3
ReturnToService=2
MaxArraySize={max_array_size}
NodeName={nodes[0]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs={cpus} RealMemory=1000
NodeName={nodes[1]} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs={cpus} RealMemory=1000
PartitionName=all Nodes={nodes[0]},{nodes[1]} Default=YES MaxTime=INFINITE State=UP
"""


def missing_programs() -> list[str]:
    """Programs of Slurm and munge that this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name, path=SEARCH_PATH) is None]


@dataclass
class Cluster:
    """Daemons by name (`controller`, and the nodes), which can be killed and started again."""

    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need to find this cluster."""
        return {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": SEARCH_PATH}

    def start(self, name: str) -> None:
        """Start a daemon."""
        configuration = ["-f", str(self.folder / "slurm.conf")]
        command = ["slurmctld", "-D"] if name == "controller" else ["slurmd", "-D", "-N", name]
        with (self.folder / f"{name}.out").open("ab") as output:
            self.daemons[name] = subprocess.Popen(
                [*command, *configuration], env=self.environment, stdout=output, stderr=output, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """SIGKILL to a daemon. A node dies with everything that runs on it."""
        if name != "controller":
            for pid in self.processes_of(name):
                _kill(pid)
        _kill(self.daemons[name].pid)
        self.daemons[name].wait()
        if name != "controller":  # what the daemon started between the look and its end
            for pid in self.processes_of(name):
                _kill(pid)

    def processes_of(self, node: str) -> list[int]:
        """Every process that runs for a job on a node, the steps' keepers (slurmstepd) first."""
        mine = [pid for pid, text in _environments() if f"SLURM_CONF={self.folder}/slurm.conf" in text]
        jobs = [pid for pid in mine if f"SLURMD_NODENAME={node}" in _environment(pid)]
        keepers = {int(_status(pid, "PPid") or 0) for pid in jobs} - {1, os.getpid(), *jobs}
        keepers = {pid for pid in keepers if (_status(pid, "Name") or "").startswith("slurmstepd")}
        return [*keepers, *jobs]

    def ask(self, *command: str) -> str:
        """What one of Slurm's commands prints; empty when it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout if done.returncode == 0 else ""

    def _node_states(self) -> dict[str, str]:
        """The state of each node as Slurm abbreviates it."""
        words = self.ask("sinfo", "--noheader", "--Node", "--format", "%N %t").split()
        return dict(zip(words[::2], words[1::2], strict=True))

    def wait_until_idle(self, *, seconds: float = 60.0) -> None:
        """Wait until both nodes take work, and put back to work what Slurm has taken out: a node that was killed with a
        job on it can come back with that job twice, which Slurm answers by draining it."""
        deadline_s = time.monotonic() + seconds
        while (states := self._node_states()) != {"one": "idle", "two": "idle"}:
            for name, state in states.items():
                if state.startswith(("drain", "down")):
                    self.ask("scontrol", "update", f"NodeName={name}", "State=RESUME")
            if time.monotonic() > deadline_s:
                logs = {path.name: path.read_text()[-2000:] for path in self.folder.glob("*.out")}
                raise RuntimeError(f"the test cluster did not come up in {seconds} s: {logs}")
            time.sleep(0.2)


@contextlib.contextmanager
def slurm_cluster(*, max_array_size: int = 1001, cpus: int = 1) -> Iterator[Cluster]:
    """A cluster that runs; it is gone afterwards, whatever happened."""
    # Sockets have short names: no deep folder of pytest's.
    folder = Path(tempfile.mkdtemp(prefix="headroom-slurm-"))
    cluster = Cluster(folder)
    try:
        for name in ("munge", "state", *(f"spool-{node}" for node in NODES)):
            (folder / name).mkdir(mode=0o755)
        folder.chmod(0o755)
        text = CONFIGURATION.format(
            folder=folder,
            host=socket.gethostname(),
            ports=free_ports(3),
            user=getpass.getuser(),
            nodes=NODES,
            cpus=cpus,
            max_array_size=max_array_size,
        )
        (folder / "slurm.conf").write_text(text)
        cluster.daemons["munge"] = _start_munge(folder)
        for name in ("controller", *NODES):
            cluster.start(name)
        cluster.wait_until_idle()
        yield cluster
    finally:
        for name in NODES:
            for pid in cluster.processes_of(name):
                _kill(pid)
        for daemon in cluster.daemons.values():
            _kill_group(daemon.pid)
            daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _start_munge(folder: Path) -> subprocess.Popen[bytes]:
    """A munged with a key of its own. `--force`, because it dislikes root and folders that others may read."""
    place = folder / "munge"
    key = place / "key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    names = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
    options = [f"--{option}={place / name}" for option, name in names.items()]
    with (folder / "munged.out").open("ab") as output:
        munged = subprocess.Popen(
            [shutil.which("munged", path=SEARCH_PATH) or "munged", "--force", "--foreground", *options],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline_s = time.monotonic() + 20
    while not (place / "socket").exists():
        if munged.poll() is not None or time.monotonic() > deadline_s:
            raise RuntimeError(f"munged did not start: {(folder / 'munged.out').read_text()}")
        time.sleep(0.05)
    return munged


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _environments() -> Iterator[tuple[int, str]]:
    for path in Path("/proc").glob("[0-9]*"):
        yield int(path.name), _environment(int(path.name))


def _environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().replace(b"\0", b"\n").decode(errors="replace")
    except OSError:
        return ""


def _status(pid: int, field_name: str) -> str | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{field_name}:")), None)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    if missing_programs():
        sys.exit(f"missing: {', '.join(missing_programs())}; on Debian: apt-get install slurm-wlm munge")
    with slurm_cluster(cpus=len(os.sched_getaffinity(0))) as running:
        sys.exit(subprocess.run(sys.argv[1:] or ["bash"], env=running.environment, check=False).returncode)
