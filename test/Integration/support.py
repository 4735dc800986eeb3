# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shared by the integration tests: small models, the convoy command, ONNX Runtime as the reference."""

import os
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnx.compose
import onnx.reference
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("CONVOY_BIN", ROOT / "build" / "bin"))
CONVOY = BIN / "convoy"

sys.path.insert(0, str(ROOT / "bench"))
import models  # noqa: E402
import tiny_models  # noqa: E402

COMPILE_LIMIT = 600  # Seconds; a compiler that hangs fails its test.


# --- Models -----------------------------------------------------------------------------------------------------------


@dataclass
class Const:
    """An operand that is an initializer instead of an input."""

    array: np.ndarray


@dataclass
class Case:
    """A small model with its input data."""

    name: str
    model: onnx.ModelProto
    feeds: dict
    tolerance: float = 1e-5
    options: tuple = ()  # For `convoy compile`.
    expected: dict = None  # The outputs, if ONNX Runtime does not compute them.

    @property
    def id(self):
        return self.name


_generator = np.random.default_rng(20240)


def seed_random_data(text):
    """Starts the random data anew, by a test's or a file's name: it does not depend on what ran before."""
    global _generator
    _generator = np.random.default_rng(list(text.encode()))


def rand(*shape):
    """Normal random data."""
    return np.asarray(_generator.standard_normal(shape), dtype=np.float32)


def positive(*shape):
    """Random data between 0.5 and 2."""
    return np.asarray(_generator.uniform(0.5, 2.0, shape), dtype=np.float32)


def weight(*shape):
    """A random initializer."""
    return Const(rand(*shape))


def ints(*values):
    return Const(np.array(values, dtype=np.int64))


def graded(*shape, axis=0):
    """A random initializer whose slices along an axis, the output channels, are 1 to 1e-5 times as large."""
    array = rand(*shape)
    powers = np.float32(10.0) ** -(np.arange(shape[axis]) % 6)
    return Const(array * powers.astype(np.float32).reshape([-1 if dim == axis else 1 for dim in range(len(shape))]))


def floats(*values):
    return Const(np.array(values, dtype=np.float32))


def scalar(value, dtype=np.float32):
    return Const(np.array(value, dtype=dtype))


def value_info(name, array):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def make_model(nodes, feeds, outputs, constants=None, opset=13, ir_version=None, list_initializers=None, run=None):
    """A model from nodes, of any domains; ONNX Runtime, or `run`, computes the types and shapes of its outputs.

    constants: name -> array. Up to IR version 3, initializers are listed among the inputs (list_initializers)."""
    constants = constants or {}
    ir_version = ir_version or tiny_models.IR_VERSIONS.get(opset, 13)
    inputs = [value_info(name, array) for name, array in feeds.items()]
    if ir_version < 4 if list_initializers is None else list_initializers:
        inputs += [value_info(name, array) for name, array in constants.items()]
    graph = helper.make_graph(
        nodes,
        "test",
        inputs,
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    domains = {node.domain for node in nodes} - {""}
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in sorted(domains))]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)
    for output, array in zip(graph.output, (run or run_onnxruntime)(model, feeds).values()):
        model.graph.output[list(outputs).index(output.name)].CopyFrom(value_info(output.name, array))
    return model


class Nodes:
    """A network that a test makes node by node. A node has the name of its output."""

    def __init__(self):
        self.nodes, self.feeds, self.constants, self.outputs = [], {}, {}, []

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name, array):
        self.constants[name] = array
        return name

    def get(self, **options):
        return make_model(self.nodes, self.feeds, self.outputs, self.constants, **options)


def case(name, op, *operands, opset=13, outputs=1, tolerance=1e-5, run=None, **attributes):
    """A model of one node. An operand is an array (an input), a Const (an initializer), or None (left out).

    run: computes the outputs instead of ONNX Runtime; see run_reference."""
    feeds, constants, names = {}, {}, []
    for index, operand in enumerate(operands):
        if operand is None:
            names.append("")
        elif isinstance(operand, Const):
            names.append(f"c{index}")
            constants[names[-1]] = operand.array
        else:
            names.append(f"x{index}")
            feeds[names[-1]] = operand
    results = [f"y{index}" for index in range(outputs)]
    node = helper.make_node(op, names, results, name=f"the_{op.lower()}", **attributes)
    model = make_model([node], feeds, results, constants, opset, run=run)
    return Case(f"{op}-{name}-opset{opset}", model, feeds, tolerance, expected=run and run(model, feeds))


