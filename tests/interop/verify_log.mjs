// A second independent verifier of our files: JavaScript over @noble/curves and @noble/hashes.
//
// usage: node verify_log.mjs FOLDER      as written by export_log: keys, tree/, old-checkpoint, *.tlog-proof, evidence.fork
//
// Every file is verified; then bytes are changed one at a time, and every change must be refused: each byte of the
// checkpoint, the old checkpoint, a proof and the fork evidence, and some bytes of each tile and bundle.
import {ed25519} from '@noble/curves/ed25519';
import {sha256} from '@noble/hashes/sha256';
import {readFileSync, readdirSync} from 'node:fs';
import {join} from 'node:path';

const text_of = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
const bytes_of = (s) => new TextEncoder().encode(s);
const same = (a, b) => Buffer.compare(a, b) === 0;
const must = (holds, what) => { if (!holds) throw new Error(what); };
const concat = (...parts) => new Uint8Array(Buffer.concat(parts));
const sha = (...parts) => sha256(concat(...parts));

// One value, one text.
function base64(s) {
  const out = new Uint8Array(Buffer.from(s, 'base64'));
  must(Buffer.from(out).toString('base64') === s, 'base64');
  return out;
}
function hash_text(s) {
  const out = base64(s);
  must(out.length === 32, 'not a hash');
  return out;
}
function decimal(s) {
  must(/^(0|[1-9][0-9]{0,15})$/.test(s), 'decimal');
  return Number(s);
}

// RFC 6962 and the verifying loops of RFC 9162.
const leaf_hash = (leaf) => sha(Uint8Array.of(0), leaf);
const node_hash = (left, right) => sha(Uint8Array.of(1), left, right);
function tree_hash(hashes) {
  if (hashes.length === 1) return hashes[0];
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return node_hash(tree_hash(hashes.slice(0, k)), tree_hash(hashes.slice(k)));
}
function check_inclusion(leaf, index, size, path, root) {
  must(index < size, 'index');
  let fn = BigInt(index), sn = BigInt(size - 1), r = leaf;
  for (const p of path) {
    must(sn !== 0n, 'the path is too long');
    if ((fn & 1n) === 1n || fn === sn) {
      r = node_hash(p, r);
      while ((fn & 1n) === 0n && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
    } else {
      r = node_hash(r, p);
    }
    fn >>= 1n; sn >>= 1n;
  }
  must(sn === 0n && same(r, root), 'inclusion');
}
function check_consistency(old_size, size, old_root, root, path) {
  must(old_size > 0 && old_size < size, 'sizes');
  let proof = path;
  if (Number.isInteger(Math.log2(old_size))) proof = [old_root, ...path];
  must(proof.length > 0, 'no path');
  let fn = BigInt(old_size - 1), sn = BigInt(size - 1);
  while ((fn & 1n) === 1n) { fn >>= 1n; sn >>= 1n; }
  let fr = proof[0], sr = proof[0];
  for (const c of proof.slice(1)) {
    must(sn !== 0n, 'the path is too long');
    if ((fn & 1n) === 1n || fn === sn) {
      fr = node_hash(c, fr); sr = node_hash(c, sr);
      while ((fn & 1n) === 0n && fn !== 0n) { fn >>= 1n; sn >>= 1n; }
    } else {
      sr = node_hash(sr, c);
    }
    fn >>= 1n; sn >>= 1n;
  }
  must(sn === 0n && same(fr, old_root) && same(sr, root), 'consistency');
}
// The path by its definition (RFC 6962 §2.1.1, §2.1.2), over leaf hashes.
function inclusion(index, hashes) {
  if (hashes.length === 1) return [];
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return index < k ? [...inclusion(index, hashes.slice(0, k)), tree_hash(hashes.slice(k))]
                   : [...inclusion(index - k, hashes.slice(k)), tree_hash(hashes.slice(0, k))];
}
function consistency(old_size, hashes, whole = true) {
  if (old_size === hashes.length) return whole ? [] : [tree_hash(hashes)];
  let k = 1;
  while (k * 2 < hashes.length) k *= 2;
  return old_size <= k ? [...consistency(old_size, hashes.slice(0, k), whole), tree_hash(hashes.slice(k))]
                       : [...consistency(old_size - k, hashes.slice(k), false), tree_hash(hashes.slice(0, k))];
}

function verifier(vkey) {
  const [, name, id, material] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey);
  const data = base64(material);
  must(data.length === 33 && (data[0] === 1 || data[0] === 4), 'key type');
  must(Buffer.from(sha(bytes_of(name + '\n'), data)).toString('hex').slice(0, 8) === id, 'key id');
  return {name, id, type: data[0], key: data.slice(1)};
}
const verified = new Map();  // signatures seen before: attacks on tiles would check the same ones again and again
function signature_holds(key, message, signature) {
  const name = Buffer.from(sha(key, sha(message), signature)).toString('hex');
  if (!verified.has(name)) verified.set(name, ed25519.verify(signature, message, key, {zip215: false}));
  return verified.get(name);
}

