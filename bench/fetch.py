"""The measuring of bench/fetch.sh. usage: fetch.py HEZONG MIB"""
import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

hezong, mib = sys.argv[1], int(sys.argv[2])
ticks = os.sysconf("SC_CLK_TCK")
quiet = {**os.environ, "HEZONG_PROGRESS": "off"}
runs = 3


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / ticks


def peak_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) / 1024


def run(home, *words):
    done = subprocess.run([hezong, "--home", home, "--json", *words], capture_output=True, text=True, env=quiet)
    if done.returncode:
        sys.exit(f"{words}: {done.stderr}")
    return json.loads(done.stdout)


def start(home):
    process = subprocess.Popen([hezong, "--home", home, "up", "--tls", "--sync-ms", "0"], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env={**os.environ, "HEZONG_PROGRESS": "plain"})
    for line in process.stderr:
        if "://" in line:
            return process
    sys.exit("hezong up ended without an address")


def sync_round(home):
    place = json.loads(pathlib.Path(home, "node.json").read_text())["url"].split("://")[1]
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(place, timeout=60, context=context)
    token = pathlib.Path(home, "api_token").read_text().strip()
    connection.request("POST", "/v1/node/sync", body="{}",
                       headers={"Authorization": "Bearer " + token, "Content-Type": "application/json"})
    connection.getresponse().read()


def measured(server_pid, commands):
    """Seconds of wall clock, processor seconds of server and of the commands."""
    server, mine = cpu_of(server_pid), resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    for words in commands:
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=quiet)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, cpu_of(server_pid) - server, after.ru_utime + after.ru_stime - mine.ru_utime - mine.ru_stime


def best(results):
    wall, server, client = min(results)
    return mib * 1.048576 / wall, (server + client) * 1024 / mib, server * 1024 / mib


with tempfile.TemporaryDirectory() as folder:
    homes = [f"{folder}/founder", f"{folder}/hall"]
    model = f"{folder}/model"
    with open(model, "wb") as out:
        for _ in range(mib):
            out.write(os.urandom(1 << 20))
    nodes, peer = [], None
    try:
        for home in homes:
            name = pathlib.Path(home).name
            run(home, "init", "--name", name, "--origin", f"{name}.example/log")
            nodes.append(start(home))
        run(homes[0], "charter", "adopt", "--name", "Two")
        run(homes[0], "member", "invite", "--out", f"{folder}/invite.json")
        run(homes[1], "join", f"{folder}/invite.json")
        run(homes[0], "member", "admit", "hall.example/log")
        released = run(homes[0], "share", "release", model, "--licence", "MIT", "--audience", "members", "--control",
                       "none")["release"]["sha256"]
        for _ in range(3):
            for home in homes:
                sync_round(home)
        ours = []
        for _ in range(runs):
            shutil.rmtree(f"{homes[1]}/blobs")
            ours.append(measured(nodes[0].pid, [[hezong, "--home", homes[1], "share", "fetch", released]]))
        speed, cpu, serving = best(ours)
        print(f"hezong       {speed:7.0f} MB/s  {cpu:5.2f} CPU-s/GiB ({serving:.2f} of it the giving node, "
              f"{peak_mib(nodes[0].pid):.0f} MiB at most)")

        theirs = None
        if shutil.which("curl") and os.access("/usr/sbin/nginx", os.X_OK) and shutil.which("openssl"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-keyout", f"{folder}/key", "-out", f"{folder}/cert", "-subj", "/CN=localhost", "-days",
                            "2"], check=True, stderr=subprocess.DEVNULL)
            with socket.create_server(("127.0.0.1", 0)) as probe:
                port = probe.getsockname()[1]
            os.makedirs(f"{folder}/www")
            os.rename(model, f"{folder}/www/model")
            pathlib.Path(folder, "nginx.conf").write_text(
                f"daemon off; master_process off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
                f"events {{ }} http {{ access_log off; sendfile on; client_body_temp_path {folder}/b; proxy_temp_path "
                f"{folder}/p; fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n"
                f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/cert; ssl_certificate_key "
                f"{folder}/key; root {folder}/www; }} }}\n")
            peer = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", f"{folder}/nginx.conf", "-e",
                                     f"{folder}/error.log"], stderr=subprocess.DEVNULL)
            copy, tries = f"{folder}/copy", 0
            while subprocess.run(["curl", "-sko", "/dev/null", f"https://127.0.0.1:{port}/"]).returncode and tries < 50:
                time.sleep(0.1)
                tries += 1
            theirs = []
            for _ in range(runs):
                pathlib.Path(copy).unlink(missing_ok=True)
                theirs.append(measured(peer.pid, [["curl", "-fsko", copy, f"https://127.0.0.1:{port}/model"],
                                                  ["sha256sum", copy], ["sync", copy]]))
            theirs = best(theirs)
            print(f"curl + nginx {theirs[0]:7.0f} MB/s  {theirs[1]:5.2f} CPU-s/GiB ({theirs[2]:.2f} of it nginx; "
                  "curl, then sha256sum, then sync)")
        else:
            print("curl + nginx SKIPPED: not on this machine (Debian packages curl, nginx-light, openssl)")
        print(json.dumps({"id": "fetch", "value": round(speed), "unit": "MB/s", "cpu_s_per_gib": round(cpu, 2),
                          "peer": theirs and round(theirs[0]), "peer_cpu_s_per_gib": theirs and round(theirs[1], 2),
                          "ratio": theirs and round(speed / theirs[0], 2), "ok": True}))
    finally:
        for process in [*nodes, *([peer] if peer else [])]:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)
