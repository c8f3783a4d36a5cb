"""A SLURM of one node on loopback, brought up and taken down by root, without systemd.

    python tests/cluster/one_node.py -- COMMAND ...    # run a command while it is up

Needs Debian's packages slurm-wlm and munge. It has a partition `cpu` and a partition `gpu`, whose one GPU is
a stand-in (/dev/zero), so that requests for GPUs can be made and granted where there is none.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
SYSTEM_FOLDER = Path("/etc/slurm")
"""Where job steps look for the configuration: Snakemake takes SLURM_CONF out of their environment."""
CONTROLLER_PORT, NODE_PORT = 16817, 16818

CONFIGURATION = """ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmctldPort={controller_port}
SlurmdPort={node_port}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_min_interval=100000,bf_interval=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
JobCompType=jobcomp/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
MinJobAge=600
KillWait=3
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={cpus} \
ThreadsPerCore=1 RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=INFINITE State=UP
PartitionName=gpu Nodes={host} Default=NO MaxTime=INFINITE State=UP
"""


class NoSlurmError(RuntimeError):
    """SLURM cannot be had on this machine; the message says why."""


def check_possible() -> None:
    """Raise NoSlurmError unless a SLURM can be brought up here."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise NoSlurmError(f"no {', '.join(missing)}; install Debian's packages slurm-wlm and munge")
    if os.geteuid() != 0:
        raise NoSlurmError("its daemons need root here")
    if any(os.path.lexists(SYSTEM_FOLDER / name) for name in ("slurm.conf", "gres.conf")):
        raise NoSlurmError(f"{SYSTEM_FOLDER} has a configuration already, which is left alone")


@contextmanager
def one_node_slurm() -> Iterator[Path]:
    """Bring up the daemons, give the folder of their logs, and end them and their jobs.

    Raises:
        NoSlurmError: it cannot be brought up here.
    """
    check_possible()
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        try:
            _start(folder)
            yield folder
        finally:
            _stop(folder)


def _start(folder: Path) -> None:
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir(mode=0o700 if name == "munge" else 0o755)
    key = folder / "munge" / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    files = {"key-file": key, "socket": folder / "munge.socket", "pid-file": folder / "munged.pid"}
    files |= {"log-file": folder / "munged.log", "seed-file": folder / "munge" / "seed"}
    _run("munged", "--force", *(f"--{option}={path}" for option, path in files.items()))
    _wait_until("munge", lambda: (folder / "munge.socket").exists())
    _configure(folder)
    _run("slurmctld", "-f", folder / "slurm.conf")
    _wait_until("slurmctld", lambda: "UP" in _said("scontrol", "ping"))
    _run("slurmd", "-f", folder / "slurm.conf", "-N", _host())
    _wait_until("the node", lambda: _said("sinfo", "-h", "-N", "-p", "cpu", "-o", "%T").strip() == "idle")
    _run("srun", "--partition=cpu", "--time=1", "true")  # not every machine lets its daemon start jobs


def _configure(folder: Path) -> None:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 9 // 10 // 2**20
    values = {"host": _host(), "cpus": os.cpu_count(), "memory": memory, "folder": folder}
    ports = {"controller_port": CONTROLLER_PORT, "node_port": NODE_PORT}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**values, **ports))
    (folder / "gres.conf").write_text(f"NodeName={_host()} Name=gpu File=/dev/zero\n")
    SYSTEM_FOLDER.mkdir(exist_ok=True)
    for name in ("slurm.conf", "gres.conf"):
        (SYSTEM_FOLDER / name).symlink_to(folder / name)


def _stop(folder: Path) -> None:
    """End jobs and daemons, these by their ids, and take the links away."""
    if (folder / "slurmctld.pid").exists():
        for job in _said("squeue", "-h", "-o", "%A").split():
            _said("scancel", job)
        with suppress(NoSlurmError):
            _wait_until("jobs to end", lambda: not _said("squeue", "-h", "-t", "R,CG", "-o", "%A").strip())
    for daemon in ("slurmd", "slurmctld", "munged"):
        _end(folder / f"{daemon}.pid")
    for name in ("slurm.conf", "gres.conf"):
        link = SYSTEM_FOLDER / name
        if link.is_symlink() and link.readlink() == folder / name:
            link.unlink()


def _end(pid_file: Path) -> None:
    if not pid_file.exists():
        return
    process = int(pid_file.read_text())
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM)
        with suppress(NoSlurmError):
            _wait_until("a daemon to end", lambda: not Path(f"/proc/{process}").exists())
        os.kill(process, signal.SIGKILL)


def _host() -> str:
    return socket.gethostname().split(".")[0]


def _run(*command: object) -> None:
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        raise NoSlurmError(f"{command[0]} has not come to an end after a minute") from None
    if done.returncode:
        raise NoSlurmError(f"{command[0]} does not start: {done.stderr.strip() or done.stdout.strip()}")


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


def _wait_until(what: str, happened: Callable[[], bool], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise NoSlurmError(f"waited {seconds:.0f} seconds for {what}, in vain")
        time.sleep(0.05)


if __name__ == "__main__":
    with one_node_slurm():
        sys.exit(subprocess.run(sys.argv[sys.argv.index("--") + 1 :]).returncode)
