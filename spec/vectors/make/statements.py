#!/usr/bin/env python3
"""Writes canonical_json.json, leaf.json and statement_id.json beside this folder.

An implementation of docs/formats/{canonical_json,leaf}.md of its own: it parses and writes again and compares, where
src/statement checks the bytes in one pass. Ed25519 comes from reference.py.

  statements.py          write
  statements.py --check  exit 1 when a file differs from what would be written
"""
import base64
import hashlib
import json
import random
import re
import sys

import reference as ref
import vector_files

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 16
LEAF_SIZE_MAX = 65535
SHORT = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


class Refused(Exception):
    pass


# Canonical JSON.


def write_text(s):
    s.encode()  # a lone surrogate raises
    return '"' + "".join(SHORT.get(ord(c), f"\\u{ord(c):04x}" if ord(c) < 32 else c) for c in s) + '"'


def write(value, depth=0):
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        if abs(value) > INTEGER_MAX:
            raise Refused("integer")
        return str(value)
    if isinstance(value, str):
        return write_text(value)
    if depth == DEPTH_MAX:
        raise Refused("depth")
    if isinstance(value, list):
        return "[" + ",".join(write(v, depth + 1) for v in value) + "]"
    if not all(re.fullmatch("[A-Za-z0-9_]+", k) for k in value):
        raise Refused("key")
    return "{" + ",".join(f'"{k}":{write(value[k], depth + 1)}' for k in sorted(value)) + "}"


def read(text):
    def members(pairs):
        if len({k for k, _ in pairs}) != len(pairs):
            raise Refused("duplicate")
        return dict(pairs)

    def refuse(_):
        raise Refused("number")

    return json.loads(text, object_pairs_hook=members, parse_float=refuse, parse_constant=refuse)


def is_canonical(data):
    try:
        text = data.decode()
        return write(read(text)) == text
    except (Refused, ValueError, RecursionError):  # decoding and JSON errors are ValueErrors
        return False


def shown(data):
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def canonical_json():
    plain = [
        "", " ", "0", "-0", "-1", "01", "+1", "1.0", "1.5", "1e3", "1E3", "9007199254740991", "-9007199254740991",
        "9007199254740992", "-9007199254740992", "123456789012345678901234567890", "NaN", "Infinity", "-", "true", "True",
        "tru", "null", "nul", "nulll", '""', '"a"', '"a', "'a'", '"\\/"', '"/"', '"\\b\\t\\n\\f\\r\\"\\\\"', '"\\u0000"',
        '"\\u001f"', '"\\u001F"', '"\\u0008"', '"\\u000a"', '"\\u0020"', '"\\u00e9"', '"\\ud83d\\ude00"', '"\\ud800"',
        '"\\U0041"', '"\\x41"', '"\\u00"', '"é合😀"', '"\x7f"', '"\t"', '"\x00"', "[]", "[ ]", "[1,2]", "[1, 2]", "[1,]", "[,1]",
        "[1 2]", "[", "]", "{}", "{ }", '{"a":1}', '{"a": 1}', '{"a":1,"b":2}', '{"b":1,"a":2}', '{"a":1,"a":1}',
        '{"aa":1,"a":2}', '{"a":1,"aa":2}', '{"A":1,"_":2,"a":3}', '{"_":1,"A":2}', '{"0":1,"9":2,"Z":3}', '{"":1}',
        '{"a b":1}', '{"a-b":1}', '{"é":1}', '{"\\u0061":1}', "{a:1}", '{"a"}', '{"a":}', '{"a":1,}', '{,}', "1 2", "{}{}", "{}\n",
        "\ufeff{}", '{"a":[{"b":[null,true,false,-7,"x"]}],"c":{}}', "/**/1", '[1e0]', '{"a":0.1}',
        "[" * 16 + "]" * 16, "[" * 17 + "]" * 17, '{"a":' * 16 + "1" + "}" * 16, '{"a":' * 17 + "1" + "}" * 17, "[" * 100,
    ]
    raw = [s.encode() for s in plain] + [
        b'"\xc3\xa9"', b'"\xc0\x80"', b'"\xe0\x80\x80"', b'"\xed\xa0\x80"', b'"\xf0\x80\x80\x80"', b'"\xf4\x8f\xbf\xbf"',
        b'"\xf4\x90\x80\x80"', b'"\xe5\x90"', b'"\x80"', b'"\xff"', b"\xff",
    ]
    # Changed bytes of good texts: most become another text, some another good one.
    rng = random.Random(20261124)
    good = [d for d in raw if len(d) > 4 and is_canonical(d)]
    for _ in range(300):
        data = bytearray(rng.choice(good))
        at = rng.randrange(len(data))
        how = rng.randrange(3)
        if how == 0:
            data[at] = rng.choice(b'"\\{}[]:,0123abAB_-. nut\x00\x1f\x7f\x80\xc3')
        elif how == 1:
            del data[at]
        else:
            data.insert(at, rng.choice(b'"\\{}[]:,01_ abn'))
        if bytes(data) not in raw:
            raw.append(bytes(data))
    writes = []
    for text in ['{"b":1,"a":[ 2, 3 ]}', '"\\u0041\\/\\u00e9\\ud83d\\ude00\\u0001"', '{"a":{"z":null,"Z":true,"_":false}}', "-0", "[1.5]",
                 "1.0", "9007199254740992", '{"a b":1}', '{"":1}', "[" * 17 + "]" * 17, '{"x":"\\n\\t\\u007f"}']:
        try:
            value = json.loads(text)
            if '.' in text:
                raise Refused("float")
            writes.append({"json": text, "canonical": write(value)})
        except Refused:
            writes.append({"json": text, "canonical": None})
    return {"texts": [{**shown(d), "ok": is_canonical(d)} for d in raw], "writes": writes}


