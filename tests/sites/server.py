#!/usr/bin/env python3
"""A model server that misbehaves on purpose. usage: server.py MODE

  honest      echoes the digest of what it was given          liar       says it serves another model
  silent      does not say what it serves                     refuses    takes no model
  turns       serves another model after a few looks          deaf       says where it listens and never answers
  mute        never says where it listens                     dies       ends when it is given a model
  hangs       ready, then answers no more                     eats       ready, then takes all memory
`honest` also runs the Python of POST /exec and answers with what it assigns to `out`.
"""
import base64
import hashlib
import http.server
import json
import sys
import threading
import time

mode = sys.argv[1]
state = {"digest": None, "looks": 0}
if mode == "mute":
    time.sleep(3600)


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def say(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/exec" and mode == "honest":
            scope = {}
            try:
                exec(body.decode(), scope)
                self.say(200, str(scope.get("out")))
            except BaseException as e:  # noqa: BLE001
                self.say(200, f"{type(e).__name__} {getattr(e, 'errno', '')}")
            return
        if mode == "deaf":
            time.sleep(3600)
        if mode == "dies":
            print("I was given a model and could not bear it", file=sys.stderr, flush=True)
            import os
            os._exit(9)
        if mode == "refuses":
            self.say(501, '{"error": "this engine has no such operator"}')
            return
        model = base64.b64decode(json.loads(body)["parameters"]["file:1/model.onnx"])
        state["digest"] = hashlib.sha256(model).hexdigest()
        self.say(200, "{}")
        if mode == "eats":
            def eat():
                time.sleep(0.5)
                held = []
                while True:
                    held.append(bytearray(1 << 20))
            threading.Thread(target=eat, daemon=True).start()

    def do_GET(self):
        state["looks"] += 1
        if mode == "hangs" and state["looks"] > 1:
            time.sleep(3600)
        digest = state["digest"]
        if mode == "liar" or (mode == "turns" and state["looks"] > 2):
            digest = hashlib.sha256(b"another member's model").hexdigest()
        parameters = {} if mode == "silent" else {"hz_digest": digest}
        self.say(200, json.dumps({"name": "m", "parameters": parameters}))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
server.daemon_threads = True
print(json.dumps({"port": server.server_address[1]}), flush=True)
server.serve_forever()
