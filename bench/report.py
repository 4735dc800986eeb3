# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table that bench/compare prints, and the picture that it draws."""

import datetime
import math
import os
import platform
import subprocess
import tempfile
from pathlib import Path


def describe_machine(root):
    """The machine's name, and what one of its cores reaches in bench/peak.c."""
    model, flags = platform.processor() or platform.machine(), ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            model = value.strip()
        elif key.strip() == "flags":
            flags = value
    levels = [name for name, flag in (("AVX2", " avx2 "), ("AVX-512", " avx512f ")) if flag in flags + " "]
    machine = {"cpu": model, "vectors": levels[-1] if levels else platform.machine(),
               "cores": len(os.sched_getaffinity(0)), "date": datetime.date.today().isoformat()}
    compilers = ("/usr/lib/llvm-22/bin/clang", "/usr/bin/clang", "/usr/bin/cc")
    clang = next((path for path in compilers if Path(path).exists()), None)
    if clang:
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "peak"
            subprocess.run([clang, "-O3", "-march=native", root / "bench" / "peak.c", "-o", program], check=True)
            core = {min(os.sched_getaffinity(0))}
            printed = subprocess.run([program], check=True, capture_output=True, text=True,
                                     preexec_fn=lambda: os.sched_setaffinity(0, core)).stdout
        rates = ("peak_gflops", "read_gb_per_s", "peak_int8", "peak_bf16")
        machine.update(zip(rates, map(float, printed.split())))
    return machine


def describe_gpu():
    """The GPU, and the versions of the libraries that Convoy is compared with on it."""
    import torch

    return {"gpu": torch.cuda.get_device_name(0), "torch": torch.__version__, "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(), "date": datetime.date.today().isoformat()}


def format_machine(machine):
    if "gpu" in machine:
        return (f"{machine['gpu']}, PyTorch {machine['torch']}, CUDA {machine['cuda']}, cuDNN {machine['cudnn']}, "
                f"{machine['date']}")
    text = f"{machine['cpu']}, {machine['vectors']}, {machine['cores']} cores, {machine['date']}"
    if "peak_gflops" in machine:
        text += f"; one core: {machine['peak_gflops']:.0f} GFLOP/s, reads {machine['read_gb_per_s']:.0f} GB/s"
        for precision in ("int8", "bf16"):
            if machine.get(f"peak_{precision}"):
                text += f", {machine[f'peak_{precision}']:.0f} Gop/s in {precision}"
    return text


def peers_best(row):
    """The fastest engine that is not Convoy: (name, milliseconds), or None."""
    times = [(results["min_ms"], engine) for engine, results in row["engines"].items()
             if not engine.startswith("convoy") and "min_ms" in results]
    return min(times)[::-1] if times else None


def ratio(row):
    """How many times as fast as the best peer Convoy is; None if either fails."""
    best, convoy = peers_best(row), row["engines"].get("convoy", {})
    return best[1] / convoy["min_ms"] if best and "min_ms" in convoy else None


def format_head(threads, batch, engines):
    title = f"\n{threads} thread{'s' if threads > 1 else ''}, batch {batch}; ms, minimum (median)"
    cells = ["model".ljust(19), *(engine.rjust(20) for engine in engines), "  of peak  to the best peer"]
    return title + "\n" + "".join(cells)


def fraction_of_peak(row, machine):
    """Convoy's rate of operations, as a fraction of its cores' peak rate; None if something is unknown.

    It counts the operations of the model, so an algorithm that needs fewer of them may exceed 1."""
    convoy = row["engines"].get("convoy", {})
    peak = machine.get("peak_gflops" if row["precision"] == "f32" else f"peak_{row['precision']}")
    if "min_ms" not in convoy or not peak:
        return None
    return row["gflop"] / (convoy["min_ms"] / 1000) / (peak * row["threads"])


def format_row(row, engines, machine):
    cells = []
    for engine in engines:
        results = row["engines"][engine]
        cells.append(f"{results['min_ms']:.2f} ({results['median_ms']:.2f})" if "min_ms" in results else "fails")
    speed, own = ratio(row), row["engines"].get("convoy-f32", {}).get("min_ms")
    fraction = fraction_of_peak(row, machine)
    last = f"{fraction:.0%}".rjust(9) if fraction else "-".rjust(9)
    last += f"  {speed:.2f}x {peers_best(row)[0]}" if speed else "  -"
    if own and "min_ms" in row["engines"]["convoy"]:
        last += f", {own / row['engines']['convoy']['min_ms']:.2f}x f32"
    reasons = [f"\n    {engine}: {row['engines'][engine]['error']}" for engine in engines
               if "error" in row["engines"][engine]]
    return "".join([row["model"].ljust(19), *(cell.rjust(20) for cell in cells), last, *reasons])


def format_mean(rows, threads, batch):
    ratios = [ratio(row) for row in rows if (row["threads"], row["batch"]) == (threads, batch)]
    ratios = [value for value in ratios if value]
    if not ratios:
        return "no ratios"
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    return f"geometric mean: {mean:.2f} times the best peer's speed; at least as fast on " \
           f"{sum(value >= 1 for value in ratios)} of {len(ratios)}"


def draw(result, file):
    """Bars of the speed relative to the best peer, one group per model."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    settings = sorted({(row["threads"], row["batch"]) for row in result["rows"]})
    names = list(dict.fromkeys(row["model"] for row in result["rows"]))
    figure, axes = pyplot.subplots(figsize=(10, 4.5), layout="constrained")
    width = 0.8 / len(settings)
    for i, (threads, batch) in enumerate(settings):
        rows = [row for row in result["rows"] if (row["threads"], row["batch"]) == (threads, batch)]
        speeds = {row["model"]: ratio(row) for row in rows}
        bars = axes.bar([x + i * width for x in range(len(names))], [speeds.get(name) or 0 for name in names], width,
                        label=f"{threads} thread{'s' if threads > 1 else ''}, batch {batch}")
        axes.bar_label(bars, fmt="%.2f", fontsize=7)
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set_xticks([x + width * (len(settings) - 1) / 2 for x in range(len(names))], names, rotation=20)
    axes.set_ylabel("times as fast as the best peer")
    axes.set_title(format_machine(result["machine"]), fontsize=8)
    axes.legend()
    figure.savefig(file)
