#!/usr/bin/python3
"""Trains `reach`: the next move of a two-joint arm that must reach a target past an obstacle.

The task. Two links of 0.5 m turn in a plane: q1 without stop, q2 within 2.65
rad. A round obstacle stands in the way. Given both angles, target, obstacle
and its radius, name the best of eight joint moves (which joints, which way).

The expert. For every scene a grid over joint space, collisions marked, is
filled with the cost to reach the target (value iteration, 16 neighbours, extra
cost close to the obstacle). The best move is the one that leads to the lowest
cost. A map takes 10 ms a scene; the network imitates the answer in microseconds.
Golden cases come from scenes never trained on, and only from states where the
expert prefers one move clearly (golden cases must have one right answer).
Closed-loop episodes are judged too: reached, not touched.

The model. The graph first turns target and obstacle into the arm's own frame
(Sin, Cos), because turning the whole world changes nothing; then four dense
layers. 21 thousand weights.

The simpler idea that failed. Solve the inverse kinematics, drive both joints
straight to the nearer solution: the script prints it as a baseline. It is
right wherever the way is free and drives into the obstacle where it is not.

Run: /usr/bin/python3 train_reach.py
"""
import os
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import golden
import tape
from graph import Graph, TensorProto

SEED, LINK, CELLS, HALF = 20261104, 0.5, 64, 27
STEP = 2 * np.pi / CELLS                                 # one grid cell, and one move: 0.098 rad
TRAIN_SCENES, TEST_SCENES, PER_SCENE, EPOCHS = 3_000, 500, 64, 10
TEST_CASES, MARGIN, REACHED = 1_500, 0.08, 0.08
MOVES = np.array([[1, 0], [1, 1], [0, 1], [-1, 1], [-1, 0], [-1, -1], [0, -1], [1, -1]], np.float64)
MOVES /= np.linalg.norm(MOVES, axis=1, keepdims=True)
CLASSES = ["q1+", "q1+q2+", "q2+", "q1-q2+", "q1-", "q1-q2-", "q2-", "q1+q2-"]
WIDE = 96


# ---- the arm ----------------------------------------------------------------
def joints(q):
    """Elbow and tip of the arm, [..., 2] each."""
    elbow = LINK * np.stack([np.cos(q[..., 0]), np.sin(q[..., 0])], -1)
    both = q[..., 0] + q[..., 1]
    return elbow, elbow + LINK * np.stack([np.cos(both), np.sin(both)], -1)


def to_segment(point, a, b):
    along = b - a
    t = np.clip(((point - a) * along).sum(-1) / LINK ** 2, 0, 1)[..., None]
    return np.linalg.norm(point - a - t * along, axis=-1)


def clearance(q, scene):
    """Distance between the arm and the obstacle's rim; negative is a collision."""
    elbow, tip = joints(q)
    centre = scene[..., 2:4]
    return np.minimum(to_segment(centre, np.zeros(2), elbow), to_segment(centre, elbow, tip)) - scene[..., 4]


def solutions(scene):
    """Both joint solutions for the target, [scene, 2, 2]."""
    target = scene[:, :2]
    bend = np.arccos(np.clip((target ** 2).sum(1) / (2 * LINK ** 2) - 1, -1, 1))
    q2 = np.stack([bend, -bend], 1)
    return np.stack([np.arctan2(target[:, 1], target[:, 0])[:, None] - q2 / 2, q2], -1)


def wrap(angle):
    return (angle + np.pi) % (2 * np.pi) - np.pi


def scenes(count, rng):
    """Target x, y, obstacle x, y, radius; the target is outside the obstacle, the base too."""
    out = np.empty((0, 5))
    while len(out) < count:
        polar = lambda low, high: (rng.uniform(low, high, 4 * count), rng.uniform(-np.pi, np.pi, 4 * count))
        (r1, a1), (r2, a2) = polar(0.3, 0.95), polar(0.3, 0.9)
        s = np.stack([r1 * np.cos(a1), r1 * np.sin(a1), r2 * np.cos(a2), r2 * np.sin(a2),
                      rng.uniform(0.07, 0.16, 4 * count)], 1)
        out = np.concatenate([out, s[np.linalg.norm(s[:, :2] - s[:, 2:4], axis=1) > s[:, 4] + 0.08]])
    return out[:count]


# ---- the expert -------------------------------------------------------------
GRID = np.stack(np.meshgrid(np.arange(CELLS) * STEP - np.pi, np.arange(-HALF, HALF + 1) * STEP, indexing="ij"), -1)
NEVER = np.float32(40)