def network_case(name, network, output, seed=0, tolerance=1e-5):
    """A case from a tiny_models.Network: its weights are made as bench/models.py makes them."""
    model, shapes = network.finish(output)
    made = models.WeightMaker(model, shapes, seed).make()
    model.graph.initializer.extend(numpy_helper.from_array(array, key) for key, array in made.items())
    shape = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    return Case(name, model, {"x": models.random_input(shape, seed + 1)}, tolerance)


def good_model(opset=13):
    """Conv -> Relu on x: 1x3x6x6, with the node names "the_conv" and "the_relu", for tests to break."""
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], name="the_conv"),
        helper.make_node("Relu", ["c"], ["y"], name="the_relu"),
    ]
    graph = helper.make_graph(
        nodes, "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, 6, 6))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(rand(4, 3, 3, 3), "w"), numpy_helper.from_array(rand(4), "b")],
    )
    ir_version = tiny_models.IR_VERSIONS.get(opset, 8)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)


CASES_OF_A_MODEL = 16


def batches(cases):
    """Parameters of a test. Each is a list of cases that check_cases joins into one model, because many small
    compilations would be mostly overhead."""
    alike = {}
    for a_case in cases:
        opsets = [(opset.domain, opset.version) for opset in a_case.model.opset_import]
        alike.setdefault(str((opsets, a_case.model.ir_version, a_case.options)), []).append(a_case)
    lists = []
    for group in alike.values():
        size = 1 if group[0].options else CASES_OF_A_MODEL  # Options may name tensors.
        lists += [group[first:first + size] for first in range(0, len(group), size)]
    return [pytest.param(some, id=some[0].name + (f"-and-{len(some) - 1}-more" if len(some) > 1 else ""))
            for some in lists]


def merge_cases(cases):
    """One model with the graphs of all cases, side by side. The names of the tensors of case 3 start with "case3_"."""
    graph = onnx.GraphProto(name="cases")
    feeds = {}
    for index, a_case in enumerate(cases):
        prefix = f"case{index}_"
        part = onnx.compose.add_prefix(a_case.model, prefix).graph
        for field in ("node", "input", "output", "initializer"):
            getattr(graph, field).extend(getattr(part, field))
        feeds |= {prefix + name: array for name, array in a_case.feeds.items()}
    first = cases[0].model
    return helper.make_model(graph, opset_imports=first.opset_import, ir_version=first.ir_version), feeds


# --- The reference ----------------------------------------------------------------------------------------------------


def run_onnxruntime(model, feeds, threads=0):
    """Runs a model (a ModelProto or a path) with ONNX Runtime, on all cores for 0 threads. Returns name -> array."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    source = str(model) if isinstance(model, (str, Path)) else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds)))


def run_reference(model, feeds):
    """Runs a ModelProto with onnx's own evaluator, which knows types and opsets that ONNX Runtime does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = ReferenceEvaluator(model).run(None, feeds)
    return {output.name: np.asarray(result) for output, result in zip(model.graph.output, results)}


OF_ONE_OPERATION = 1e-5  # The tolerance of one operation in f32.
# The difference of a channel, relative to its own size, may be so many times the tolerance: a small sum of large terms
# has the rounding errors of its terms. All elements of a short channel can be such sums.
CHANNEL_SLACK, SHORT_CHANNEL_SLACK = 10, 100
SHORT_CHANNEL = 16  # The most elements of a short channel.


def relative_differences(actual, expected):
    """max |difference| / max |value| of each row of two matrices; the same infinities and NaNs count as equal.

    If all numbers of a row are below the smallest normal f32, which a kernel may round to 0, the result is the
    difference itself."""
    actual, expected = np.asarray(actual, np.float64), np.asarray(expected, np.float64)
    with np.errstate(invalid="ignore"):
        difference = np.where((actual == expected) | (np.isnan(actual) & np.isnan(expected)), 0, actual - expected)
    largest = np.where(np.isfinite(expected), np.abs(expected), 0).max(axis=1, initial=0)
    return np.abs(difference).max(axis=1, initial=0) / np.where(largest >= np.finfo(np.float32).tiny, largest, 1)


def relative_difference(actual, expected):
    """max |difference| / max |value| of two whole tensors."""
    return float(relative_differences(actual.reshape(1, -1), expected.reshape(1, -1))[0])


