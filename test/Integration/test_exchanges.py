# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Asynchronous exchanges: between the threads of one run, and by a transport that the user of an artefact provides."""

import ctypes
import subprocess
import threading

import numpy as np
import pytest
import support
from test_partition import TOLERANCE, load
from test_random_graphs import RandomNetwork

RUNTIME = support.ROOT / "lib" / "Runtime" / "Artefact"
LIMIT = 120  # Seconds that a device waits for another one, or a program runs.


def test_between_threads(tmp_path):
    """Random exchanges of four devices, started, ended and released at random times: no race, no wrong number."""
    program = tmp_path / "exchanges"
    # The runtime, without the main function of programs (--emit=exe) and the files that it needs.
    sources = [source for source in RUNTIME.glob("*.c") if source.name not in ("Main.c", "Npy.c", "Random.c")]
    subprocess.run(["cc", "-std=gnu11", "-O1", "-g", "-fsanitize=thread", "-pthread", f"-I{support.ROOT / 'include'}",
                    support.ROOT / "test" / "Integration" / "exchanges.c", *sources, "-o", program], check=True)
    done = subprocess.run([program, "300"], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == "300 runs of 30 exchanges\n"


# --- A transport ------------------------------------------------------------------------------------------------------

POINTER, NUMBER = ctypes.c_void_p, ctypes.c_int64
GATHER = ctypes.CFUNCTYPE(ctypes.c_int32, POINTER, POINTER, POINTER, NUMBER, NUMBER, ctypes.POINTER(NUMBER))
HALO = ctypes.CFUNCTYPE(ctypes.c_int32, POINTER, POINTER, POINTER, NUMBER, NUMBER, ctypes.POINTER(NUMBER), NUMBER,
                        NUMBER)
REDUCE = ctypes.CFUNCTYPE(ctypes.c_int32, POINTER, POINTER, POINTER, NUMBER)
FINISH = ctypes.CFUNCTYPE(ctypes.c_int32, POINTER)
MAX_EXCHANGES = 8  # CONVOY_MAX_EXCHANGES


class Transport(ctypes.Structure):
    """convoy_transport of include/convoy-c/Artefact.h."""

    _fields_ = [("user", POINTER), ("all_gather", GATHER), ("halo_exchange", HALO), ("all_reduce", REDUCE),
                ("finish", FINISH)]


def view(address, size):
    return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))


class Meeting:
    """The data that the devices of a run give to each other."""

    def __init__(self, devices):
        self.devices = devices
        self.changed = threading.Condition()
        self.given = {}

    def give(self, number, device, what):
        with self.changed:
            self.given[number, device] = what
            self.changed.notify_all()

    def take(self, number, device):
        with self.changed:
            assert self.changed.wait_for(lambda: (number, device) in self.given, LIMIT), "a device does not come"
            return self.given[number, device]


class Device:
    """A device's end of the transport. It checks the contract: until an exchange is finished, its source does not
    change, and only the transport writes to its target."""

    def __init__(self, meeting, number):
        self.meeting, self.number, self.problems = meeting, number, []
        self.started, self.pending, self.most_pending = [], [], 0
        self.transport = Transport(None, GATHER(self.gather), HALO(self.halo), REDUCE(self.reduce), FINISH(self.finish))

    def start(self, kind, source, source_size, target, target_size, complete):
        source, target = view(source, source_size), view(target, target_size)
        number = len(self.started)
        self.started.append((kind, target_size if kind == "gather" else None))
        target[:] = 0xFF
        self.meeting.give(number, self.number, source.copy())
        self.pending.append((number, source, target, complete))
        self.most_pending = max(self.most_pending, len(self.pending))
        return 0

    def gather(self, _, source, target, rows, size, bounds):
        cuts = [bounds[i] * size for i in range(self.meeting.devices + 1)]

        def complete(number):
            parts = [self.meeting.take(number, i).reshape(rows, -1) for i in range(self.meeting.devices)]
            return np.concatenate(parts, axis=1)

        own = rows * (cuts[self.number + 1] - cuts[self.number])
        return self.start("gather", source, own, target, rows * cuts[-1], complete)

    def halo(self, _, source, target, rows, size, bounds, before, after):
        cuts = [bounds[i] * size for i in range(self.meeting.devices + 1)]
        own = cuts[self.number + 1] - cuts[self.number]
        front = before * size if self.number > 0 else 0
        back = after * size if self.number + 1 < self.meeting.devices else 0

        def complete(number):
            def part(device):
                return self.meeting.take(number, device).reshape(rows, -1)

            parts = [part(self.number)]
            if front:
                parts.insert(0, part(self.number - 1)[:, -front:])
            if back:
                parts.append(part(self.number + 1)[:, :back])
            return np.concatenate(parts, axis=1)

        return self.start("halo", source, rows * own, target, rows * (front + own + back), complete)

    def reduce(self, _, source, target, count):
        def complete(number):
            terms = [self.meeting.take(number, i).view(np.float32) for i in range(self.meeting.devices)]
            return np.sum(terms, axis=0, dtype=np.float32).view(np.uint8)

        return self.start("reduce", source, 4 * count, target, 4 * count, complete)

    def finish(self, _):
        try:
            number, source, target, complete = self.pending.pop(0)
            if not np.array_equal(source, self.meeting.take(number, self.number)):
                self.problems.append(f"exchange {number}: what is given changed before the end")
            if not (target == 0xFF).all():
                self.problems.append(f"exchange {number}: the target was written before the end")
            target[:] = complete(number).reshape(-1)
            return 0
        except Exception as error:  # An exception cannot pass through C.
            self.problems.append(repr(error))
            return 1