def cost_to_go(scene):
    """[scene, q1 cell, q2 cell]: length of the cheapest way to the target, NEVER where there is none."""
    free = clearance(GRID[None], scene[:, None, None]).astype(np.float32)
    price = 1 + 2 * np.clip(1 - free / 0.06, 0, 1)
    blocked = free < 0.01
    goal = solutions(scene)[:, :, None, None]
    gap = GRID[None, None] - goal
    distance = np.hypot(wrap(gap[..., 0]), gap[..., 1]).min(1)
    cost = np.where((distance < 2 * STEP) & ~blocked, distance, NEVER).astype(np.float32)
    moves = [(i, j) for i in range(-2, 3) for j in range(-2, 3) if max(abs(i), abs(j)) == 1 or abs(i * j) == 2]
    for _ in range(3 * CELLS):
        before = cost.copy()
        for i, j in moves:
            length = np.float32(np.hypot(i, j) * STEP)
            came = np.roll(cost, i, 1)
            lo, hi = max(0, j), 2 * HALF + 1 + min(0, j)
            better = came[:, :, lo - j:hi - j] + length * price[:, :, lo:hi]
            cost[:, :, lo:hi] = np.minimum(cost[:, :, lo:hi], np.where(blocked[:, :, lo:hi], NEVER, better))
        if np.array_equal(before, cost):
            break
    return cost


def look_up(cost, index, q):
    """Cost at joint angles, bilinear; beyond the q2 stops there is no way."""
    u, v = (q[..., 0] + np.pi) / STEP, q[..., 1] / STEP + HALF
    outside = (v < 0) | (v > 2 * HALF)
    v = np.clip(v, 0, 2 * HALF - 1e-6)
    iu, iv = np.floor(u).astype(int), v.astype(int)
    fu, fv = u - iu, v - iv
    left, right = iu % CELLS, (iu + 1) % CELLS
    value = ((1 - fu) * ((1 - fv) * cost[index, left, iv] + fv * cost[index, left, iv + 1])
             + fu * ((1 - fv) * cost[index, right, iv] + fv * cost[index, right, iv + 1]))
    return np.where(outside, NEVER, value)


def judge(cost, index, q):
    """Best move and how much better than the second it is, in units of the step."""
    after = np.stack([look_up(cost, index, q + STEP * m) for m in MOVES], -1)
    ranked = np.sort(after, -1)
    return after.argmin(-1), (ranked[..., 1] - ranked[..., 0]) / STEP


def cases(count, per_scene, rng):
    """States, labels, margins and where they came from: inputs are [n, 7] and already rounded as stored."""
    inputs, labels, margins = [], [], []
    for _ in range(0, count, 250):
        scene = scenes(250, rng)
        cost = cost_to_go(scene)
        index = np.repeat(np.arange(250), per_scene)
        q = np.stack([rng.uniform(-np.pi, np.pi, len(index)), rng.uniform(-HALF, HALF, len(index)) * STEP], -1)
        stored = golden.quantise(np.concatenate([q, scene[index]], 1), "int16", -12)
        x = as_input(stored).astype(np.float64)
        q, scene = x[:, :2], x[:, 2:]
        label, margin = judge(cost, index, q)
        tip = joints(q)[1]
        use = ((clearance(q, scene) > 0.02) & (look_up(cost, index, q) < NEVER / 2)
               & (np.linalg.norm(tip - scene[:, :2], axis=1) > REACHED))
        inputs.append(stored[use])
        labels.append(label[use])
        margins.append(margin[use])
    return np.concatenate(inputs), np.concatenate(labels), np.concatenate(margins)


def as_input(stored):
    return golden.dequantise(stored, {"scale_log2": -12, "zero": 0}, "float32")


def straight(inputs):
    """The simple idea: the move that points best towards the nearer joint solution."""
    x = inputs.astype(np.float64)
    gap = solutions(x[:, 2:]) - x[:, None, :2]
    gap[..., 0] = wrap(gap[..., 0])
    nearer = np.linalg.norm(gap, axis=-1).argmin(1)
    return (gap[np.arange(len(x)), nearer] @ MOVES.T).argmax(1)


def episodes(policy, rng, count=400, limit=90):
    """Share of closed-loop episodes that reach the target within `limit` moves without touching anything."""
    scene = scenes(count, rng)
    cost = cost_to_go(scene)
    q = np.stack([rng.uniform(-np.pi, np.pi, count), rng.uniform(-HALF, HALF, count) * STEP], -1)
    fair = (clearance(q, scene) > 0.05) & (look_up(cost, np.arange(count), q) < NEVER / 2)
    reached, touched = np.zeros(count, bool), np.zeros(count, bool)
    for _ in range(limit):
        reached |= ~touched & (np.linalg.norm(joints(q)[1] - scene[:, :2], axis=1) < REACHED)
        move = policy(np.concatenate([wrap(q[:, :1]), q[:, 1:], scene], 1), cost)
        step = STEP * MOVES[move] * ~(reached | touched)[:, None]
        touched |= ~reached & (clearance(q + step, scene) < 0)
        q = q + step
        q[:, 1] = np.clip(q[:, 1], -HALF * STEP, HALF * STEP)
    return float(reached[fair].mean())


