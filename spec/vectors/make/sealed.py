#!/usr/bin/env python3
"""Writes sealed.json beside this folder: commitments, padded plaintexts, disclosures and payloads of sealed bodies.

An implementation of docs/formats/sealed.md of its own, over hashlib and hmac. What age does is held against the age
program itself (tests/interop/age_program.sh).

  sealed.py          write
  sealed.py --check  exit 1 when a file differs from what would be written
"""
import hashlib
import hmac
import sys

import reference as ref
import statements
import vector_files

BUCKETS = [1024 * 4**n for n in range(7)]


def fields(value, path=""):
    if isinstance(value, dict) and value:
        for key in value:
            yield from fields(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for i, item in enumerate(value):
            yield from fields(item, f"{path}[{i}]")
    elif path:
        yield path, value


def own_salt(salt, info, which):
    return hmac.new(salt, info + b"\0" + which, hashlib.sha256).digest()[:16]


def root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    half = len(hashes) // 2
    return hashlib.sha256(b"\1" + root(hashes[:half]) + root(hashes[half:])).digest()


def path_to(index, hashes):
    if len(hashes) == 1:
        return []
    half = len(hashes) // 2
    if index < half:
        return path_to(index, hashes[:half]) + [root(hashes[half:])]
    return path_to(index - half, hashes[half:]) + [root(hashes[:half])]


def tree(body, salt):
    """(sorted leaf hashes, {path: (value, own salt, leaf hash)})"""
    known = {}
    for path, value in fields(body):
        own = own_salt(salt, b"hezong/field/v1", path.encode())
        known[path] = value, own, ref.leaf_hash(own + statements.write([path, value]).encode())
    hashes = [leaf for _, _, leaf in known.values()]
    size = 8
    while size < len(hashes):
        size *= 2
    pads = [ref.leaf_hash(own_salt(salt, b"hezong/pad/v1", i.to_bytes(4, "big"))) for i in range(size - len(hashes))]
    return sorted(hashes + pads), known


def disclosure(body, salt, paths):
    hashes, known = tree(body, salt)
    shown = []
    for path in sorted(known):
        if path in paths:
            value, own, leaf = known[path]
            index = hashes.index(leaf)
            shown.append({"index": index, "path": path, "proof": [h.hex() for h in path_to(index, hashes)],
                          "salt": own.hex(), "value": value})
    return statements.write({"fields": shown, "size": len(hashes)})


def payload(kind, aud, priv):
    area, verb = kind.split(".")
    return statements.write({
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": f"https://hezong.example/{area}/{verb}/v1",
        "subject": [{"name": kind, "digest": {"sha256": priv["commit"]}}],
        "predicate": {"hz": {"aud": [aud], "iat": 1795442706123, "idem": "0f" * 16, "iss": "a.example/m", "log": "a.example/m",
                             "priv": priv, "role": "author", "v": 1}},
    })


def sealed():
    bodies = [
        {"price_fen": 100},
        {},
        {"a": {"b": [1, {"c": None}], "d": {}}, "ab": "é合😀\n", "e": [], "f": True},
        {"list": list(range(8))},
        {"list": list(range(9)), "x": "y" * 900},
        {"x": "y" * (4096 - 32 - 8)},
        {"x": "y" * (4096 - 32 - 7)},
    ]
    out = []
    for n, body in enumerate(bodies):
        salt = hashlib.sha256(f"salt {n}".encode()).digest()
        text = statements.write(body).encode()
        bucket = next(i for i, size in enumerate(BUCKETS) if size >= len(salt) + len(text))
        plain = (salt + text).ljust(BUCKETS[bucket], b"\0")
        hashes, known = tree(body, salt)
        some = sorted(known)[::2]
        priv = {"blobs": [hashlib.sha256(plain).hexdigest()], "bucket": bucket, "commit": root(hashes).hex(), "type": "fields"}
        signed = payload("test.fact", "group:g", priv)
        out.append({
            "body": text.decode(), "salt": salt.hex(), "bucket": bucket, "plain_sha256": hashlib.sha256(plain).hexdigest(),
            "commit_body": hashlib.sha256(b"hezong/body/v1\0" + salt + text).hexdigest(), "commit_fields": root(hashes).hex(),
            "show": some, "disclosure": disclosure(body, salt, some) if some else None,
            "payload": signed, "id": hashlib.sha256(statements.pae(signed.encode())).hexdigest(),
        })
    return {"bodies": out}


if __name__ == "__main__":
    sys.exit(vector_files.run(__file__, {"sealed.json": sealed}))
