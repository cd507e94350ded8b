"""RFC 8032 and RFC 6962 in plain Python: slow, short, and written without looking at the C++.

Curve points are affine pairs; every formula is the one of RFC 8032 section 5.1.
"""
import base64
import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + t, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, P - 2, P) % P)


def mul(n, a):
    """Double and add, on projective pairs (X : Y : Z), because a division per step is slow."""
    out, (x, y) = (0, 1, 1), a
    a = (x, y, 1)
    while n:
        if n & 1:
            out = add_projective(out, a)
        a = add_projective(a, a)
        n >>= 1
    inverse = pow(out[2], P - 2, P)
    return (out[0] * inverse % P, out[1] * inverse % P)


def add_projective(p, q):
    (x1, y1, z1), (x2, y2, z2) = p, q
    z = z1 * z2 % P
    zz = z * z % P
    t = D * x1 * x2 * y1 * y2 % P
    minus, plus = (zz - t) % P, (zz + t) % P
    x = z * minus * (x1 * y2 + x2 * y1) % P
    y = z * plus * (y1 * y2 + x1 * x2) % P
    return (x, y, minus * plus % P)


def encode(a):
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


def recover_x(y, sign):
    """The x of a curve point with this y, or None; x = 0 ignores the sign."""
    y %= P
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * SQRT_M1 % P
    if x * x % P != square:
        return None
    return P - x if x & 1 != sign and x else x


def decode_lenient(data):
    n = int.from_bytes(data, "little")
    x = recover_x(n & 2**255 - 1, n >> 255)
    return None if x is None else (x, (n & 2**255 - 1) % P)


BASE = decode_lenient((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
assert BASE[0] % 2 == 0 and mul(L, BASE) == IDENTITY


def low_order(a):
    return mul(8, a) == IDENTITY


def secret(seed):
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & (2**254 - 8) | 2**254
    return a, h[32:]


def public(seed):
    return encode(mul(secret(seed)[0], BASE))


def challenge(r, a, message):
    return int.from_bytes(hashlib.sha512(r + a + message).digest(), "little") % L


def sign(seed, message):
    a, prefix = secret(seed)
    key = public(seed)
    r = int.from_bytes(hashlib.sha512(prefix + message).digest(), "little") % L
    point = encode(mul(r, BASE))
    s = (r + challenge(point, key, message) * a) % L
    return point + s.to_bytes(32, "little")


def good_key(key):
    """Rule 1: canonical, on the curve, of prime order."""
    a = decode_lenient(key)
    return a is not None and encode(a) == key and a != IDENTITY and mul(L, a) == IDENTITY


def accept(key, message, signature):
    """The acceptance rule of src/crypto/sign.h."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    point = decode_lenient(r)
    if not good_key(key) or s >= L or point is None or encode(point) != r or low_order(point):
        return False
    return mul(s, BASE) == add(point, mul(challenge(r, key, message), decode_lenient(key)))


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root(hashes):
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return node_hash(root(hashes[:k]), root(hashes[k:]))


def inclusion(m, hashes):
    if len(hashes) == 1:
        return []
    k = 1 << (len(hashes) - 1).bit_length() - 1
    if m < k:
        return inclusion(m, hashes[:k]) + [root(hashes[k:])]
    return inclusion(m - k, hashes[k:]) + [root(hashes[:k])]


def consistency(m, hashes, whole=True):
    if m == len(hashes):
        return [] if whole else [root(hashes)]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    if m <= k:
        return consistency(m, hashes[:k], whole) + [root(hashes[k:])]
    return consistency(m - k, hashes[k:], False) + [root(hashes[:k])]


def tiles(leaves):
    """path -> bytes of every tile and bundle of a log."""
    out = {}
    hashes = [leaf_hash(leaf) for leaf in leaves]
    level = 0
    while hashes:
        for n in range(0, (len(hashes) + 255) // 256):
            part = hashes[n * 256 : n * 256 + 256]
            out[f"tile/{level}/{number(n)}{partial(len(part))}"] = b"".join(part)
        hashes = [root(hashes[i : i + 256]) for i in range(0, len(hashes) // 256 * 256, 256)]
        level += 1
    for n in range(0, (len(leaves) + 255) // 256):
        part = leaves[n * 256 : n * 256 + 256]
        out[f"tile/entries/{number(n)}{partial(len(part))}"] = b"".join(len(e).to_bytes(2, "big") + e for e in part)
    return out


def number(n):
    text = f"{n % 1000:03}"
    while n >= 1000:
        n //= 1000
        text = f"x{n % 1000:03}/{text}"
    return text


def partial(width):
    return "" if width == 256 else f".p/{width}"


def b64(data):
    return base64.b64encode(data).decode()


def key_id(name, kind, key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:4]


def vkey(name, kind, key):
    return f"{name}+{key_id(name, kind, key).hex()}+{b64(bytes([kind]) + key)}"


def checkpoint_text(origin, hashes):
    return f"{origin}\n{len(hashes)}\n{b64(root(hashes))}\n"


def signature_line(name, kind, key, signature):
    return f"— {name} {b64(key_id(name, kind, key) + signature)}\n"


def signed_checkpoint(origin, seed, hashes):
    text = checkpoint_text(origin, hashes)
    return text + "\n" + signature_line(origin, 1, public(seed), sign(seed, text.encode()))


def cosignature_line(name, seed, text, time_s):
    message = f"cosignature/v1\ntime {time_s}\n{text}".encode()
    return signature_line(name, 4, public(seed), time_s.to_bytes(8, "big") + sign(seed, message))
