# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random programs of If and Loop, one in the other, against ONNX Runtime: at least 200 of these nodes. Some loops are
unrolled; others end by data, or as often as an input says."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from support import assert_close, compile_model, run_artefact, run_onnxruntime

PROGRAMS, PROGRAMS_OF_A_MODEL = 100, 20
SHAPE = (3, 4)
FLOAT, BOOL, I64 = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64


def value(name, kind=FLOAT):
    return helper.make_tensor_value_info(name, kind, None if kind == FLOAT else [])


class Program:
    """Writes nodes whose results, of SHAPE, are operands of later ones. Names begin with the program's."""

    def __init__(self, number):
        self.random = np.random.default_rng([number, 5])
        self.name = f"p{number}"
        self.count = self.control_flow = 0
        self.trips = f"{self.name}_trips"

    def fresh(self, word):
        self.count += 1
        return f"{self.name}_{word}{self.count}"

    def pick(self, choices):
        return choices[int(self.random.integers(len(choices)))]

    def constant(self, nodes, array):
        name = self.fresh("c")
        nodes.append(helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(array))))
        return name

    def add(self, nodes, op, *inputs, **attributes):
        name = self.fresh(op.lower())
        nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def step(self, nodes, pool):
        if self.random.random() < 0.5:
            return self.add(nodes, self.pick(["Sin", "Tanh", "Neg", "Sigmoid"]), self.pick(pool))
        return self.add(nodes, self.pick(["Add", "Sub", "Max", "Min"]), self.pick(pool), self.pick(pool))

    def condition(self, nodes, pool):
        if self.random.random() < 0.2:
            return self.constant(nodes, np.array(self.random.random() < 0.5))
        total = self.add(nodes, "ReduceSum", self.pick(pool), keepdims=0)
        return self.add(nodes, self.pick(["Less", "Greater"]), total, self.constant(nodes, np.float32(self.random.normal())))

    def branch(self, pool, depth, results):
        nodes = []
        own = list(pool)
        self.statements(nodes, own, depth)
        names = [self.add(nodes, "Identity", self.pick(own[-3:])) for _ in range(results)]
        return helper.make_graph(nodes, self.fresh("branch"), [], [value(name) for name in names])

    def step_if(self, nodes, pool, depth):
        self.control_flow += 1
        results = self.pick([1, 1, 2])
        names = [self.fresh("if") for _ in range(results)]
        nodes.append(helper.make_node("If", [self.condition(nodes, pool)], names, name=names[0],
                                      then_branch=self.branch(pool, depth + 1, results),
                                      else_branch=self.branch(pool, depth + 1, results)))
        pool += names

    def step_loop(self, nodes, pool, depth):
        """One or two variables; slices, which are added up after the loop. It ends by a number, by a condition on that
        number, by one on data, or after as many iterations as an input says."""
        self.control_flow += 1
        trips, variables, slices = self.pick([1, 2, 3]), self.pick([1, 1, 2]), self.pick([0, 0, 1])
        end = self.pick(["count", "number", "data", "input"])
        slices = 0 if end == "input" else slices
        number, goes_on = self.fresh("i"), self.fresh("goes_on")
        states = [self.fresh("v") for _ in range(variables)]
        inner, own = [], [*pool, *states]
        self.statements(inner, own, depth + 1)
        if self.random.random() < 0.5:
            factor = self.add(inner, "Cast", number, to=FLOAT)
            own.append(self.add(inner, "Mul", states[0], factor))
        if end == "number":
            stays = self.add(inner, "Less", number, self.constant(inner, np.int64(trips - 1)))
        elif end == "data":
            stays = self.condition(inner, states)
        else:
            stays = self.add(inner, "Identity", goes_on)
        results = [self.step(inner, own[-4:]) for _ in range(variables + slices)]
        body = helper.make_graph(inner, self.fresh("body"), [value(number, I64), value(goes_on, BOOL), *map(value, states)],
                                 [value(stays, BOOL), *map(value, results)])
        count = {"number": lambda: "", "input": lambda: self.trips}.get(end, lambda: self.constant(nodes, np.int64(trips)))()
        go = self.constant(nodes, np.array(True)) if end == "number" or self.random.random() < 0.5 else ""
        names = [self.fresh("loop") for _ in results]
        nodes.append(helper.make_node("Loop", [count, go, *(self.pick(pool) for _ in states)], names, name=names[0], body=body))
        for name in names[variables:]:
            pool.append(self.add(nodes, "ReduceSum", name, self.constant(nodes, np.int64([0])), keepdims=0))
        pool += names[:variables]

    def statements(self, nodes, pool, depth):
        for _ in range(self.pick([1, 2]) if depth else 3):
            kind = self.random.random()
            if depth < 3 and kind < (0.3 if depth else 0.5):
                self.step_if(nodes, pool, depth)
            elif depth < 3 and kind < (0.5 if depth else 0.9):
                self.step_loop(nodes, pool, depth)
            else:
                pool.append(self.step(nodes, pool))


def make_model(first):
    nodes, inputs, trips, outputs, control_flow = [], [], [], [], 0
    for number in range(first, first + PROGRAMS_OF_A_MODEL):
        program = Program(number)
        inputs.append(f"{program.name}_x")
        trips.append(program.trips)
        pool = [inputs[-1]]
        program.statements(nodes, pool, 0)
        outputs.append(program.add(nodes, "Identity", pool[-1]))
        control_flow += program.control_flow
    graph = helper.make_graph(nodes, "grid", [helper.make_tensor_value_info(name, FLOAT, SHAPE) for name in inputs] +
                              [helper.make_tensor_value_info(name, I64, []) for name in trips],
                              [helper.make_tensor_value_info(name, FLOAT, SHAPE) for name in outputs])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), inputs, trips, outputs, control_flow


@pytest.mark.parametrize("first", range(0, PROGRAMS, PROGRAMS_OF_A_MODEL))
def test_programs(first, tmp_path):
    model, inputs, trips, outputs, control_flow = make_model(first)
    assert control_flow * PROGRAMS >= 200 * PROGRAMS_OF_A_MODEL
    artefact = compile_model(model, tmp_path)
    random = np.random.default_rng(first)
    for scale in (0.5, 2):
        feeds = {name: (random.standard_normal(SHAPE) * scale).astype(np.float32) for name in inputs}
        feeds |= {name: np.array(random.integers(4)) for name in trips}
        expected, actual = run_onnxruntime(model, feeds), run_artefact(artefact, feeds, outputs)
        for name in outputs:
            assert_close(actual[name], expected[name], 1e-5, name)
