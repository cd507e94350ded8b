#!/usr/bin/env python3
"""One Slurm cluster of its own on loopback: munged, slurmctld, slurmd per node, slurmrestd with JWT, counted devices.

  slurm_cluster.py FOLDER NAME NODES [SCHEDULER_PARAMETERS]      root only; prints {"port", "key", "conf", ...} when it is up, then obeys lines on stdin:
      restart        ends the controller and starts it again       drain / resume   every node
      (end of file)  ends everything
Exit 77: Slurm is not installed, or this is not root. FOLDER must exist below folders that only root writes.
"""
import ctypes
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time

folder, name, nodes = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], int(sys.argv[3])
scheduler = sys.argv[4] if len(sys.argv) > 4 else "sched_interval=1,sched_min_interval=200000,batch_sched_delay=1"
os.environ["PATH"] += ":/usr/sbin:/sbin"
for program in ("munged", "slurmctld", "slurmd", "slurmrestd", "scontrol"):
    if not shutil.which(program):
        print(f"SKIPPED: {program} is not installed (apt install slurm-wlm slurmrestd slurm-wlm-jwt-plugin munge)", file=sys.stderr)
        sys.exit(77)
if os.geteuid() != 0:
    print("SKIPPED: a Slurm cluster of one's own needs root", file=sys.stderr)
    sys.exit(77)


def account(*names):
    for n in names:
        try:
            return pwd.getpwnam(n)
        except KeyError:
            pass
    sys.exit(77)


slurm, rest = account("slurm"), account("daemon")
running = {}
libc = ctypes.CDLL(None)


def ports(count):
    held = [socket.socket() for _ in range(count)]
    for s in held:
        s.bind(("127.0.0.1", 0))
    out = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return out


def consecutive(count):
    while True:
        first = ports(1)[0]
        try:
            held = [socket.socket() for _ in range(count)]
            for i, s in enumerate(held):
                s.bind(("127.0.0.1", first + i))
            return first
        except OSError:
            continue
        finally:
            for s in held:
                s.close()


def start(what, argv, user=None, env=None):
    def become():
        os.setsid()
        if user:
            os.setgroups([])
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nothing outlives a script that is killed

    log = open(folder / "log" / f"{what}.out", "ab")
    running[what] = subprocess.Popen(argv, preexec_fn=become, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")


def stop(what, how=signal.SIGTERM):
    p = running.pop(what, None)
    if not p:
        return
    p.send_signal(how)
    try:
        p.wait(5)
    except subprocess.TimeoutExpired:
        p.kill()
        p.wait()


def scontrol(*args):
    return subprocess.run(["scontrol", *args], env={**os.environ, "SLURM_CONF": str(conf)}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)


host = socket.gethostname().split(".")[0]
ctl, api = ports(2)
first = consecutive(nodes)
for d in ("munge", "state", "spool", "run", "log"):
    (folder / d).mkdir(mode=0o755)
os.chmod(folder, 0o755)
for d in ("state", "run", "log"):
    os.chown(folder / d, slurm.pw_uid, slurm.pw_gid)
(folder / "munge" / "key").write_bytes(os.urandom(64))
os.chmod(folder / "munge" / "key", 0o400)
key = folder / "state" / "jwt.key"
key.write_bytes(os.urandom(32))
os.chmod(key, 0o600)
os.chown(key, slurm.pw_uid, slurm.pw_gid)
conf = folder / "slurm.conf"
conf.write_text(f"""
ClusterName={name}
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ctl}
SlurmUser=slurm
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={key}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MailProg={shutil.which("true")}
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=dcu
MaxJobCount=50000
SchedulerParameters={scheduler}
KillWait=5
NodeName={name}[1-{nodes}] NodeHostname={host} NodeAddr=127.0.0.1 Port=[{first}-{first + nodes - 1}] CPUs=16 RealMemory=20000 Gres=dcu:k100:8
PartitionName=main Nodes={name}[1-{nodes}] Default=YES MaxTime=2880 State=UP
""")


def start_controller():
    start("slurmctld", ["slurmctld", "-D", "-f", str(conf)], slurm)


try:
    start("munged", ["munged", "--foreground", "--force", f"--socket={folder}/munge/socket", f"--key-file={folder}/munge/key", f"--pid-file={folder}/munge/pid", f"--log-file={folder}/munge/log", f"--seed-file={folder}/munge/seed", "--num-threads=2"])
    until = time.time() + 30
    while not (folder / "munge" / "socket").exists():
        if time.time() > until:
            raise RuntimeError("munged did not start")
        time.sleep(0.02)
    start_controller()
    for i in range(1, nodes + 1):
        (folder / "spool" / f"{name}{i}").mkdir()
        start(f"slurmd{i}", ["slurmd", "-D", "-N", f"{name}{i}", "-f", str(conf)])
    start("slurmrestd", ["slurmrestd", "-a", "rest_auth/jwt", "-s", "openapi/v0.0.38", "-f", str(conf), f"127.0.0.1:{api}"], rest, {"SLURM_JWT": "daemon", "SLURM_CONF": str(conf)})
    while True:
        said = scontrol("show", "nodes", "-o").stdout
        if said.count("State=IDLE") == nodes:
            try:
                socket.create_connection(("127.0.0.1", api), 1).close()
                break
            except OSError:
                pass
        if time.time() > until:
            raise RuntimeError("the cluster did not come up: " + said)
        time.sleep(0.05)
    print(json.dumps({"port": api, "key": str(key), "conf": str(conf), "controller": ctl}), flush=True)
    for line in sys.stdin:
        word = line.split()
        if word[0] == "restart":
            stop("slurmctld")
            start_controller()
        elif word[0] == "drain":
            for i in range(1, nodes + 1):
                scontrol("update", f"NodeName={name}{i}", "State=DRAIN", "Reason=test")
        elif word[0] == "resume":
            for i in range(1, nodes + 1):
                scontrol("update", f"NodeName={name}{i}", "State=RESUME")
        print(json.dumps({"done": word[0]}), flush=True)
except Exception as e:  # noqa: BLE001
    print(f"slurm_cluster: {e}", file=sys.stderr)
    for log in sorted((folder / "log").glob("*")):
        print(f"--- {log.name}\n" + log.read_text(errors="replace")[-1500:], file=sys.stderr)
    sys.exit(1)
finally:
    for what in list(reversed(list(running))):
        stop(what)