// A checkpoint signed by exactly these keys, once each.
function open(message, keys) {
  const whole = text_of.decode(message);
  const split = whole.lastIndexOf('\n\n');
  must(split > 0 && whole.endsWith('\n'), 'not a note');
  const text = whole.slice(0, split + 1);
  const lines = whole.slice(split + 2, -1).split('\n');
  const signers = new Set();
  for (const line of lines) {
    const parts = /^\u2014 (\S+) (\S+)$/.exec(line);
    must(parts, 'signature line');
    const blob = base64(parts[2]);
    const id = Buffer.from(blob.slice(0, 4)).toString('hex');
    const key = keys.find((k) => k.name === parts[1] && k.id === id);
    must(key && !signers.has(key), 'unknown or repeated signer');
    let signed = text, signature = blob.slice(4);
    if (key.type === 4) {
      signed = `cosignature/v1\ntime ${Buffer.from(signature).readBigUInt64BE(0)}\n${text}`;
      signature = signature.slice(8);
    }
    must(signature.length === 64 && signature_holds(key.key, bytes_of(signed), signature), `signature of ${key.name}`);
    signers.add(key);
  }
  must(signers.size === keys.length, 'a signer is missing');
  const body = text.split('\n');
  must(body.length === 4 && body[0] === keys[0].name, 'not a checkpoint of this log');
  return {size: decimal(body[1]), root: hash_text(body[2])};
}

function tile_path(level, n, width) {
  let digits = String(n % 1000).padStart(3, '0');
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000))
    digits = `x${String(rest % 1000).padStart(3, '0')}/${digits}`;
  return `tile/${level}/${digits}${width === 256 ? '' : `.p/${width}`}`;
}
// The whole tree: entries to tiles to the signed root, every byte of every file. Returns head and leaf hashes.
function verify_tree(files, keys) {
  const head = open(files.get('checkpoint'), keys);
  let wanted = 1;
  const file = (path) => { ++wanted; must(files.has(path), `${path} is missing`); return files.get(path); };
  const tiles_of = function* (count) {
    for (let n = 0; n * 256 < count; ++n) yield [n, Math.min(256, count - n * 256)];
  };
  const leaves = [];
  // What a partial tile of an earlier head must be: the beginning of the one of this head. By its path.
  const earlier = new Map();
  const keep_beginnings = (level, n, width, ends, whole) => {
    for (let w = 1; w < Math.min(width, 256); ++w) earlier.set(`${tile_path(level, n, 1).slice(0, -1)}${w}`, whole.subarray(0, ends(w)));
    if (width === 256) return;
    earlier.delete(tile_path(level, n, width));
  };
  for (const [n, width] of tiles_of(head.size)) {
    const bundle = file(tile_path('entries', n, width));
    let at = 0;
    const ends = [0];
    for (let i = 0; i < width; ++i) {
      must(at + 2 <= bundle.length, 'bundle');
      const length = bundle[at] * 256 + bundle[at + 1];
      must(at + 2 + length <= bundle.length, 'bundle');
      leaves.push(leaf_hash(bundle.subarray(at + 2, at + 2 + length)));
      at += 2 + length;
      ends.push(at);
    }
    must(at === bundle.length, 'bytes after the last entry');
    keep_beginnings('entries', n, width, (w) => ends[w], bundle);
  }
  must(same(tree_hash(leaves), head.root), 'the entries do not give the signed root');
  for (let level = 0, hashes = leaves; hashes.length > 0; ++level) {
    const above = [];
    for (const [n, width] of tiles_of(hashes.length)) {
      const tile = hashes.slice(n * 256, n * 256 + width);
      must(same(concat(...tile), file(tile_path(level, n, width))), `${tile_path(level, n, width)} is not of its entries`);
      keep_beginnings(level, n, width, (w) => 32 * w, concat(...tile));
      if (width === 256) above.push(tree_hash(tile));
    }
    hashes = above;
  }
  // A folder that grew still has partial tiles of the heads before.
  for (const [path, bytes] of files)
    if (earlier.has(path)) {
      must(same(earlier.get(path), bytes), `${path} is no beginning of its tile`);
      ++wanted;
    }
  must(files.size === wanted, 'files that belong to no tree');
  return {head, leaves};
}
function verify_proof(message, keys) {
  const whole = text_of.decode(message);
  const split = whole.indexOf('\n\n');
  must(split > 0, 'no empty line');
  const [header, extra, index, ...path] = whole.slice(0, split).split('\n');
  must(header === 'c2sp.org/tlog-proof@v1' && extra?.startsWith('extra ') && index?.startsWith('index '), 'form');
  const head = open(bytes_of(whole.slice(split + 2)), keys);
  check_inclusion(leaf_hash(base64(extra.slice(6))), decimal(index.slice(6)), head.size, path.map(hash_text), head.root);
}
function verify_fork(message, log_key) {
  const whole = text_of.decode(message);
  const parts = whole.split('\n\n');
  must(parts.length === 5, 'form');
  const [header, root, ...path] = parts[0].split('\n');
  must(header === 'hezong/fork@v1', 'form');
  const first = open(bytes_of(`${parts[1]}\n\n${parts[2]}\n`), [log_key]);
  const second = open(bytes_of(`${parts[3]}\n\n${parts[4]}`), [log_key]);
  if (first.size === second.size) return must(root === undefined && !same(first.root, second.root), 'no fork');
  must(root?.startsWith('root '), 'form');
  const other = hash_text(root.slice(5));
  must(!same(other, first.root), 'no fork');
  check_consistency(first.size, second.size, other, second.root, path.map(hash_text));
}