# Leaves.

LENGTHS = {1: 64, 2: 64, 3: 64, 6: 2420}


def full_key_id(name, public):
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()


def pae(payload, kind="application/vnd.in-toto+json"):
    return f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload


def leaf(signatures, payload, payload_type=1):
    out = b"HZL1" + bytes([len(signatures)])
    for algorithm, key, signature in signatures:
        out += bytes([algorithm]) + key + len(signature).to_bytes(2, "big") + signature
    return out + bytes([payload_type]) + payload


def envelope(signatures, payload):
    return json.dumps({
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"keyid": k.hex(), "sig": base64.b64encode(s).decode()} for _, k, s in signatures],
    }, separators=(",", ":"))


def read_leaf(data):
    """(signatures, payload), or Refused."""
    def take(n):
        nonlocal data
        if len(data) < n:
            raise Refused("short")
        head, data = data[:n], data[n:]
        return head

    if len(data) > LEAF_SIZE_MAX or take(4) != b"HZL1":
        raise Refused("frame")
    signatures = []
    count = take(1)[0]
    if not 1 <= count <= 4:
        raise Refused("count")
    for _ in range(count):
        algorithm, key = take(1)[0], take(32)
        length = int.from_bytes(take(2), "big")
        if LENGTHS.get(algorithm) != length or (signatures and signatures[-1][:2] >= (algorithm, key)):
            raise Refused("signature")
        signatures.append((algorithm, key, take(length)))
    if take(1) != b"\x01" or not data:
        raise Refused("payload")
    return signatures, data