def run_by_transport(artefact, data, shape, devices):
    """Runs every device in a thread and a context of its own. Returns the first device's result and all devices."""
    library = ctypes.CDLL(str(artefact))
    meeting = Meeting(devices)
    ends = [Device(meeting, number) for number in range(devices)]
    outputs = [np.zeros(shape, np.float32) for _ in ends]

    def run(end, output):
        context = POINTER()
        status = library.convoy_create_device(1, end.number, ctypes.byref(end.transport), ctypes.byref(context))
        inputs, results = (POINTER * 1)(data.ctypes.data), (POINTER * 1)(output.ctypes.data)
        status = status or library.convoy_run(context, inputs, results)
        if status:
            end.problems.append(f"status {status}")
        library.convoy_destroy(context)

    threads = [threading.Thread(target=run, args=pair) for pair in zip(ends, outputs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for end in ends:
        assert not end.problems, f"device {end.number}: {end.problems[0]}"
        assert end.started == ends[0].started and not end.pending
        assert end.most_pending <= MAX_EXCHANGES
    return outputs[0], ends


def check_by_transport(model, feeds, folder, devices, *options):
    (data,) = feeds.values()
    (expected,) = support.run_onnxruntime(model, feeds).values()
    artefact = support.compile_model(model, folder, f"--devices={devices}", *options)
    shared, ends = run_by_transport(artefact, np.ascontiguousarray(data), expected.shape, devices)
    support.assert_close(shared, expected, TOLERANCE, " ".join(options), is_network=True)
    return ends


@pytest.mark.parametrize("name", ["tiny_resnext", "tiny_shuffle", "tiny_se", "tiny_densenet", "tiny_unet"])
@pytest.mark.parametrize("devices,strategy", [(2, "group"), (3, "rows")])
def test_network(name, devices, strategy, tmp_path):
    assert check_by_transport(*load(name), tmp_path, devices, f"--strategy={strategy}")[0].started


@pytest.mark.parametrize("seed", range(24))
def test_random_graph(seed, tmp_path):
    grower = RandomNetwork(3000 + seed)
    case = support.network_case(f"random {seed}", grower.net, grower.grow(), seed)
    check_by_transport(case.model, case.feeds, tmp_path, 2, f"--strategy={('group', 'auto', 'rows')[seed % 3]}",
                       "--link=1000TB/s,0s")


def branches():
    """Four branches. Each of them needs an exchange before its second convolution."""
    net = support.tiny_models.Network("branches", 13, [1, 16, 20, 20])
    ends = []
    for kernel in (1, 3, 5, 3):
        y = net.node("Relu", net.conv("x", 16, 32, kernel))
        ends.append(net.conv(y, 32, 32, 3))
    return support.network_case("branches", net, net.node("Concat", *ends, axis=1))


def test_several_at_once(tmp_path):
    """While one branch waits for an exchange, the others are computed: their exchanges start before it ends."""
    case = branches()
    ends = check_by_transport(case.model, case.feeds, tmp_path, 2, "--strategy=group", "--link=10GB/s,1s")
    assert ends[0].most_pending >= 3, ends[0].most_pending


def test_failure(tmp_path):
    """If the transport fails, the run ends with an error. The next run fails at once, without another call."""
    artefact = support.compile_model(support.models.cached("tiny_resnext", pre_softmax=True), tmp_path, "--devices=2",
                                     "--strategy=group")
    library = ctypes.CDLL(str(artefact))
    calls = []

    def fail(*_):
        calls.append(1)
        return 1

    transport = Transport(None, GATHER(fail), HALO(fail), REDUCE(fail), FINISH(fail))
    context = POINTER()
    assert library.convoy_create_device(1, 0, ctypes.byref(transport), ctypes.byref(context)) == 0
    data, output = np.zeros(1 << 20, np.float32), np.zeros(1 << 20, np.float32)
    arguments = (POINTER * 1)(data.ctypes.data), (POINTER * 1)(output.ctypes.data)
    assert library.convoy_run(context, *arguments) == 6  # CONVOY_ERROR_TRANSPORT
    assert library.convoy_run(context, *arguments) == 6
    assert len(calls) == 1
    library.convoy_destroy(context)