let refusals = 0;
function refused(check, what) {
  try { check(); } catch { ++refusals; return; }
  throw new Error(`ACCEPTED: ${what}`);
}
// Changes one bit of `count` bytes spread over the file; all of them when it is small enough.
function attack(name, bytes, check, count = bytes.length) {
  const step = Math.max(1, Math.floor(bytes.length / count));
  for (let at = 0; at < bytes.length; at += step) {
    const bad = Uint8Array.from(bytes);
    bad[at] ^= 1 << (at % 8);
    refused(() => check(bad), `${name} byte ${at}`);
  }
  refused(() => check(bytes.subarray(0, bytes.length - 1)), `${name} cut`);
  refused(() => check(concat(bytes, Uint8Array.of(10))), `${name} longer`);
}

const folder = process.argv[2];
const read = (path) => new Uint8Array(readFileSync(join(folder, path)));
const keys = text_of.decode(read('keys')).trim().split('\n').map(verifier);
const files = new Map();
const walk = (path) => {
  for (const entry of readdirSync(join(folder, 'tree', path), {withFileTypes: true})) {
    const name = path ? `${path}/${entry.name}` : entry.name;
    if (entry.isDirectory()) walk(name); else files.set(name, read(`tree/${name}`));
  }
};
walk('');

const {head, leaves} = verify_tree(files, keys);
for (let i = 0; i < head.size; i += Math.ceil(head.size / 5))
  check_inclusion(leaves[i], i, head.size, inclusion(i, leaves), head.root);
const old = open(read('old-checkpoint'), [keys[0]]);
if (old.size < head.size) {
  check_consistency(old.size, head.size, old.root, head.root, consistency(old.size, leaves));
  refused(() => check_consistency(old.size, head.size, head.root, head.root, consistency(old.size, leaves)), 'root');
}
const proofs = readdirSync(folder).filter((name) => name.endsWith('.tlog-proof'));
for (const name of proofs) verify_proof(read(name), keys);
verify_fork(read('evidence.fork'), keys[0]);

for (const missing of keys) refused(() => open(files.get('checkpoint'), keys.filter((k) => k !== missing)), 'a stranger');
attack('checkpoint', files.get('checkpoint'), (bytes) => open(bytes, keys));
attack('old checkpoint', read('old-checkpoint'), (bytes) => open(bytes, [keys[0]]));
attack('proof', read(proofs[0]), (bytes) => verify_proof(bytes, keys));
attack('fork', read('evidence.fork'), (bytes) => verify_fork(bytes, keys[0]));
const each = head.size > 1000 ? 1 : 16;
for (const [name, bytes] of files)
  if (name !== 'checkpoint')
    attack(name, bytes, (bad) => verify_tree(new Map(files).set(name, bad), keys), each);
console.log(`log of ${head.size}: ${files.size} files, ${proofs.length} proofs, fork evidence hold; ${refusals} changes refused`);