def by_channel(array):
    """A matrix with a row for each channel, which is ONNX's second dimension; one row if there is none."""
    if array.ndim < 2:
        return array.reshape(1, -1)
    return np.moveaxis(array, 1, 0).reshape(array.shape[1], array.size // max(array.shape[1], 1))


def assert_close(actual, expected, tolerance, what="", is_network=False):
    """Compares a tensor as a whole, and each channel relative to its own size, so that errors of small channels show.

    The short channels of a network, such as the scores at its end, may be near zero by chance. They are not compared
    one by one, nor are those of an operation that is less precise than f32."""
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape} instead of {expected.shape}"
    assert actual.dtype == expected.dtype, f"{what}: type {actual.dtype} instead of {expected.dtype}"
    if not np.issubdtype(expected.dtype, np.floating):
        assert np.array_equal(actual, expected), f"{what}: the integers differ"
        return
    difference = relative_difference(actual, expected)
    assert difference <= tolerance, f"{what}: max |difference| / max |value| is {difference:.2e}, above {tolerance:.0e}"
    actual, expected = by_channel(actual), by_channel(expected)
    is_short = expected.shape[1] <= SHORT_CHANNEL
    if expected.size == 0 or (is_short and (is_network or tolerance > OF_ONE_OPERATION)):
        return
    differences = relative_differences(actual, expected)
    limit = min((SHORT_CHANNEL_SLACK if is_short else CHANNEL_SLACK) * tolerance, 0.5)
    worst = int(differences.argmax())
    assert differences[worst] <= limit, (
        f"{what}: channel {worst}: max |difference| / max |value| is {differences[worst]:.2e}, above {limit:.0e}")


# --- The command ------------------------------------------------------------------------------------------------------


def convoy(*arguments, cwd=None):
    """Runs the convoy command. Returns the finished process with its text."""
    return subprocess.run(
        [str(CONVOY), *map(str, arguments)], capture_output=True, text=True, timeout=COMPILE_LIMIT, cwd=cwd,
        stdin=subprocess.DEVNULL,
    )


def must(process):
    """The process, which must have succeeded."""
    command = " ".join(process.args)
    assert process.returncode == 0, f"exit code {process.returncode} from: {command}\n{process.stderr.strip()}"
    return process


