#!/usr/bin/env python3
"""What a drill takes away for real: a product that the plan saves is served, one whose plan forgot something breaks and
says what, a substitute that forgot something is refused, and failing back gives everything back.

usage: tests/up/deny.py HEZONG SOURCE
"""
import glob
import json
import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import nodes  # noqa: E402

hezong, source = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
check = nodes.Checks("what a drill takes away")
quiet = {**os.environ, "HEZONG_PROGRESS": "off"}
library = sorted(glob.glob("/usr/lib/*/libopencv_dnn.so.*") + glob.glob("/usr/lib/libopencv_dnn.so.*"))
if not library:
    print("SKIPPED: no libopencv_dnn on this machine")
    sys.exit(77)
soname = os.path.basename(min(library, key=len))


def run(*words, codes=(0,)):
    return nodes.run(hezong, home, *words, code=codes, seconds_max=120)


def servers():
    return sorted(path.stem for path in pathlib.Path(home, "serving").glob("*.json"))


def state(drill, product):
    return next(p for p in run("drill", "status", drill)["products"] if p["product"] == "product:" + product)


with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    home = folder + "/home"
    deploy, programs = pathlib.Path(folder, "deploy"), pathlib.Path(folder, "programs")
    (deploy / "products").mkdir(parents=True)
    programs.mkdir()
    for product, engine in (("reach", "opencv"), ("glyph", "refrt")):
        for file in (source / "examples/alliance/products").glob(product + ".*"):
            shutil.copy(file, deploy / "products")
        manifest = deploy / "products" / f"{product}.toml"
        manifest.write_text(manifest.read_text().replace("backend:ort", "backend:" + engine))
    shutil.copy(source / "examples/alliance/backends.toml", deploy)
    # A server with a past: it loads a library that no manifest names, and asks a hub, before it serves.
    engine = os.path.join(os.path.dirname(hezong), "oip-host")
    (programs / "forgetful.py").write_text(f"""
import ctypes, os, socket, sys
ctypes.CDLL("{soname}")
try:
    socket.create_connection(("huggingface.co", 443), 2)
except OSError:
    pass
os.execv("{engine}", ["{engine}", "serve", "--engine", "refrt", "--body-bytes-max", "1073741824"])
""")
    forgetful = {"command": ["/usr/bin/python3", "-I", str(programs / "forgetful.py")],
                 "read_paths": [str(programs), os.path.dirname(engine)]}
    honest = {"adapter": "local", "slots": 8}
    run("init", "--name", "One", "--origin", "one.example")
    run("supply", "entities", "import", str(source / "examples/alliance/entities.toml"))
    for product in ("reach", "glyph"):
        for ending in ("onnx", "golden"):
            run("share", "release", str(deploy / "products" / f"{product}.{ending}"), "--name", f"{product}-{ending}",
                "--licence", "Apache-2.0", "--audience", "owner", "--control", "none")
    run("exposure", "scan", str(deploy), codes=(0, 3))
    run("conform", "run", "--backend", "refrt", "--backend", "opencv", codes=(0, 3))
    for site, engine_name in (("a", "opencv"), ("b", "refrt"), ("c", "refrt")):
        run("pool", "site", "add", f"site:{site}", "--name", site, "--jurisdiction", "SG", "--backend",
            "backend:" + engine_name, "--price-fen-per-hour-min", "1", "--price-fen-per-hour-max",
            "9" if site == "c" else "2", "--switch-minutes-min", "0", "--switch-minutes-max", "1")

    def sites(b):
        pathlib.Path(home, "sites.json").write_text(json.dumps({"sites": [
            {"site": "site:a", **honest}, {"site": "site:b", **honest, **b}, {"site": "site:c", **honest, **forgetful}]}))

    sites({})
    for product, site, engine_name in (("reach", "a", "opencv"), ("glyph", "c", "refrt")):
        run("job", "submit", f"product:{product}", "--site", f"site:{site}", "--backend", f"backend:{engine_name}",
            "--claim", f"today-{product}", "--wait")
        run("pool", "route", "set", f"product:{product}", "--target", f"today-{product},site:{site},backend:{engine_name}")
    isolation = run("job", "list")["jobs"][0]["observed"]["isolation"]
    if isolation == "S0":
        print("SKIPPED: this machine grants no rooms, so nothing can be taken away in one")
        for claim in servers():
            run("job", "cancel", claim)
        sys.exit(77)
    try:
        table_top = run("drill", "new", "--lose", "backend:opencv")["drill"]
        refused = run("drill", "apply", table_top, "--deny-list", codes=(6,))
        check("on the table nothing is taken away", refused["error"]["reason"] == "drill.not_live", refused)
        drill = run("drill", "new", "--lose", "backend:opencv", "--live")["drill"]
        would = run("drill", "apply", drill, "--deny-list", "--dry-run", codes=(0, 3))
        blocks = [json.loads(s["body"]) for s in would["statements"] if s["kind"] == "drill.block"]
        files = [f for block in blocks for one in block["libraries"] for f in one["files"]]
        check("a dry run names the files that would be taken away", any("libopencv_dnn.so" in f for f in files), blocks)
        check("by build id too", any(one["build_id"] for block in blocks for one in block["libraries"]), blocks)
        moved = run("drill", "apply", drill, "--deny-list", codes=(3,))
        saved, forgot = state(drill, "reach"), state(drill, "glyph")
        check("what the plan saves is at its substitute", saved["stage"] == "switched" and
              saved["backend"] == "backend:refrt", saved)
        check("its incumbent does not start without what is lost, and the step names library and process",
              any(soname in line and "oip-host" in line for line in saved["refused"]), saved)
        check("what the plan forgot breaks", forgot["stage"] == "broken" and moved["not_saved"] == 1, forgot)
        check("and says which library was refused to which process",
              any(soname in line and "python3" in line for line in forgot["refused"]), forgot)
        check("its server is down, for everybody to see", "today-glyph" not in servers() and
              "today-reach" not in servers(), servers())
        check("status says what is denied", bool(run("drill", "status", drill)["block"]["libraries"]))
        late = run("drill", "new", "--lose", "backend:opencv", "--live")["drill"]
        run("drill", "fail-back", drill)
        saved, forgot = state(drill, "reach"), state(drill, "glyph")
        check("failing back gives both back", saved["stage"] == forgot["stage"] == "failed back", (saved, forgot))
        check("and takes nothing away any more", "block" not in run("drill", "status", drill))
        routed = {r["route"]["product"]: [t["claim"] for t in r["route"]["targets"]] for r in run("pool", "route", "list")["routes"]}
        check("both are served again", all(c in servers() for claims in routed.values() for c in claims), (routed, servers()))
        # Without the list first: then it comes too late.
        run("drill", "apply", late)
        refused = run("drill", "apply", late, "--deny-list", codes=(6,))
        check("what runs already is not taken away behind its back", refused["error"]["reason"] == "drill.block_late", refused)
        run("drill", "fail-back", late)
        # The substitute itself has a past.
        sites(forgetful)
        drill = run("drill", "new", "--lose", "backend:opencv", "--live")["drill"]
        run("drill", "apply", drill, "--deny-list", codes=(3,))
        bad = state(drill, "reach")
        check("a substitute that forgot is refused, and the library is named", bad["stage"] == "refused" and
              any(soname in line and "python3" in line for line in bad["refused"]), bad)
        run("drill", "fail-back", drill)
        check("and its product goes back", state(drill, "reach")["stage"] == "failed back", state(drill, "reach"))
        # A lost service: the server asks for it, is cut off, and copes; both are said.
        drill = run("drill", "new", "--lose", "service:huggingface.co", "--live")["drill"]
        run("drill", "apply", drill, "--deny-list", codes=(3,))
        cut = state(drill, "glyph")
        check("who asked a host that is gone is named", any("huggingface.co:443" in line and "python3" in line
                                                             for line in cut["refused"]), cut)
        check("that it serves all the same is said", "was not seen" in cut["detail"], cut)
        run("drill", "fail-back", drill)
        run("log", "verify")
    finally:
        for claim in servers():
            run("job", "cancel", claim)
check.end()