# ---- the network ------------------------------------------------------------
def fixed(rows):
    """A 7-row matrix that picks, swaps or negates inputs (q1 q2 tx ty ox oy r)."""
    m = np.zeros((7, len(rows)), np.float32)
    for column, (row, factor) in enumerate(rows):
        m[row, column] = factor
    return m


TURN, BEND = fixed([(0, 1)] * 4), fixed([(1, 1)] * 2)      # q1 four times, q2 twice
POINTS = fixed([(2, 1), (3, 1), (4, 1), (5, 1)])
CROSSED = fixed([(3, 1), (2, -1), (5, 1), (4, -1)])
PLAIN = fixed([(1, 1), (6, 4)])                            # q2, and the radius scaled up


def init(rng):
    sizes, p = [10, WIDE, WIDE, WIDE, len(CLASSES)], {}
    for i in range(4):
        p[f"dense{i}.weight"] = tape.init(rng, sizes[i], sizes[i + 1], gain=1.4 if i < 3 else 1.0)
        p[f"dense{i}.bias"] = tape.zeros(sizes[i + 1])
    return p


def forward(p, x):
    turn, bend = x @ TURN, x @ BEND
    world = (x @ POINTS) * np.cos(turn) + (x @ CROSSED) * np.sin(turn)
    h = tape.Var(np.concatenate([world, np.sin(bend), np.cos(bend), x @ PLAIN], 1))
    dense = lambda i: h @ p[f"dense{i}.weight"] + p[f"dense{i}.bias"]
    h = tape.leaky_relu(dense(0), 0.1)
    h = tape.leaky_relu(dense(1), 0.1)
    h = tape.tanh(dense(2))
    return dense(3)


def export(p):
    g = Graph("reach", {k: v.value for k, v in p.items()})
    pick = lambda name, matrix: g("MatMul", "state", g.const(name, matrix))
    turn, bend = pick("turn", TURN), pick("bend", BEND)
    world = g("Add", g("Mul", pick("points", POINTS), g("Cos", turn)),
              g("Mul", pick("crossed", CROSSED), g("Sin", turn)))
    h = g("Concat", world, g("Sin", bend), g("Cos", bend), pick("plain", PLAIN), axis=1)
    for i in range(4):
        last = {"name": "logits"} if i == 3 else {}
        h = g("Add", g("MatMul", h, f"dense{i}.weight"), f"dense{i}.bias", **last)
        if i < 3:
            h = g("LeakyRelu", h, alpha=0.1) if i < 2 else g("Tanh", h)
    g.save("state", TensorProto.FLOAT, [7], len(CLASSES))


def main():
    rng = np.random.default_rng(SEED)
    stored, labels, _ = cases(TRAIN_SCENES, PER_SCENE, rng)
    print(f"{len(labels)} training states, moves {np.bincount(labels, minlength=8) / len(labels)}", flush=True)
    test, test_labels, margins = cases(TEST_SCENES, 8, np.random.default_rng(SEED + 1))
    clear = np.flatnonzero(margins > MARGIN)[:TEST_CASES]
    print(f"{len(test)} held-out states, {(margins > MARGIN).mean():.3f} with a clear answer")
    test, test_labels = test[clear], test_labels[clear]
    print(f"baseline, straight to the nearer solution: {(straight(as_input(test)) == test_labels).mean():.4f}")

    inputs = as_input(stored)
    params = init(rng)
    tape.fit(params, forward, lambda: (inputs, labels), rng=rng, epochs=EPOCHS, batch=256, rate=4e-3)
    export(params)
    policy = lambda x, _: forward(params, x.astype(np.float32)).value.argmax(1)
    for name, choose in (("expert", lambda x, cost: judge(cost, np.arange(len(x)), x[:, :2])[0]),
                         ("straight", lambda x, _: straight(x)), ("network", policy)):
        print(f"episodes reached without touching, {name}: {episodes(choose, np.random.default_rng(SEED + 2)):.4f}")
    golden.finish("reach", input_name="state", stored=test, scale_log2=-12, classes=CLASSES, labels=test_labels,
                  trained_logits=tape.predict(params, forward, as_input(test)))


if __name__ == "__main__":
    main()
