#!/usr/bin/env python3
"""Turns the CycloneDX JSON schemas into the rule list that the product carries (spec/cyclonedx/rules.json).

  tools/cyclonedx_rules.py DIR > spec/cyclonedx/rules.json     DIR is `schema/` of the CycloneDX specification

A schema of the specification is written for people: half its bytes are descriptions, every version repeats the last,
and a rule such as "exactly one of id and name" is an alternative of two sub-schemas. The rule list holds what decides
accept or refuse and nothing else: references are followed, equal rules of all versions become one (Moore's partition
refinement, since rules are recursive), and alternatives that only ask which members are present become a line that a
reader can check with one bit mask. A keyword this program does not know is an error, so nothing is lost silently.

The form of the list: docs/formats/bom_rules.md.
"""
import json
import pathlib
import sys

VERSIONS = {"1.2": "bom-1.2-strict", "1.3": "bom-1.3-strict", "1.4": "bom-1.4", "1.5": "bom-1.5", "1.6": "bom-1.6",
            "1.7": "bom-1.7"}
TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"]
ANNOTATIONS = {"title", "description", "$comment", "examples", "default", "deprecated", "meta:enum", "$id", "$schema",
               "definitions"}
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
PATTERNS = {
    "^(.*)$": "one_line",
    "^([a-fA-F0-9]{32}|[a-fA-F0-9]{40}|[a-fA-F0-9]{64}|[a-fA-F0-9]{96}|[a-fA-F0-9]{128})$": "hash",
    "^[-+a-z0-9.]+/[-+a-z0-9.]+$": "media_type",
    f"^urn:uuid:{UUID}$": "uuid_urn",
    "^([a-z]{2})(-[A-Z]{2})?$": "locale",
    f"^urn:cdx:{UUID}/[1-9][0-9]*$": "bom_link",
    f"^urn:cdx:{UUID}/[1-9][0-9]*#.+$": "bom_element_link",
    "^CRE:[0-9]+-[0-9]+$": "common_requirement",
    "^[A-Z]{2}$": "country",
    "^[A-Za-z0-9][A-Za-z0-9\\-/.()\\s]{0,28}[A-Za-z0-9]$": "patent_number",
}
FORMATS = {"date-time": "date_time", "date": "date", "iri-reference": "iri_reference", "idn-email": "email",
           "uri": "uri"}


class Compiler:
    def __init__(self, folder):
        self.folder = folder
        self.documents = {}
        self.nodes = {}  # location -> rule whose references are locations

    def document(self, name):
        if name not in self.documents:
            self.documents[name] = json.loads((self.folder / name).read_text())
        return self.documents[name]

    def follow(self, name, ref):
        """(file, pointer) a reference leads to."""
        target, _, pointer = ref.partition("#")
        return (target or name), pointer

    def at(self, name, pointer):
        value = self.document(name)
        for step in filter(None, pointer.split("/")):
            value = value[int(step)] if isinstance(value, list) else value[step]
        return value

    def rule(self, name, pointer):
        """Compiles the schema at a place, and what it leads to; gives the place of the rule."""
        schema = self.at(name, pointer)
        if isinstance(schema, dict) and "$ref" in schema:
            # Draft 7 says that what stands beside a reference counts for nothing.
            beside = set(schema) - ANNOTATIONS - {"$ref", "type"}
            if beside and schema.get("pattern") != "^(.*)$":
                sys.exit(f"{name}#{pointer}: {beside} beside $ref")
            return self.rule(*self.follow(name, schema["$ref"]))
        place = f"{name}#{pointer}"
        if place not in self.nodes:
            self.nodes[place] = {}
            self.nodes[place].update(self.compile(name, pointer, schema))
        return place

    def compile(self, name, pointer, schema):
        if schema is True:
            return {}
        out = {}
        presence = []
        below = lambda step: self.rule(name, f"{pointer}/{step}")
        for key, value in schema.items():
            if key in ANNOTATIONS:
                continue
            if key == "type":
                out["types"] = sorted([value] if isinstance(value, str) else value, key=TYPES.index)
            elif key == "enum":
                out["words"] = sorted(set(value))
            elif key == "const":
                if not isinstance(value, str):
                    sys.exit(f"{name}#{pointer}: const of another type than text")
                out["words"] = [value]
            elif key == "pattern":
                out["pattern"] = PATTERNS[value]
            elif key == "format":
                if value != "string":  # 1.2 has "format": "string", which is no format
                    out["format"] = FORMATS[value]
            elif key in ("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"):
                out[key] = value
            elif key == "uniqueItems":
                if value:
                    out["unique"] = True
            elif key == "required":
                out["required"] = sorted(value)
            elif key == "properties":
                out["members"] = {member: below(f"properties/{member}") for member in value}
            elif key == "additionalProperties":
                if not isinstance(value, bool):
                    sys.exit(f"{name}#{pointer}: additionalProperties with a schema")
                if not value:
                    out["closed"] = True
            elif key == "items":
                if isinstance(value, list):  # a list of exactly one: the same as items with maxItems 1
                    if len(value) != 1 or schema.get("additionalItems") is not False:
                        sys.exit(f"{name}#{pointer}: items by position")
                    out["items"] = below("items/0")
                    out.setdefault("maxItems", 1)
                else:
                    out["items"] = below("items")
            elif key == "additionalItems":
                pass  # without items by position it says nothing
            elif key in ("oneOf", "anyOf"):
                if all(set(part) - ANNOTATIONS == {"required"} for part in value):
                    presence.append([{"oneOf": "one", "anyOf": "any"}[key]] + [part["required"] for part in value])
                else:
                    out[key] = [below(f"{key}/{i}") for i in range(len(value))]
            elif key == "not":
                if set(value) - ANNOTATIONS != {"required"}:
                    sys.exit(f"{name}#{pointer}: not")
                presence.append(["not", value["required"]])
            elif key == "allOf":
                for i, part in enumerate(value):
                    self.all_of(name, f"{pointer}/allOf/{i}", part, out, presence)
            else:
                sys.exit(f"{name}#{pointer}: keyword {key}")
        if presence:
            out["presence"] = presence
        return out

    def all_of(self, name, pointer, part, out, presence):
        keys = set(part) - ANNOTATIONS
        if keys == {"not"}:
            presence.append(["not", part["not"]["required"]])
        elif keys == {"$ref"}:
            out.setdefault("allOf", []).append(self.rule(name, pointer))
        elif "if" in keys:
            # "if member M is false (or absent), then N may not be there": N needs M to be true.
            (member, test), = part["if"]["properties"].items()
            then = part["then"]
            if test == {"const": False} and set(then) - ANNOTATIONS == {"not"} and part.get("else", True) is True:
                presence.append(["true", [member], then["not"]["required"]])
            elif keys == {"if", "then"} and isinstance(test.get("const"), str):
                out.setdefault("cases", []).append(
                    [member, test["const"], self.rule(name, f"{pointer}/then")])
            else:
                sys.exit(f"{name}#{pointer}: if")
        else:
            sys.exit(f"{name}#{pointer}: allOf of {keys}")


