#!/usr/bin/env python3
# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How long a process takes until the first output, and how much memory it needs at most: Convoy beside the peers.

    build/bench-venv/bin/python bench/cold_start.py [--models resnet50,vgg19] [--threads 1] [--json FILE]

Convoy is a program of its own (--emit=exe), timed from its start to its end, its input read and its output written.
The peers are Python processes, which time themselves from the end of their library's import to the first output:
Python's own start does not count against them. Memory is the peak resident set of the whole process, which for them
includes Python and numpy; "python" is a process that only imports numpy, for comparison. Files are in the page cache;
each number is the minimum of five runs.

bench/compare makes build/bench-venv."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRIES = 5
PEER = """
import sys, time
import numpy as np
name, model, folder, threads = sys.argv[1:]
if name == "python":
    sys.exit()
sys.path.insert(0, {bench!r})
import engines
__import__(name)
start = time.perf_counter()
engine = engines.ENGINES[name](engines.Path(model), engines.Path(folder), int(threads), "", {{"device": "cpu"}})
engine.set_inputs(dict(np.load(folder + "/inputs.npz")))
engine.run()
engine.get_outputs()
print(time.perf_counter() - start)
"""


def measure(command, cores):
    """Runs `command` on `cores`. Returns (seconds that it prints, or else its whole run time; peak memory in bytes)."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                               preexec_fn=lambda: os.sched_setaffinity(0, cores))
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit code {process.returncode} from {command[0]}")
    return float(printed or seconds), usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="resnet50,vgg19")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--convoy", default=str(ROOT / "build" / "bin" / "convoy"), help="the compiler")
    parser.add_argument("--json", type=Path, help="write the numbers")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT / "bench"))
    import numpy as np

    import models

    cores = sorted(os.sched_getaffinity(0))[: arguments.threads]
    results = {}
    for name in arguments.models.split(","):
        model = models.cached(name, pre_softmax=True)
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            array = models.random_input([1, 3, 224, 224], seed=1)
            np.save(folder / "input.npy", array)
            np.savez(folder / "inputs.npz", **{models.load_input(model).name: array})
            subprocess.run([arguments.convoy, "compile", model, "--emit=exe", "-o", folder / "model"], check=True)
            code = PEER.format(bench=str(ROOT / "bench"))
            commands = {"convoy": [folder / "model", "--input", folder / "input.npy", "--output", folder / "output.npy",
                                   "--threads", str(arguments.threads)]}
            for engine in ("onnxruntime", "openvino", "python"):
                commands[engine] = [sys.executable, "-c", code, engine, model, folder, str(arguments.threads)]
            tries = {engine: [] for engine in commands}
            for _ in range(TRIES):
                for engine, command in commands.items():
                    tries[engine].append(measure(command, cores))
        results[name] = {engine: {"seconds": min(seconds for seconds, _ in got), "peak_bytes": min(b for _, b in got)}
                         for engine, got in tries.items()}
        weights = os.path.getsize(model)
        print(f"{name}, {weights / 1e6:.0f} MB of weights, {arguments.threads} thread(s)")
        for engine, result in results[name].items():
            print(f"  {engine:12} {result['seconds'] * 1000:8.0f} ms {result['peak_bytes'] / 1e6:8.0f} MB")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