def leaf_vectors():
    payload = b'{"a":1}'
    author = (ref.public(b"\x01" * 32), "hezong.example/acme/author", b"\x01" * 32)
    root = (ref.public(b"\x02" * 32), "hezong.example/acme/root", b"\x02" * 32)

    def signature(key):
        return 1, full_key_id(key[1], key[0]), ref.sign(key[2], pae(payload))

    one = leaf([signature(author)], payload)
    two = leaf(sorted([signature(author), signature(root)]), payload)
    post_quantum = (6, bytes(range(32)), bytes(2420))
    cases = [
        ("one signature", one), ("two signatures", two),
        ("an Ed25519 and an ML-DSA-44 signature", leaf([signature(author), post_quantum], payload)),
        ("the largest leaf", one + b"x" * (LEAF_SIZE_MAX - len(one))),
        ("one byte too large", one + b"x" * (LEAF_SIZE_MAX - len(one) + 1)),
        ("no signature", leaf([], payload)), ("five signatures", leaf([signature(author)] * 5, payload)),
        ("falling order", leaf(sorted([signature(author), signature(root)])[::-1], payload)),
        ("a key twice", leaf([signature(author)] * 2, payload)),
        ("algorithms in falling order", leaf([post_quantum, signature(author)], payload)),
        ("algorithm 0", leaf([(0, bytes(32), bytes(64))], payload)),
        ("algorithm 4", leaf([(4, bytes(32), bytes(64))], payload)),
        ("a signature of 63 bytes", leaf([(1, bytes(32), bytes(63))], payload)),
        ("a signature of 65 bytes", leaf([(1, bytes(32), bytes(65))], payload)),
        ("an empty signature", leaf([(1, bytes(32), b"")], payload)),
        ("an ML-DSA-44 signature of 64 bytes", leaf([(6, bytes(32), bytes(64))], payload)),
        ("payload type 0", leaf([signature(author)], payload, 0)),
        ("payload type 2", leaf([signature(author)], payload, 2)),
        ("an empty payload", leaf([signature(author)], b"")), ("magic of the next version", b"HZL2" + one[4:]),
        ("a byte in front", b"\x00" + one), ("nothing", b""),
    ]
    cases += [(f"cut to {n} bytes", two[:n]) for n in (1, 3, 4, 5, 6, 37, 39, 40, 103, 104, 139, 202, 203, 204)]
    out = []
    for comment, data in cases:
        case = {"comment": comment, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        # A long run of x is written as its length.
        tail = len(data) - len(data.rstrip(b"x"))
        case["hex"] = data[:len(data) - tail].hex()
        case["x"] = tail
        try:
            signatures, body = read_leaf(data)
            case["ok"] = True
            case["payload_size"] = len(body)
            case["signatures"] = [{"algorithm": a, "key_id": k.hex(), "size": len(s)} for a, k, s in signatures]
        except Refused:
            case["ok"] = False
        out.append(case)
    keys = [{"name": k[1], "seed": k[2].hex(), "public": k[0].hex(), "key_id": full_key_id(k[1], k[0]).hex()}
            for k in (author, root)]
    return {"payload": payload.decode(), "keys": keys, "signed_by_first": one.hex(), "signed_by_both": two.hex(),
            "envelope_of_both": envelope(*read_leaf(two)), "leaves": out}


# Statement ids.


def payload_of(c):
    body = write(c["body"], 2)
    subjects = c.get("subjects") or [{"name": c["kind"], "sha256": hashlib.sha256(body.encode()).hexdigest()}]
    hz = {"aud": c.get("audience") or ["*"], "iat": c["issued_ms"], "idem": c["idem"], "iss": c["issuer"], "log": c["log"],
          "role": c["role"], "v": 1}
    if c.get("refs"):
        hz["refs"] = c["refs"]
    area, verb = c["kind"].split(".")
    return write({
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": f"https://hezong.example/{area}/{verb}/v1",
        "subject": [{"name": s["name"], "digest": {"sha256": s["sha256"]}} for s in subjects],
        "predicate": {"hz": hz, "body": c["body"]},
    })


def statement_id():
    base = {"kind": "share.release", "issuer": "hezong.example/acme", "log": "hezong.example/acme", "role": "author",
            "issued_ms": 1795442706123, "idem": "000102030405060708090a0b0c0d0e0f", "body": {"name": "glyphs", "size_bytes": 3}}
    contents = [
        base,
        {**base, "body": {}},
        {**base, "kind": "alliance.genesis", "role": "root", "issued_ms": 0},
        {**base, "body": {"text": "é合😀\n\"\\\u0001", "list": [1, -2, None, True, []], "deep": {"z": {"a": 0}, "Z": {}}}},
        {**base, "audience": ["hezong.example/acme", "hezong.example/beta"],
         "refs": [{"rel": "supersedes", "id": "ab" * 32}, {"rel": "depends-on", "id": "cd" * 32}]},
        {**base, "subjects": [{"name": "model \"x\"", "sha256": "12" * 32}, {"name": "合", "sha256": "34" * 32}]},
        {**base, "issued_ms": INTEGER_MAX, "issuer": "a", "log": "b.example/日志"},
    ]
    accepted = []
    for c in contents:
        text = payload_of(c)
        assert is_canonical(text.encode())
        accepted.append({"content": c, "payload": text, "id": hashlib.sha256(pae(text.encode())).hexdigest()})
    good = json.loads(payload_of({**base, "refs": [{"rel": "answers", "id": "ab" * 32}]}))
    refused = []

    def refuse(comment, change):
        value = json.loads(json.dumps(good))
        change(value)
        refused.append({"comment": comment, "payload": write(value)})

    def hz(key, value):
        return lambda v: v["predicate"]["hz"].update({key: value})

    def without(key):
        return lambda v: v["predicate"]["hz"].pop(key)

    for key in ("aud", "iat", "idem", "iss", "log", "role", "v"):
        refuse(f"hz.{key} is missing", without(key))
    for comment, key, value in [
        ("version 2", "v", 2), ("version as text", "v", "1"), ("time before 1970", "iat", -1), ("time as text", "iat", "1"),
        ("idem in capitals", "idem", "AB" * 16), ("idem too short", "idem", "ab" * 15), ("nobody in the audience", "aud", []),
        ("an empty audience name", "aud", [""]), ("audience as text", "aud", "*"), ("65 in the audience", "aud", ["a"] * 65),
        ("no issuer", "iss", ""), ("refs as object", "refs", {}), ("no refs, said", "refs", []),
        ("a ref without id", "refs", [{"rel": "answers"}]), ("a ref to a short id", "refs", [{"rel": "answers", "id": "ab"}]),
        ("a relation in capitals", "refs", [{"rel": "Answers", "id": "ab" * 32}]),
        ("an unknown ref field", "refs", [{"rel": "answers", "id": "ab" * 32, "why": 1}]), ("an unknown header key", "x", 1),
    ]:
        refuse(comment, hz(key, value))
    refuse("another statement type", lambda v: v.update(_type="https://in-toto.io/Statement/v0.1"))
    refuse("another predicate type", lambda v: v.update(predicateType="https://example.com/share/release/v1"))
    refuse("predicate version 2", lambda v: v.update(predicateType="https://hezong.example/share/release/v2"))
    refuse("no subject", lambda v: v.update(subject=[]))
    refuse("65 subjects", lambda v: v.update(subject=v["subject"] * 65))
    refuse("a subject without digest", lambda v: v["subject"][0].pop("digest"))
    refuse("a subject with md5", lambda v: v["subject"][0].update(digest={"md5": "00" * 16}))
    refuse("a short sha256", lambda v: v["subject"][0]["digest"].update(sha256="00"))
    refuse("sm3 alone", lambda v: v["subject"][0].update(digest={"sm3": "00" * 32}))
    refuse("an unknown top-level key", lambda v: v.update(extra=1))
    refuse("no header", lambda v: v["predicate"].pop("hz"))
    refuse("a list as body", lambda v: v["predicate"].update(body=[]))
    refuse("an unknown predicate key", lambda v: v["predicate"].update(more={}))
    return {"accepted": accepted, "refused": refused}


if __name__ == "__main__":
    sys.exit(vector_files.run(__file__, {
        "canonical_json.json": canonical_json,
        "leaf.json": leaf_vectors,
        "statement_id.json": statement_id,
    }))