def references(rule, seen):
    """The rule with each place replaced by seen(place)."""
    out = dict(rule)
    if "items" in out:
        out["items"] = seen(out["items"])
    if "members" in out:
        out["members"] = {member: seen(place) for member, place in sorted(out["members"].items())}
    for key in ("oneOf", "anyOf", "allOf"):
        if key in out:
            out[key] = [seen(place) for place in out[key]]
    if "cases" in out:
        out["cases"] = [[member, word, seen(place)] for member, word, place in out["cases"]]
    return out


def merged(nodes):
    """place -> number of its class: rules are equal when no path from them tells them apart."""
    groups = dict.fromkeys(nodes, 0)
    while True:
        keys, new = {}, {}
        for place, rule in nodes.items():
            key = json.dumps(references(rule, groups.get), sort_keys=True)
            new[place] = keys.setdefault(key, len(keys))
        if len(set(new.values())) == len(set(groups.values())):
            return new
        groups = new


def main():
    compiler = Compiler(pathlib.Path(sys.argv[1]))
    suffix = ".SNAPSHOT.schema.json" if (compiler.folder / "bom-1.7.SNAPSHOT.schema.json").exists() else ".schema.json"
    roots = {version: compiler.rule(stem + suffix, "") for version, stem in VERSIONS.items()}
    nodes = compiler.nodes
    # A bare reference in allOf, the only one, is the rule itself.
    alone = {place: rule["allOf"][0] for place, rule in nodes.items()
             if len(rule.get("allOf", [])) == 1 and set(rule) <= {"allOf", "types"}}
    nodes = {place: references(rule, lambda at: alone.get(at, at)) for place, rule in nodes.items()}
    groups = merged(nodes)
    order, rules = {}, []

    def number(place):
        group = groups[place]
        if group not in order:
            order[group] = len(order)
            rules.append(None)
            index = order[group]
            rule = references(nodes[place], number)
            rules[index] = {"at": place.replace(suffix, "").replace("/definitions/", "/").replace("/properties/", "/"),
                            **rule}
        return order[group]

    numbers = {version: number(place) for version, place in roots.items()}
    lines = ",\n".join(json.dumps(rule, ensure_ascii=True, separators=(",", ":")) for rule in rules)
    print('{"_":"Made by tools/cyclonedx_rules.py from the schemas of the CycloneDX specification (Apache-2.0); form: '
          'docs/formats/bom_rules.md",')
    print('"versions":' + json.dumps(numbers, separators=(",", ":")) + ",")
    print('"rules":[\n' + lines + "\n]}")


if __name__ == "__main__":
    sys.setrecursionlimit(10000)
    main()
