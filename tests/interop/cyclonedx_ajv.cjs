// BOMs made from the schemas and then damaged, with the verdict of an independent JSON Schema validator (ajv).
//
// usage: node cyclonedx_ajv.cjs NODE_MODULES SEED COUNT      one BOM per line: "+" or "-", then JSON
//
// The schemas are those the npm package @cyclonedx/cyclonedx-library ships. Its authors changed two things, which are
// undone here: `version` is required up to 1.4, and `$schema` is held against a list up to 1.5 (never written below).
const path = require('path');
const fs = require('fs');
const [modules, seed_text, count_text] = process.argv.slice(2);
const from = (name) => require(path.join(modules, name));
const Ajv = from('ajv').default;
const schemas = path.join(modules, '@cyclonedx/cyclonedx-library/res/schema');
const load = (name) => JSON.parse(fs.readFileSync(path.join(schemas, `${name}.SNAPSHOT.schema.json`)));
const url = (name) => `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`;
const shared = {};
for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs']) shared[url(name)] = load(name);
const ajv = new Ajv({strict: false, addUsedSchema: false, schemas: shared});
from('ajv-formats').default(ajv);
from('ajv-formats-draft2019')(ajv, {formats: ['idn-email']});
ajv.addFormat('iri-reference', true);  // the package's own choice; our reader checks it, so no IRI is damaged below
const roots = {};
for (const version of ['1.2', '1.3', '1.4', '1.5', '1.6', '1.7']) {
  const schema = load(`bom-${version}${version < '1.4' ? '-strict' : ''}`);
  if (version < '1.5') schema.required = ['bomFormat', 'specVersion', 'version'];
  roots[version] = {schema, check: ajv.compile(schema)};
}

// splitmix64, cut to 32 bits a draw
let state = BigInt(seed_text);
const mask = (1n << 64n) - 1n;
const below = (n) => {
  state = (state + 0x9e3779b97f4a7c15n) & mask;
  let z = state;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask;
  return Number((z ^ (z >> 31n)) & 0xffffffffn) % n;
};
const one = (list) => list[below(list.length)];

const uuid = '3e671687-395b-41f5-a30f-a58921a69b79';
const samples = [
  ['urn:uuid', `urn:uuid:${uuid}`], ['urn:cdx', `urn:cdx:${uuid}/1#part`], ['a-fA-F', 'd41d8cd98f00b204e9800998ecf8427e'],
  ['CRE', 'CRE:1-2'], ['^[A-Z]{2}$', 'DE'], ['[a-z]{2})(-', 'en-US'], ['{0,28}', 'US1'], ['/[-+', 'text/plain']];
let serial = 0;

function text(schema) {
  if (schema.pattern && schema.pattern !== '^(.*)$') {
    const found = samples.find(([part]) => schema.pattern.includes(part))[1];
    return schema.pattern.includes('urn:cdx') && !schema.pattern.includes('#') ? found.split('#')[0] : found;
  }
  switch (schema.format) {
    case 'date-time': return '2026-11-27T14:30:00Z';
    case 'date': return '2026-11-27';
    case 'idn-email': return 'a@b.example';
    case 'uri':
    case 'iri-reference': return `https://example.test/${++serial}`;
    default: return `t${++serial}`;
  }
}

function resolve(schema, root) {
  while (schema.$ref) {
    const [file, pointer] = schema.$ref.split('#');
    if (file) root = shared[Object.keys(shared).find((name) => name.endsWith(file.split('/').pop()))];
    schema = (pointer || '').split('/').filter(Boolean).reduce((at, step) => at[step], root);
  }
  return [schema, root];
}

// A value that mostly fits; ajv has the last word.
function make(given, given_root, depth) {
  const [schema, root] = resolve(given, given_root);
  for (const key of ['oneOf', 'anyOf'])
    if (schema[key] && !schema[key].every((part) => part.required && !part.properties)) return make(one(schema[key]), root, depth);
  if (schema.allOf && !schema.properties) return make(schema.allOf[0], root, depth);
  if (schema.enum) return one(schema.enum);
  const type = Array.isArray(schema.type) ? one(schema.type) : schema.type;
  if (type === 'string') return text(schema);
  if (type === 'integer') return (schema.minimum ?? 1) + below(3);
  if (type === 'number') return schema.maximum === 1 ? one([0, 0.5, 1]) : 1.5;
  if (type === 'boolean') return below(2) === 0;
  if (type === 'array') {
    const items = Array.isArray(schema.items) ? schema.items[0] : schema.items ?? {};
    const out = [];
    for (let i = depth > 9 ? (schema.minItems ?? 0) : 1 + below(Array.isArray(schema.items) ? 1 : 2); i > 0; --i) out.push(make(items, root, depth + 1));
    return out;
  }
  if (!schema.properties) return `t${++serial}`;
  let names = new Set(schema.required ?? []);
  for (const key of ['oneOf', 'anyOf'])
    if (schema[key]) for (const name of one(schema[key]).required) names.add(name);
  const kept = new Set((schema.oneOf ?? []).flatMap((part) => part.required));
  const chance = depth === 0 ? 3 : depth > 7 ? 0 : 4;
  for (const name of Object.keys(schema.properties)) if (chance && !kept.has(name) && below(chance) === 0) names.add(name);
  const out = {};
  for (const name of names) if (schema.properties[name]) out[name] = make(schema.properties[name], root, depth + 1);
  return out;
}

// Every place in a document: [holder, key].
function places(value, out = []) {
  if (value && typeof value === 'object')
    for (const key of Object.keys(value)) {
      out.push([value, key]);
      places(value[key], out);
    }
  return out;
}

function damage(bom) {
  const all = places(bom).filter(([holder, key]) => !(holder === bom && ['specVersion', 'bomFormat', '$schema'].includes(key)));
  if (all.length === 0) return;
  const [holder, key] = one(all);
  const value = holder[key];
  switch (below(7)) {
    case 0: return void (Array.isArray(holder) ? holder.splice(key, 1) : delete holder[key]);
    case 1: return void (holder[key] = one([null, true, 7, -1, 1.5, 'x', [], {}]));
    case 2: if (!Array.isArray(holder)) holder[`${key}s`] = value; return;
    case 3: if (Array.isArray(holder)) holder.push(structuredClone(value)); return;
    case 4: if (!Array.isArray(holder)) { holder[one(['name', 'id', 'ref', 'type', 'version', 'text', 'url'])] = 'x1'; } return;
    case 5: if (typeof value === 'string' && !/^https:|^urn:cdx/.test(value)) holder[key] = one([value + 'x', value.slice(1), value.toUpperCase(), '']); return;
    default: if (typeof value === 'number') holder[key] = -value; return;
  }
}

const versions = Object.keys(roots);
const lines = [];
for (let i = 0; i < Number(count_text); ++i) {
  const version = versions[i % versions.length];
  const {schema, check} = roots[version];
  const bom = {...make(schema, schema, 0), bomFormat: 'CycloneDX', specVersion: version, version: 1};
  delete bom.$schema;
  for (let n = below(3); n > 0; --n) damage(bom);
  lines.push((check(bom) ? '+' : '-') + JSON.stringify(bom));
}
console.log(lines.join('\n'));
