# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`convoy compile --tune`: all schedules that it may choose compute the same, and measured times are kept."""

import json

import onnx
import pytest
import support
from onnx import helper
from support import one_line, rand


def convolutions():
    """Three convolutions of 96 channels, which are six blocks of 16: one, two or three of them fit in a register tile."""
    x = rand(1, 96, 13, 13)
    constants = {"w1": rand(96, 96, 3, 3) / 30, "w2": rand(96, 96, 1, 1) / 10, "w3": rand(96, 96, 3, 3) / 30}
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], name="plain", pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["a", "w2"], ["b"], name="pointwise"),
        helper.make_node("Conv", ["b", "w3"], ["c"], name="strided", strides=[2, 2]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    return support.make_model(nodes, {"x": x}, ["y"], constants), x


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    """The model, its input, and a function that compiles with --tune=SECONDS; the cache is empty at first.

    Tuning ends when all schedules are timed. With a large number of seconds it gets there even on a busy machine."""
    monkeypatch.setenv("CONVOY_CACHE_DIR", str(tmp_path / "cache"))
    model, x = convolutions()
    onnx.save(model, tmp_path / "model.onnx")

    def compile_tuned(seconds, *options):
        arguments = (tmp_path / "model.onnx", f"--tune={seconds}", "--threads=1", "-o", tmp_path / "model.so", *options)
        return support.convoy("compile", *arguments)

    return model, x, compile_tuned


def check_output(model, x, artefact):
    expected = support.run_onnxruntime(model, {"x": x})["y"]
    support.assert_close(support.run_artefact(artefact, {"x": x}, ["y"])["y"], expected, 1e-5)


def test_every_schedule_computes_the_same(tuned, tmp_path):
    model, x, compile_tuned = tuned
    support.must(compile_tuned(600))
    check_output(model, x, tmp_path / "model.so")

    (path,) = (tmp_path / "cache").iterdir()
    times = json.loads(path.read_text())["convolutions"]
    schedules = {schedule for measured in times.values() for schedule in measured}
    assert len(times) == 3
    assert {"direct/1", "direct/2", "direct/3"} <= schedules
    assert any(schedule.startswith("winograd") for schedule in schedules)
    for schedule in schedules:
        forced = {conv: {schedule: 1} for conv, measured in times.items() if schedule in measured}
        path.write_text(json.dumps({"convolutions": forced}))
        support.must(compile_tuned(0))
        check_output(model, x, tmp_path / "model.so")


def test_what_is_known_is_not_timed_again(tuned, tmp_path):
    _, _, compile_tuned = tuned
    first = support.must(compile_tuned(600, "-v"))
    assert "convoy: tune: compile candidate 1\n" in first.stderr
    again = support.must(compile_tuned(600, "-v"))
    assert "compile candidate" not in again.stderr
    assert "convoy: tuned 3 of 3 convolutions: " in again.stderr
    assert [file.suffix for file in (tmp_path / "cache").iterdir()] == [".json"]


def test_a_damaged_file_is_an_error(tuned, tmp_path):
    _, _, compile_tuned = tuned
    support.must(compile_tuned(600))
    (path,) = (tmp_path / "cache").iterdir()
    for text in ("", "[]", '{"convolutions": {"x": 1}}', '{"convolutions": {"x": {"fft/1": 2}}}'):
        path.write_text(text)
        message = one_line(compile_tuned(0))
        assert str(path) in message
        assert "not a tuning file" in message
