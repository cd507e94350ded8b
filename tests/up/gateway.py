#!/usr/bin/env python3
"""Products called through a real node: two `oip-host serve` as servers, unmodified HTTP clients, processes that are
killed, keys and routes that change under way, and a meter that counts each request once.

usage: tests/up/gateway.py HEZONG OIP_HOST SOURCE
"""
import base64
import http.client
import http.server
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import nodes  # noqa: E402

hezong, oip_host, source = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
check = nodes.Checks("products through the gateway")
model = (source / "examples/alliance/products/glyph.onnx").read_bytes()


def wait_until(what, condition, seconds=20):
    return nodes.wait(condition, seconds, pause=0.02) or check(what + " (in time)", False)


def start_model(name):
    process = subprocess.Popen([oip_host, "serve", "--engine", "refrt"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    port = json.loads(process.stdout.readline())["port"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", f"/v2/repository/models/{name}/load", json.dumps(
        {"parameters": {"config": "{}", "file:1/model.onnx": base64.b64encode(model).decode()}}))
    if connection.getresponse().status != 200:
        sys.exit("the model cannot be loaded")
    return process, port


def serve(home, claim, product, site, backend, port, name):
    folder = pathlib.Path(home, "serving")
    folder.mkdir(exist_ok=True)
    part = folder / (claim + ".part")
    part.write_text(json.dumps({"claim": claim, "product": product, "site": site, "backend": backend,
                                "address": "127.0.0.1", "port": port, "model": name, "sha256": "", "evidence": "e" * 64}))
    part.rename(folder / (claim + ".json"))


class Client:
    def __init__(self, place, secret=None):
        self.connection = http.client.HTTPConnection(place, timeout=60)
        self.headers = {"Authorization": "Bearer " + secret} if secret else {}

    def ask(self, method, path, body=None, **more):
        headers = {**self.headers, **{k.replace("_", "-"): v for k, v in more.items()}}
        self.connection.request(method, path, body=body, headers=headers)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def infer(self, pixels, path="/v2/models/glyph/infer"):
        return self.ask("POST", path, json.dumps({"inputs": [
            {"name": "image", "datatype": "FP32", "shape": [1, 1, 24, 24], "data": pixels}]}))


def best_class(body):
    logits = json.loads(body)["outputs"][0]["data"]
    return logits.index(max(logits))


class Streamer(http.server.BaseHTTPRequestHandler):
    """A text server: it streams what the test lets go, or answers when the test lets it."""
    protocol_version = "HTTP/1.1"
    go, seen = threading.Semaphore(0), []

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Streamer.seen.append(body)
        if not body.get("stream"):
            Streamer.go.acquire()
            answer = json.dumps({"model": body["model"], "choices": [], "usage": {"total_tokens": 11}}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            try:
                self.wfile.write(answer)
            except OSError:
                self.close_connection = True  # the node was killed meanwhile
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for text in ("one", "two", "[DONE]"):
            Streamer.go.acquire()
            event = f"data: {text}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
        self.wfile.write(b"0\r\n\r\n")


def usage(home, **which):
    rows = nodes.run(hezong, home, "pool", "meter", "show")["usage"]
    rows = [r for r in rows if all(r[k] == v for k, v in which.items())]
    return {k: sum(r[k] for r in rows) for k in ("requests", "whole", "refused", "cut", "client_gone", "node_died",
                                                 "running", "units", "request_bytes", "answer_bytes")}


with tempfile.TemporaryDirectory() as folder:
    home = folder + "/home"
    processes = []
    pictures = nodes.golden_inputs(source / "examples/alliance/products/glyph.golden", 20)
    try:
        nodes.run(hezong, home, "init", "--name", "Acme", "--origin", "acme.example/log")
        both = ["--target", "c1,site:hz1,backend:refrt,1", "--target", "c2,site:hz2,backend:refrt,1"]
        route = nodes.run(hezong, home, "pool", "route", "set", "product:glyph", *both, "--reason", "drill 7")
        nodes.run(hezong, home, "pool", "route", "set", "product:chat", "--target", "c3,site:hz1,backend:text")
        first, port1 = start_model("glyph-1")
        second, port2 = start_model("glyph-2")
        processes += [first, second]
        node = nodes.start(hezong, home)
        processes.append(node)
        place = json.loads(pathlib.Path(home, "node.json").read_text())["url"].split("://")[1]

        # Keys made while the node runs, by another process.
        full = nodes.run(hezong, home, "pool", "key", "add", "full", "--product", "product:glyph", "--product",
                         "product:chat", "--out", folder + "/full.key")
        check("the secret is not in what the command prints", "secret" not in full, full)
        mode = os.stat(folder + "/full.key").st_mode & 0o777
        check("its file is for the owner alone", mode == 0o600, oct(mode))
        secret = pathlib.Path(folder, "full.key").read_text().strip()
        check("the log holds no secret", secret[-64:] not in json.dumps(nodes.run(hezong, home, "pool", "key", "list")))
        client = Client(place, secret)
        wait_until("the new key is known", lambda: client.ask("GET", "/v1/models")[0].status == 200)
        check("a product without a server is not ready", client.ask("GET", "/v2/models/glyph/ready")[0].status == 503)
        check("and answers 503", client.infer(pictures[0][0])[0].status == 503)
        serve(home, "c1", "product:glyph", "site:hz1", "backend:refrt", port1, "glyph-1")
        serve(home, "c2", "product:glyph", "site:hz2", "backend:refrt", port2, "glyph-2")
        wait_until("the servers are known", lambda: client.ask("GET", "/v2/models/glyph/ready")[0].status == 200)

        # The right answers, from both, and where they came from.
        sites = set()
        for pixels, wanted in pictures:
            answer, body = client.infer(pixels)
            if answer.status != 200 or best_class(body) != wanted:
                check("the reference answer", False, (answer.status, body[:200]))
            sites.add(answer.getheader("hezong-site"))
            good = answer.getheader("hezong-route") == route["receipt"]["id"]
            if not good or answer.getheader("hezong-evidence") != "e" * 64:
                check("route and evidence in the answer's head", False, answer.getheaders())
        check("20 golden cases through the gateway, from both sites", sites == {"site:hz1", "site:hz2"}, sites)
        raw = struct.pack("<576f", *pictures[0][0])
        head = json.dumps({"inputs": [{"name": "image", "datatype": "FP32", "shape": [1, 1, 24, 24],
                                       "parameters": {"binary_data_size": len(raw)}}],
                           "parameters": {"binary_data_output": True}}).encode()
        answer, body = client.ask("POST", "/v2/models/product:glyph/versions/1/infer", head + raw,
                                  Inference_Header_Content_Length=str(len(head)))
        cut = int(answer.getheader("Inference-Header-Content-Length") or 0)
        logits = struct.unpack(f"<{(len(body) - cut) // 4}f", body[cut:])
        check("binary tensors both ways", answer.status == 200 and logits.index(max(logits)) == pictures[0][1])
        metadata = json.loads(client.ask("GET", "/v2/models/glyph")[1])
        check("metadata with the digest of the model", len(metadata["parameters"]["hz_digest"]) == 64, metadata)

        # Who may not.
        check("no key: 401", Client(place).infer(pictures[0][0])[0].status == 401)
        other = nodes.run(hezong, home, "pool", "key", "add", "other", "--product", "product:chat")["secret"]
        stranger = Client(place, other)
        wait_until("the other key is known", lambda: stranger.ask("GET", "/v1/models")[0].status == 200)
        denied, unknown = stranger.infer(pictures[0][0]), stranger.infer(pictures[0][0], "/v2/models/none/infer")
        check("forbidden and unknown look the same", denied[0].status == unknown[0].status == 404
              and denied[1] == unknown[1], (denied, unknown))
        check("an API key opens none of the node's own operations", stranger.ask("GET", "/v1/status")[0].status == 401)
        token = pathlib.Path(home, "api_token").read_text().strip()
        check("the operator's token is no API key", Client(place, token).infer(pictures[0][0])[0].status == 401)

        # Bad input: the server's word or the gateway's, in the protocol's form.
        for what, body in (("no JSON", b"{"), ("wrong length", b'{"inputs":[{"name":"image","datatype":"FP32",'
                                               b'"shape":[1,1,24,24],"data":[1]}]}'), ("not UTF-8", b'{"id":"\xff"}')):
            answer, text = client.ask("POST", "/v2/models/glyph/infer", body)
            check(f"{what}: 400 with a word", answer.status == 400 and "error" in json.loads(text), (answer.status, text))
        big = Client(place, secret)
        answer, text = big.ask("POST", "/v2/models/glyph/infer", b"[" * 100_000_000)
        check("100 MB are carried, and refused by the server", answer.status == 400, (answer.status, text[:100]))
        big.connection.putrequest("POST", "/v2/models/glyph/infer")
        big.connection.putheader("Authorization", "Bearer " + secret)
        big.connection.putheader("Content-Length", "200000000")
        big.connection.endheaders()
        answer = big.connection.getresponse()
        check("200 MB are refused before they are sent", answer.status == 413 and "error" in json.loads(answer.read()))
        with socket.create_connection(place.split(":")) as bomb:
            bomb.sendall(b"GET /v2 HTTP/1.1\r\nhost: x\r\n" + b"".join(b"x%d: y\r\n" % i for i in range(3000)) + b"\r\n")
            told = bomb.recv(100)
            check("a bomb of headers: 431", b" 431 " in told, told)

        # Quota.
        three = nodes.run(hezong, home, "pool", "key", "add", "three", "--product", "product:glyph",
                          "--requests-per-minute", "3")["secret"]
        limited = Client(place, three)
        wait_until("the third key is known", lambda: limited.ask("GET", "/v1/models")[0].status == 200)
        answers = [limited.infer(pictures[0][0])[0] for _ in range(8)]
        full_at = [a for a in answers if a.status == 429]
        # A new minute may begin meanwhile.
        check("at most three a minute", 2 <= len(full_at) <= 5, [a.status for a in answers])
        check("with the time to wait", all(0 < int(a.getheader("retry-after")) <= 60 for a in full_at))

        # A server is killed under load: nobody notices.
        before = usage(home, product="product:glyph", key=full["key"]["key"])
        results, lock, killed = [], threading.Lock(), threading.Event()

        def load(count, at_half=None):
            mine = Client(place, secret)
            for i in range(count):
                if at_half and i == count // 2:
                    at_half()
                pixels, wanted = pictures[i % len(pictures)]
                answer, body = mine.infer(pixels)
                good = answer.status == 200 and best_class(body) == wanted
                with lock:
                    results.append((good, answer.status))

        threads = [threading.Thread(target=load, args=(100, first.kill if i == 0 else None)) for i in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        first.wait()
        check("600 requests while a server is killed, none failed", len(results) == 600 and all(g for g, _ in results),
              [s for g, s in results if not g])
        after = usage(home, product="product:glyph", key=full["key"]["key"])
        check("each in the meter once", after["whole"] - before["whole"] == 600 and after["running"] == 0
              and after["requests"] - before["requests"] == 600, (before, after))

        # Routes and keys change under a connection that stays.
        sock = client.connection.sock
        nodes.run(hezong, home, "pool", "route", "set", "product:glyph", "--target", "c2,site:hz2,backend:refrt")
        nodes.run(hezong, home, "pool", "route", "clear", "product:chat")
        wait_until("the route is cleared", lambda: "chat" not in client.ask("GET", "/v1/models")[1].decode())
        check("only the new target serves", {client.infer(p)[0].getheader("hezong-site") for p, _ in pictures[:6]}
              == {"site:hz2"})
        nodes.run(hezong, home, "pool", "route", "set", "product:chat", "--target", "c3,site:hz1,backend:text")
        check("over the same connection", client.connection.sock is sock)
        nodes.run(hezong, home, "pool", "key", "revoke", three.split("_")[1])
        wait_until("the revoked key is refused", lambda: limited.ask("GET", "/v1/models")[0].status == 401)

        # Text, streamed: each event when it is sent.
        text = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Streamer)
        text.daemon_threads = True
        threading.Thread(target=text.serve_forever, daemon=True).start()
        serve(home, "c3", "product:chat", "site:hz1", "backend:text", text.server_port, "org/text-1")
        wait_until("the text server is known", lambda: client.ask("GET", "/v2/models/chat/ready")[0].status == 200)
        client.connection.request("POST", "/v1/chat/completions", headers=client.headers, body=json.dumps(
            {"model": "chat", "stream": True, "messages": [{"role": "user", "content": "model \" quoted"}]}))
        answer = client.connection.getresponse()  # the head, before any event was sent
        events = []
        for _ in range(3):
            Streamer.go.release()
            events.append(answer.readline().decode().strip())
            answer.readline()
        answer.read()
        check("each event comes when it is sent", events == ["data: one", "data: two", "data: [DONE]"], events)
        check("the server saw its own name", Streamer.seen[0]["model"] == "org/text-1", Streamer.seen)
        Streamer.go.release()
        answer, body = client.ask("POST", "/v1/embeddings", json.dumps({"model": "chat", "input": "x"}))
        check("embeddings", answer.status == 200 and json.loads(body)["usage"]["total_tokens"] == 11)
        answer, body = client.ask("POST", "/v1/chat/completions", json.dumps({"model": "glyph2", "messages": []}))
        check("an unknown text model, as OpenAI says it", answer.status == 404
              and json.loads(body)["error"]["code"] == "model_not_found", body)

        # The node is killed under load; what it had begun is in the meter, once.
        before = usage(home)
        seen, started = [], []

        def load_until_dead():
            mine = Client(place, secret)
            try:
                while True:
                    started.append(1)
                    seen.append(mine.infer(pictures[0][0])[0].status)
            except (OSError, http.client.HTTPException):
                pass

        waiting = Client(place, secret)  # one that is certainly under way
        waiting.connection.request("POST", "/v1/chat/completions", headers=waiting.headers,
                                   body=json.dumps({"model": "chat", "messages": []}))
        wait_until("the slow request is with its server", lambda: len(Streamer.seen) == 3)
        threads = [threading.Thread(target=load_until_dead) for _ in range(4)]
        for t in threads:
            t.start()
        wait_until("some answers", lambda: len(seen) > 100)
        node.send_signal(signal.SIGKILL)
        node.wait()
        for t in threads:
            t.join()
        Streamer.go.release()
        dead = usage(home)
        gone = {k: dead[k] - before[k] for k in dead}
        check("every answer that was seen is in the meter", gone["whole"] >= len(seen) - len(threads)
              and gone["requests"] >= len(seen) + 1, (gone, len(seen)))
        check("no more than was asked", gone["requests"] <= len(started) + 1, (gone, len(started)))
        check("what was under way died with the node", gone["node_died"] >= 1
              and gone["requests"] == gone["whole"] + gone["node_died"], gone)
        node = nodes.start(hezong, home)
        processes.append(node)
        place = json.loads(pathlib.Path(home, "node.json").read_text())["url"].split("://")[1]
        check("a restart changes none of it", usage(home) == dead)
        client = Client(place, secret)
        check("and serves", client.infer(pictures[0][0])[0].status == 200)

        # It stops gently: what runs is finished.
        client.connection.request("POST", "/v1/chat/completions", headers=client.headers,
                                  body=json.dumps({"model": "chat", "messages": []}))
        wait_until("a request is under way", lambda: len(Streamer.seen) == 4)
        node.send_signal(signal.SIGTERM)

        def refused():
            try:
                socket.create_connection(place.split(":")).close()
                return False
            except OSError:
                return True

        wait_until("no new connection is taken", refused)
        Streamer.go.release()
        answer = client.connection.getresponse()
        check("a running request is finished", answer.status == 200 and b"total_tokens" in answer.read())
        check("it ends with 0", node.wait(timeout=30) == 0)
        end = usage(home)
        check("the last two are metered", end["whole"] == dead["whole"] + 2 and end["running"] == 0, (dead, end))

        # On an address of its own there is nothing but products.
        node = nodes.start(hezong, home, "--gateway-listen", "127.0.0.1")
        processes.append(node)
        file = json.loads(pathlib.Path(home, "node.json").read_text())
        own = Client(file["gateway"].split("://")[1], secret)
        check("products at the gateway's own address", own.infer(pictures[0][0])[0].status == 200)
        own.headers = {"Authorization": "Bearer " + token}
        check("and no operations", own.ask("GET", "/v1/status")[0].status == 404)
        check("nor products at the node's", Client(file["url"].split("://")[1], secret).ask("GET", "/v2/models/glyph")[0]
              .status == 404)
        metrics = Client(file["url"].split("://")[1], token).ask("GET", "/metrics")[1].decode()
        check("the operator sees the gateway's counters", "hezong_gateway_whole_total 1\n" in metrics, metrics)
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
check.end()
