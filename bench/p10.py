"""The measuring of bench/p10.sh. usage: p10.py HEZONG SECONDS ROUNDS PARTS PORTKEY_FOLDER"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

hezong, seconds, rounds, portkey = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[5]
parts = {"requests", "chat", "delays"} if sys.argv[4] == "all" else set(sys.argv[4].split(","))
answer = json.dumps({"model_name": "m", "outputs": [{"name": "logits", "datatype": "FP32", "shape": [1, 48],
                                                     "data": [0.125] * 48}]})
request = json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 120], "data": [0.25] * 120}]})


chat_answer = json.dumps({"id": "c", "object": "chat.completion", "created": 0, "model": "chat", "choices": [
    {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x" * 240}}],
    "usage": {"prompt_tokens": 220, "completion_tokens": 60, "total_tokens": 280}})
chat_request = json.dumps({"model": "chat", "messages": [{"role": "user", "content": "y" * 800}]})


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def cpu_us(pid):
    """Processor time of all its threads, also those that have ended (clock_getcpuclockid of another process)."""
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e3


def memory_mib(pid, field):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith(field))) / 1024


def wait_for(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


# Where the processes run: the gateway's processors, and those of client and upstreams. None: wherever the kernel puts
# them, and in line with every other process.
all_processors = os.sched_getaffinity(0)
first, last = min(all_processors), max(all_processors)
ways = {"one processor": ({first}, {first}), "apart": ({last}, {first}), "anywhere": None}


def put(thread, processors, in_front):
    """Ties a thread to processors (None: to none), in front of everything else on them where that is allowed."""
    os.sched_setaffinity(thread, processors or all_processors)
    in_front = bool(processors) and in_front
    try:
        os.sched_setscheduler(thread, os.SCHED_FIFO if in_front else os.SCHED_OTHER, os.sched_param(1 if in_front else 0))
    except PermissionError:
        pass


def put_all(pids, processors, in_front):
    for pid in pids:
        for thread in os.listdir(f"/proc/{pid}/task"):
            put(int(thread), processors, in_front)


def shown(values, digits=0):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


class Events(threading.Thread):
    """A server that streams events, each with the time it was sent."""
    count, pause = 400, 0.004

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with client:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
                for _ in range(self.count):
                    time.sleep(self.pause)
                    event = b'data: {"t":%d}\n\n' % time.monotonic_ns()
                    client.sendall(b"%x\r\n%s\r\n" % (len(event), event))
                client.sendall(b"0\r\n\r\n")


def event_delays_us(port, secret):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/v1/chat/completions", body='{"model":"events","stream":true}',
                       headers={"authorization": "Bearer " + secret, "content-type": "application/json"})
    got = connection.getresponse()
    if got.status != 200:
        sys.exit(f"events: {got.status} {got.read()}")
    out = []
    while line := got.readline():
        if line.startswith(b"data:"):
            out.append((time.monotonic_ns() - int(re.search(rb"\d+", line)[0])) / 1e3)
    return sorted(out)


def load(port, connections, script, path="/v2/models/bench/infer", last_s=seconds, placed=None, in_front=False):
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{last_s}s", "--timeout", "30s", "--latency", "-s", script,
                           f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True,
                          preexec_fn=lambda: put(0, placed, in_front))
    text = done.stdout
    if "Non-2xx" in text or "Socket errors" in text or "requests in" not in text:
        sys.exit(text)

    def us(name):
        number, unit = re.search(name + r"%\s+([\d.]+)(us|ms|s)", text).groups()
        return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]

    return int(re.search(r"(\d+) requests in", text)[1]) / last_s, us("50"), us("99")


with tempfile.TemporaryDirectory() as folder:
    home = f"{folder}/home"
    quiet = {**os.environ, "HEZONG_PROGRESS": "off"}

    def say(*words):
        done = subprocess.run([hezong, "--home", home, "--json", *words], capture_output=True, text=True, env=quiet)
        if done.returncode:
            sys.exit(f"{words}: {done.stderr}")
        return json.loads(done.stdout)

    def serving(claim, product, port):
        os.makedirs(f"{home}/serving", exist_ok=True)
        path = pathlib.Path(home, "serving", f"{claim}.part")
        path.write_text(json.dumps({"claim": claim, "product": product, "site": "site:bench", "backend": "backend:nginx",
                                    "address": "127.0.0.1", "port": port, "model": "m", "sha256": "", "evidence": ""}))
        path.rename(path.with_suffix(".json"))

    def nginx(name, port, inside, before=""):
        own = f"{folder}/{name}"
        os.makedirs(own)
        pathlib.Path(own, "conf").write_text(
            f"daemon off; master_process off; worker_processes 1; pid {own}/pid; error_log {own}/error.log;\n"
            "events { worker_connections 2048; }\n"
            f"http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {own}/b; proxy_temp_path "
            f"{own}/p; fastcgi_temp_path {own}/f; uwsgi_temp_path {own}/u; scgi_temp_path {own}/s; {before}\n"
            f"server {{ listen 127.0.0.1:{port}; {inside} }} }}\n")
        process = subprocess.Popen(["/usr/sbin/nginx", "-p", own, "-c", f"{own}/conf", "-e", f"{own}/error.log"],
                                   stderr=subprocess.DEVNULL)
        processes.append(process)
        wait_for(port)
        return process

    processes = []
    try:
        up_port, ng_port, ha_port, ng_events, ha_events = (free_port() for _ in range(5))
        events = Events()
        nginx("upstream", up_port, f"location / {{ default_type application/json; return 200 '{answer}'; }} "
              f"location /v1/ {{ default_type application/json; return 200 '{chat_answer}'; }}")
        passing = "location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection \"\"; %s }"
        proxies = {"nginx": (ng_port, nginx(
            "proxy", ng_port, passing % "",
            f"upstream up {{ server 127.0.0.1:{up_port}; keepalive 64; keepalive_requests 1000000000; }}").pid)}
        apart = nginx("events", ng_events, passing % "proxy_buffering off;", f"upstream up {{ server 127.0.0.1:{events.port}; }}")
        streams = {"direct": events.port, "nginx": ng_events}
        if shutil.which("haproxy"):
            conf = pathlib.Path(folder, "haproxy.conf")
            conf.write_text(f"global\n nbthread 1\n maxconn 2048\ndefaults\n mode http\n timeout connect 5s\n timeout client 60s\n"
                            f" timeout server 60s\n http-reuse always\nlisten p\n bind 127.0.0.1:{ha_port}\n"
                            f" server s 127.0.0.1:{up_port}\nlisten e\n bind 127.0.0.1:{ha_events}\n option http-no-delay\n"
                            f" server s 127.0.0.1:{events.port}\n")
            process = subprocess.Popen(["haproxy", "-f", str(conf), "-db"], stderr=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL)
            processes.append(process)
            wait_for(ha_port)
            proxies["haproxy"] = (ha_port, process.pid)
            streams["haproxy"] = ha_events
        else:
            print("haproxy SKIPPED: not on this machine")

        say("init", "--name", "bench", "--origin", "bench.example/log")
        for product, claim in (("product:bench", "c1"), ("product:events", "c2"), ("product:chat", "c3")):
            say("pool", "route", "set", product, "--target", f"{claim},site:bench,backend:nginx")
        secret = say("pool", "key", "add", "bench", "--product", "product:bench", "--product", "product:events",
                     "--product", "product:chat", "--requests-per-minute", "1000000000", "--units-per-minute", "1000000000")["secret"]
        serving("c1", "product:bench", up_port)
        serving("c2", "product:events", events.port)
        serving("c3", "product:chat", up_port)
        node = subprocess.Popen([hezong, "--home", home, "up", "--sync-ms", "0"], stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True, env={**os.environ, "HEZONG_PROGRESS": "plain"})
        processes.append(node)
        port = int(re.search(r"http://[\d.]+:(\d+)", next(line for line in node.stderr if "://" in line))[1])
        proxies["hezong"] = (port, node.pid)
        streams["hezong"] = port

        script = f"{folder}/post.lua"
        pathlib.Path(script).write_text(
            'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
            f'wrk.headers["authorization"] = "Bearer {secret}"\nwrk.body = [[{request}]]\n')
        costs = {}

        def place(way, in_front=False):
            gateways, others = ways[way] or (None, None)
            put_all([os.getpid()] + [p.pid for p in processes], others, in_front)
            put_all([pid for _, pid in proxies.values()] + [apart.pid], gateways, in_front)
            return others

        # Processor time a request. What it is depends on more than the path: over loopback the kernel does the
        # receiver's work in the sender's time, waking a process on another processor costs the waker, and a gateway
        # that is waited for more often than it waits takes more requests at a time. So each gateway is measured under
        # each of three conditions, one after the other in each round, there and back, and compared within the round.
        ratios = {}
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; {rounds} rounds of {seconds} s; "
              "medians and ranges")
        if "requests" in parts:
            print("32 connections            requests/s   CPU us a request   nginx's / its own        p50 us     p99 us")
        for way in ways if "requests" in parts else ():
            others = place(way)
            many = {name: [] for name in proxies}
            for round_ in range(rounds):
                for name in list(proxies)[::1 if round_ % 2 == 0 else -1]:
                    at, pid = proxies[name]
                    before = cpu_us(pid)
                    rate, p50, p99 = load(at, 32, script, placed=others)
                    many[name].append((rate, (cpu_us(pid) - before) / (rate * seconds), p50, p99))
            for name, rows in many.items():
                rate, cost, p50, p99 = (list(column) for column in zip(*rows))
                ratio = [peer[1] / own for peer, own in zip(many["nginx"], cost)]
                print(f"{way:<15}{name:<10}{statistics.median(rate):>10.0f}{shown(cost, 1):>20}{shown(ratio, 2):>19}"
                      f"{statistics.median(p50):>14.0f}{statistics.median(p99):>11.0f}")
                if name == "hezong":
                    ratios[way] = ratio
                    costs[way] = statistics.median(cost), statistics.median(row[1] for row in many["nginx"])
        # Chat, which is what Portkey's gateway speaks.
        chats = dict(proxies) if "chat" in parts else {}
        place("anywhere")
        if chats and os.path.isdir(portkey):
            pk_port = free_port()
            process = subprocess.Popen(["node", f"{portkey}/build/start-server.js", "--headless", f"--port={pk_port}"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            processes.append(process)
            wait_for(pk_port)
            chats["portkey"] = (pk_port, process.pid)
        elif chats:
            print("portkey SKIPPED: npm could not fetch it")
        chat_script = f"{folder}/chat.lua"
        pathlib.Path(chat_script).write_text(
            'wrk.method = "POST"\nwrk.headers["content-type"] = "application/json"\n'
            f'wrk.headers["authorization"] = "Bearer {secret}"\nwrk.headers["x-portkey-provider"] = "openai"\n'
            f'wrk.headers["x-portkey-custom-host"] = "http://127.0.0.1:{up_port}/v1"\nwrk.body = [[{chat_request}]]\n')
        if chats:
            print("chat        32 connections             1 connection")
        chat_cost = {}
        for name, (at, pid) in chats.items():
            load(at, 32, chat_script, "/v1/chat/completions")  # a just-in-time compiler gets its turn
            before = cpu_us(pid)
            rate, _, _ = load(at, 32, chat_script, "/v1/chat/completions")
            chat_cost[name] = (cpu_us(pid) - before) / (rate * seconds)
            _, alone, _ = load(at, 1, chat_script, "/v1/chat/completions")
            print(f"{name:<10}{rate:>10.0f}{chat_cost[name]:>13.1f}{alone:>20.0f}{memory_mib(pid, 'VmHWM'):>12.0f} MiB")
        # Delays, under the same conditions. Left to itself the kernel runs a chain of processes now on one processor
        # (nginx: 55 us) and in the next second on two, one of which has to be woken for each step (nginx: 130 us), and
        # medians of a few runs compare luck. On one processor a request costs each gateway what its path costs, with
        # what it still does after the answer: the goals are held against that. Apart, the machine's wake-ups are most
        # of it.
        delays, event_delays, ratios_1 = {}, {}, {}
        if "delays" in parts:
            print(f"delay, us, median of 3 and the whole range     1 connection: p50, p99          streamed event: p50, p99")
        for way in ways if "delays" in parts else ():
            others = place(way, in_front=True)
            alone, streamed = {}, {}
            for _ in range(3):
                for name in streams:
                    at = proxies[name][0] if name in proxies else up_port
                    pid = proxies[name][1] if name in proxies else processes[0].pid
                    before = cpu_us(pid)
                    rate, p50, p99 = load(at, 1, script, last_s=1, placed=others, in_front=True)
                    alone.setdefault(name, []).append((p50, p99, (cpu_us(pid) - before) / rate))
                    got = event_delays_us(streams[name], secret)
                    streamed.setdefault(name, []).append((statistics.median(got), got[len(got) * 99 // 100]))

            def middle(rows, column):
                return statistics.median(row[column] for row in rows)

            for name in streams:
                print(f"{way:<15}{name:<10}{shown([row[0] for row in alone[name]]):>18}{shown([row[1] for row in alone[name]]):>22}"
                      f"{shown([row[0] for row in streamed[name]]):>18}{shown([row[1] for row in streamed[name]]):>26}")
            delays[way] = {name: (middle(rows, 0), middle(rows, 1)) for name, rows in alone.items()}
            costs_1 = {name: [row[2] for row in rows] for name, rows in alone.items()}
            ratios_1[way] = [peer / own for peer, own in zip(costs_1["nginx"], costs_1["hezong"])]
            print(f"{way:<15}CPU us a request, 1 connection: "
                  + ", ".join(f"{name} {shown(us, 1)}" for name, us in costs_1.items() if name != "direct"))
            event_delays[way] = {name: middle(rows, 0) for name, rows in streamed.items()}
        resident, most = memory_mib(node.pid, "VmRSS"), memory_mib(node.pid, "VmHWM")
        print(f"memory of the node: {resident:.0f} MiB, {most:.0f} MiB at most")
        usage = say("pool", "meter", "show")["usage"]
        whole = sum(u["whole"] for u in usage)
        print(f"metered: {whole} whole of {sum(u['requests'] for u in usage)}")
        at = "one processor"
        out = {"id": "p10", "memory_mib": round(most),
               **{f"chat_{name}_per_processor_s": round(1e6 / us) for name, us in chat_cost.items()}}
        good = most <= 30
        if ratios:
            worst = min(ratios, key=lambda way: statistics.median(ratios[way]))
            ratio = statistics.median(ratios[worst])
            own, peer = costs[worst]
            good &= ratio >= 0.8
            out |= {"value": round(1e6 / own), "unit": "requests per processor second", "goal": 0.8,
                    "peer": f"nginx {1e6 / peer:.0f}", "ratio": round(ratio, 2), "worst_condition": worst,
                    "ratios": {way: shown(each, 2) for way, each in ratios.items()}}
        if delays:
            added = {way: delays[way]["hezong"][0] - delays[way]["nginx"][0] for way in ways}
            slow = {way: delays[way]["hezong"][1] / delays[way]["nginx"][1] for way in ways}
            sse = {way: event_delays[way]["hezong"] - event_delays[way]["direct"] for way in ways}
            sse_nginx = {way: event_delays[way]["nginx"] - event_delays[way]["direct"] for way in ways}
            good &= added[at] <= 15 and slow[at] <= 1.5 and sse[at] <= 60
            out |= {"ratios_1_connection": {way: shown(each, 2) for way, each in ratios_1.items()},
                    "delays_held_against": at, "added_p50_us": {way: round(us) for way, us in added.items()},
                    "p99_ratio": {way: round(r, 2) for way, r in slow.items()},
                    "event_p50_us": {way: round(us) for way, us in sse.items()},
                    "event_p50_us_nginx": {way: round(us) for way, us in sse_nginx.items()}}
        print(json.dumps(out | {"ok": good}))
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=60)