def one_line(process):
    """The error message, which must be one line and come with exit code 1."""
    assert process.returncode == 1, f"exit code {process.returncode}, stderr:\n{process.stderr}"
    lines = [line for line in process.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, "not one line on stderr:\n" + process.stderr
    return lines[0]


def compile_model(model, folder, *options):
    """Compiles a model (a ModelProto or a path) into `folder`. Returns the artefact's path."""
    folder = Path(folder)
    if isinstance(model, onnx.ModelProto):
        path = folder / "model.onnx"
        onnx.save(model, path)
        model = path
    artefact = folder / "model.so"
    must(convoy("compile", model, "-o", artefact, *options))
    assert artefact.is_file(), "convoy compile succeeded but wrote nothing"
    return artefact


def find_loops(code):
    """The innermost loops of assembly: each begins with its label and ends with the jump to it."""
    return [loop for label, body in re.findall(r"^(\.LBB\w+):(.*?)(?=^\.LBB)", code, re.M | re.S)
            for loop in re.findall(rf"(.*?)^\s+(?:j\w+|b\.\w+|cbn?z\s+\w+,|tbn?z\s+\w+, #\d+,)\s+{re.escape(label)}$", body, re.M | re.S)]


def run_artefact(artefact, feeds, outputs, threads=1, named=True):
    """Runs an artefact on arrays, through .npy files. Returns name -> array.

    named=False leaves out the names, which a model with one input and one output allows."""
    folder = Path(artefact).parent
    arguments = ["run", artefact, "--threads", threads]
    for index, (name, array) in enumerate(feeds.items()):
        file = folder / f"in{index}.npy"
        np.save(file, array)
        arguments += ["--input", f"{name}={file}" if named else file]
    files = {name: folder / f"out{index}.npy" for index, name in enumerate(outputs)}
    for name, file in files.items():
        file.unlink(missing_ok=True)
        arguments += ["--output", f"{name}={file}" if named else file]
    must(convoy(*arguments))
    return {name: np.load(file) for name, file in files.items()}


def run_fails(artefact, feeds):
    """The error message of a run that must fail."""
    folder = Path(artefact).parent
    for name, array in feeds.items():
        np.save(folder / f"{name}.npy", array)
    return one_line(convoy("run", artefact, *(f"--input={name}={folder / name}.npy" for name in feeds)))


def fixed_shapes(feeds):
    """The options that fix the shapes of inputs without elements: in a file, a dimension of 0 is one that is open."""
    return [word for name, array in feeds.items() if 0 in array.shape
            for word in ("--shape", f"{name}={'x'.join(map(str, array.shape))}")]


def check_case(a_case, folder, options=(), threads=1):
    """Compiles and runs a case and compares every output with ONNX Runtime. threads: a number, or several numbers."""
    expected = a_case.expected or run_onnxruntime(a_case.model, a_case.feeds)
    artefact = compile_model(a_case.model, folder, *a_case.options, *options, *fixed_shapes(a_case.feeds))
    for count in [threads] if isinstance(threads, int) else threads:
        actual = run_artefact(artefact, a_case.feeds, expected, count)
        for name in expected:
            assert_close(actual[name], expected[name], a_case.tolerance, f"{a_case.name}, output {name}")


def check_cases(cases, folder, options=(), threads=1):
    """Does for many cases what check_case does for one, with one artefact for all."""
    if len(cases) == 1:
        check_case(cases[0], folder, options, threads)
        return
    expected = {}
    for index, a_case in enumerate(cases):
        for name, array in (a_case.expected or run_onnxruntime(a_case.model, a_case.feeds)).items():
            expected[f"case{index}_{name}"] = a_case, name, array
    model, feeds = merge_cases(cases)
    try:
        artefact = compile_model(model, folder, *options, *fixed_shapes(feeds))
    except AssertionError:
        for a_case in cases:
            compile_model(a_case.model, folder, *options, *fixed_shapes(a_case.feeds))  # The error of a single case says more.
        raise
    wrong = []
    for count in [threads] if isinstance(threads, int) else threads:
        actual = run_artefact(artefact, feeds, expected, count)
        for key, (a_case, name, array) in expected.items():
            try:
                assert_close(actual[key], array, a_case.tolerance, f"{a_case.name}, output {name}")
            except AssertionError as error:
                wrong.append(f"{error} ({count} threads)")
    assert not wrong, "\n".join(wrong)


def compare_with_reference(nodes, feeds, folder, constants=None, options=(), opset=25, tolerance=0.0, expected=None):
    """Compiles nodes side by side, and compares all outputs with those of the onnx package's reference evaluator, or
    with `expected`.

    Integers must be the same; so must floats, if the tolerance is 0. If it is None, nothing is compared. Returns the
    outputs by name."""
    constants = constants or {}
    read = {name for node in nodes for name in node.input}
    outputs = [name for node in nodes for name in node.output if name not in read]
    inputs = {name: array for name, array in feeds.items() if name in read}
    graph = helper.make_graph(
        nodes, "test", [value_info(name, array) for name, array in inputs.items()],
        [onnx.ValueInfoProto(name=name) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in constants.items() if name in read])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=13)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = expected or dict(zip(outputs, onnx.reference.ReferenceEvaluator(model).run(outputs, inputs)))
    del model.graph.output[:]
    model.graph.output.extend(value_info(name, np.asarray(array)) for name, array in expected.items())
    actual = run_artefact(compile_model(model, folder, *options), inputs, outputs)
    wrong = []
    for name, array in expected.items():
        array = np.asarray(array)
        # NumPy's files do not name the types of ml_dtypes.
        got = actual[name] = actual[name].view(array.dtype) if actual[name].dtype.kind == "V" else actual[name]
        assert got.dtype == array.dtype and got.shape == array.shape, f"{name}: {got.dtype}{list(got.shape)}"
        same = (got == array) | ((got != got) & (array != array))
        if tolerance and np.issubdtype(array.dtype, np.floating):
            with np.errstate(invalid="ignore"):
                same |= np.abs(got - array) <= tolerance * np.abs(array)
        if tolerance is not None and not same.all():
            where = tuple(index[0] for index in np.nonzero(~same))
            wrong.append(f"{name}: {(~same).sum()} differ, first {where}: {got[where]!r} instead of {array[where]!r}")
    assert not wrong, "\n".join(wrong)
    return actual


# What a machine must have to run the code of an x86-64 level: v3 has AVX2, v4 AVX-512.
_V3 = {"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe"}
LEVELS = {"x86-64-v3": _V3, "x86-64-v4": _V3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}}


def cpu_levels():
    """The x86-64 levels with vector units that this machine has."""
    flags = set()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            flags = set(line.split(":", 1)[1].split())
            break
    return [level for level, needs in LEVELS.items() if needs <= flags]


# CPUs without which each kernel for dots of integers would stay untested on most machines.
EMULATED = ["icelake-server", "sapphirerapids", "alderlake", "neoverse-n1", "neoverse-v1"]


def cpu_options(cpu):
    """Options that make code for a level or a CPU and run it here, by emulation if this machine lacks its vectors."""
    return [f"--mcpu={cpu}"] if cpu in ["native", *cpu_levels()] else ["--target=cpu-emulator", f"--mcpu={cpu}"]


def each_level():
    """Both levels as parameters of a test, which is skipped for a level that this machine lacks."""
    here = cpu_levels()
    return [pytest.param(level, marks=[] if level in here else pytest.mark.skip(f"this machine runs no {level} code"))
            for level in LEVELS]
