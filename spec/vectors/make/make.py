#!/usr/bin/env python3
"""Writes ed25519.json and log.json beside this folder, from the reference implementation here.

  make.py          write
  make.py --check  exit 1 when a file differs from what would be written
"""
import sys

import reference as ref
import vector_files

P, L = ref.P, ref.L


def seed(n):
    return bytes([n]) * 32


def ed25519():
    cases = []
    a, _ = ref.secret(seed(1))
    key = ref.public(seed(1))
    order_8 = next(p for p in (ref.mul(L, ref.decode_lenient(y.to_bytes(32, "little"))) for y in range(3, 60)
                               if ref.recover_x(y, 0) is not None) if ref.mul(4, p) != ref.IDENTITY)
    torsion = [ref.mul(i, order_8) for i in range(8)]
    assert len(set(torsion)) == 8

    def case(comment, k, message, signature, want):
        got = ref.accept(k, message, signature)
        assert got == want, comment
        cases.append({"comment": comment, "key": k.hex(), "key_ok": ref.good_key(k), "message": message.hex(),
                      "signature": signature.hex(), "accept": got})

    def little(n):
        return n.to_bytes(32, "little")

    # Honest ones.
    for n, message in ((1, b""), (2, b"r"), (3, b"hezong" * 50)):
        case("honest signature", ref.public(seed(n)), message, ref.sign(seed(n), message), True)
    message = b"edge"
    good = ref.sign(seed(1), message)
    r, s = good[:32], int.from_bytes(good[32:], "little")
    case("another message", key, b"edgf", good, False)
    case("another key", ref.public(seed(2)), message, good, False)

    # Rule 1: keys. The signature is one that a verifier without the rule would accept where that is possible: with A of low
    # order, R = [s]B and any s satisfies the equation whenever the challenge is a multiple of A's order.
    def keys(comment, data):
        point = ref.decode_lenient(data)
        if point is None or not ref.low_order(point):
            case(comment, data, message, good, False)
            return
        n, multiple = 1, ref.BASE
        while ref.mul(ref.challenge(ref.encode(multiple), data, message) % 8, point) != ref.IDENTITY:
            n, multiple = n + 1, ref.add(multiple, ref.BASE)
        case(comment, data, message, ref.encode(multiple) + little(n), False)

    for i, point in enumerate(torsion):
        keys(f"key of low order, torsion point {i}", ref.encode(point))
    for y in range(P, 2**255):
        for sign in (0, 1):
            data = little(y | sign << 255)
            if ref.decode_lenient(data) is not None:
                keys(f"key with y = p + {y - P}, sign {sign}: not canonical", data)
    keys("key with x = 0 and the sign bit, y = 1", little(1 | 1 << 255))
    keys("key with x = 0 and the sign bit, y = -1", little(P - 1 | 1 << 255))
    off = next(y for y in range(2, 99) if ref.recover_x(y, 0) is None)
    case("key that is no curve point", little(off), message, good, False)
    for i in range(1, 8):
        mixed = ref.encode(ref.add(ref.decode_lenient(key), torsion[i]))
        big_r = ref.encode(ref.mul(7, ref.BASE))
        case(f"key of mixed order (torsion {i}), right up to the cofactor", mixed, message,
             big_r + little((7 + ref.challenge(big_r, mixed, message) * a) % L), False)

    # Rule 2: S below L.
    for k in range(1, 16):
        if s + k * L < 2**256:
            case(f"S + {k} L", key, message, r + little(s + k * L), False)
    case("S = L", key, message, r + little(L), False)
    case("S = L - 1, not the right one", key, message, r + little(L - 1), False)
    case("S = 0", key, message, r + little(0), False)
    case("S = 2^256 - 1", key, message, r + b"\xff" * 32, False)

    # Rule 3: R. With R = T of the torsion subgroup and S = h a, [8]([S]B - R - hA) is the identity; for T = identity even the
    # equation without cofactor holds.
    def small_r(comment, data):
        case(comment, key, message, data + little(ref.challenge(data, key, message) * a % L), False)

    for i, point in enumerate(torsion):
        small_r(f"R of low order, torsion point {i}", ref.encode(point))
    for y in range(P, 2**255):
        for sign in (0, 1):
            data = little(y | sign << 255)
            if ref.decode_lenient(data) is not None:
                small_r(f"R with y = p + {y - P}, sign {sign}: not canonical", data)
    small_r("R with x = 0 and the sign bit, y = 1: otherwise the identity", little(1 | 1 << 255))
    small_r("R with x = 0 and the sign bit, y = -1", little(P - 1 | 1 << 255))
    small_r("R that is no curve point", little(off))

    # Rule 4: no cofactor.
    for i in range(1, 8):
        mixed = ref.encode(ref.add(ref.mul(9, ref.BASE), torsion[i]))
        case(f"R of mixed order (torsion {i}), right up to the cofactor", key, message,
             mixed + little((9 + ref.challenge(mixed, key, message) * a) % L), False)
    return {"about": "Acceptance rule of src/crypto/sign.h. key_ok: rule 1 alone. accept: all four.", "cases": cases}


def log():
    origin, log_seed, witness_seed = "vectors.example/log", seed(11), seed(12)
    leaves = [f"vector entry {i}".encode() for i in range(700)]
    hashes = [ref.leaf_hash(leaf) for leaf in leaves]
    heads = []
    for size in (0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 700):
        heads.append({"size": size, "checkpoint": ref.signed_checkpoint(origin, log_seed, hashes[:size])})
    files = {path: {"size": len(data), "sha256": ref.hashlib.sha256(data).hexdigest()}
             for path, data in ref.tiles(leaves).items()}
    text = ref.checkpoint_text(origin, hashes)
    proofs = []
    for index, size in ((0, 1), (0, 700), (255, 256), (256, 257), (511, 700), (699, 700), (300, 513)):
        body = "".join(ref.b64(h) + "\n" for h in ref.inclusion(index, hashes[:size]))
        proofs.append({"index": index, "size": size,
                       "proof": f"c2sp.org/tlog-proof@v1\nextra {ref.b64(leaves[index])}\nindex {index}\n{body}\n" +
                                ref.signed_checkpoint(origin, log_seed, hashes[:size])})
    growth = [{"old": old, "new": new, "hashes": [h.hex() for h in ref.consistency(old, hashes[:new])]}
              for old, new in ((1, 2), (1, 700), (255, 256), (256, 700), (257, 512), (512, 700), (699, 700))]
    return {
        "about": "A log whose entry i is the text `vector entry i`, signed with the Ed25519 seed given (hex).",
        "origin": origin,
        "seed": log_seed.hex(),
        "vkey": ref.vkey(origin, 1, ref.public(log_seed)),
        "witness": {"name": "vectors.example/witness", "seed": witness_seed.hex(), "time_s": 1700000000,
                    "vkey": ref.vkey("vectors.example/witness", 4, ref.public(witness_seed)),
                    "line": ref.cosignature_line("vectors.example/witness", witness_seed, text, 1700000000)},
        "heads": heads,
        "files": files,
        "proofs": proofs,
        "consistency": growth,
    }


if __name__ == "__main__":
    sys.exit(vector_files.run(__file__, {"ed25519.json": ed25519, "log.json": log}))
