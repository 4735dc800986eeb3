# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table of operators, as `convoy operators --json` prints it, against the schemas of the onnx package.

What an entry takes must be what ONNX has in each opset of the entry: the operator exists, and no number of inputs and
no element type that ONNX allows is missing, unless the entry states a limit.
"""

import json
from collections import defaultdict

import onnx.defs
import support

NEWEST = onnx.defs.onnx_opset_version()
# Types that no tensor of a model may have, and why: docs/operators.md says it for all operators.
NEVER = {"string", "complex64", "complex128"}
# Operators with types that ONNX has and the importer refuses; the entry's limits say so.
REFUSES_TYPES = {"PRelu": "no integers", "QLinearMatMul": "no 8-bit floats", "Resize": "no bool", "Upsample": "no bool"}
# Versions that ONNX marks as deprecated, the first because it was corrected, the second because it got a new name.
DEPRECATED = {("GroupNormalization", 18), ("Scatter", 11)}
# Versions that differ from all later ones, and that no exporter writes: Scan with a batch.
LEFT_OUT_VERSIONS = {("Scan", 8)}


def read_schemas():
    """Name -> the versions of the operator, oldest first."""
    schemas = defaultdict(list)
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "":
            schemas[schema.name].append(schema)
    return {name: sorted(versions, key=lambda schema: schema.since_version) for name, versions in schemas.items()}


SCHEMAS = read_schemas()
LIST = json.loads(support.convoy("operators", "--json").stdout)
ENTRIES = [entry for entry in LIST["operators"] if entry["domain"] == "" and not entry["experimental"]]


def find_schema(name, opset):
    """The version of an operator in an opset, or None."""
    schema = next((schema for schema in reversed(SCHEMAS[name]) if schema.since_version <= opset), None)
    if schema and schema.deprecated and (name, schema.since_version) not in DEPRECATED:
        return None
    return schema


def opsets_of(entry):
    return range(entry["since"], min(entry["until"] or NEWEST, NEWEST) + 1)


def schemas_of(entry):
    """The versions of the operator that the entry is for."""
    schemas = [find_schema(entry["name"], opset) for opset in opsets_of(entry)]
    return list({schema.since_version: schema for schema in schemas if schema}.values())


def types_of(entry, index):
    sets, repeated = entry["types"], entry["repeated"]
    return set(sets[index] if index < len(sets) else sets[len(sets) - repeated + (index - len(sets)) % repeated])


def test_operators_exist_in_each_opset():
    missing = [(entry["name"], opset) for entry in ENTRIES for opset in opsets_of(entry)
               if not find_schema(entry["name"], opset)]
    assert len(ENTRIES) > 150 and not missing


def test_numbers_of_inputs():
    """Those of all the opsets of an entry together."""
    for entry in ENTRIES:
        schemas = schemas_of(entry)
        least, most = min(schema.min_input for schema in schemas), max(schema.max_input for schema in schemas)
        stated = (entry["min_inputs"], entry["max_inputs"])
        assert stated == (least, most if most < 1000 else None), entry["name"]


def refused_types(entry):
    """(input, opset, types) for types that ONNX allows and the entry does not."""
    for schema in schemas_of(entry):
        constraints = {types.type_param_str: types.allowed_type_strs for types in schema.type_constraints}
        for index, formal in enumerate(schema.inputs):
            names = constraints.get(formal.type_str, [formal.type_str])
            wanted = {name.removeprefix("tensor(")[:-1] for name in names if name.startswith("tensor(")} - NEVER
            if wanted - types_of(entry, index):
                yield index, schema.since_version, wanted - types_of(entry, index)


def test_types_of_inputs():
    for entry in ENTRIES:
        refused = list(refused_types(entry))
        if refused:
            assert REFUSES_TYPES.get(entry["name"], "?") in entry["limits"], (entry["name"], refused)
        else:
            assert entry["name"] not in REFUSES_TYPES


def test_opsets_are_covered():
    """Each opset in which an operator of the list exists has one entry."""
    for name in {entry["name"] for entry in ENTRIES}:
        ranges = [(entry["since"], entry["until"] or NEWEST) for entry in ENTRIES if entry["name"] == name]
        for opset in range(1, NEWEST + 1):
            count = sum(since <= opset <= until for since, until in ranges)
            if (name, opset) in LEFT_OUT_VERSIONS:
                assert count == 0
                continue
            assert count == bool(find_schema(name, opset)), f"{name} of opset {opset}"


def test_experiments_are_not_in_the_standard():
    names = [entry["name"] for entry in LIST["operators"] if entry["experimental"]]
    assert names and not set(names) & SCHEMAS.keys()


def test_left_out_operators_are_real():
    names = {name for group in LIST["left_out"].values() for name in group}
    assert names <= SCHEMAS.keys()
    assert not names & {entry["name"] for entry in ENTRIES}
    domains = {schema.domain for schema in onnx.defs.get_all_schemas_with_history()}
    assert set(LIST["left_out_domains"]) <= domains | {"ai.onnx.training"}
