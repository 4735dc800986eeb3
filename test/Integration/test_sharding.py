# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX's own annotations for several devices (IR version 11): read as fixed choices, and written back."""

import onnx
import pytest
import support
from onnx import helper
from support import convoy, must, one_line
from test_partition import check_partitions, inspect, load

TOLERANCE = 1e-5  # Between one device and several.


def factors(table):
    return [(layer["name"], layer.get("factor")) for layer in table["layers"]]


@pytest.mark.parametrize("name", ["alexnet", "tiny_resnext", "tiny_shuffle", "tiny_densenet"])
def test_round_trip(name, tmp_path):
    """The file with annotations is valid ONNX, and means the same when it is read again."""
    model = support.models.cached(name, pre_softmax=True)
    annotated = tmp_path / "annotated.onnx"
    must(convoy("inspect", model, "--devices=2", "--strategy=group", f"--onnx-out={annotated}"))
    onnx.checker.check_model(str(annotated))
    written = onnx.load(annotated)
    assert written.ir_version == 11
    assert [(entry.name, entry.num_devices) for entry in written.configuration] == [("convoy_2", 2)]
    assert factors(inspect(annotated, 2, "none")) == factors(inspect(model, 2, "group"))
    # It has no annotations for three devices, and writing again replaces the annotations for two.
    of_three = factors(inspect(annotated, 3, "none"))
    assert of_three and not any(factor for _, factor in of_three)
    must(convoy("inspect", model, "--devices=2", "--strategy=none", f"--onnx-out={annotated}"))
    assert len(onnx.load(annotated).configuration) == 1


def test_annotated_network_computes_the_same(tmp_path):
    model, feeds = load("tiny_resnext")
    (output,) = (value.name for value in model.graph.output)
    whole = support.run_artefact(support.compile_model(model, tmp_path), feeds, [output])[output]
    must(convoy("inspect", tmp_path / "model.onnx", "--devices=2", "--link=1000TB/s,0s",
                f"--onnx-out={tmp_path / 'annotated.onnx'}"))
    artefact = support.compile_model(tmp_path / "annotated.onnx", tmp_path, "--devices=2", "--strategy=none")
    shared = support.run_artefact(artefact, feeds, [output])[output]
    support.assert_close(shared, whole, TOLERANCE, is_network=True)


def test_columns(tmp_path):
    """Devices share the columns of every node, which no strategy does. Convolutions and pools need halos of columns."""
    net = support.tiny_models.Network("columns", 13, [2, 8, 6, 24])
    y = net.node("Relu", net.conv("x", 8, 20, 3))
    y = net.node("Add", y, net.conv(y, 20, 20, 5))
    y = net.node("MaxPool", net.conv(y, 20, 32, 3, 2, 4), kernel_shape=[3, 3], strides=[1, 1], pads=[1] * 4)
    case = support.network_case("columns", net, net.node("LRN", y, size=3, alpha=0.1))
    case.model.ir_version = 11
    for devices in (2, 3):
        entry = case.model.configuration.add()
        entry.name, entry.num_devices = f"of {devices}", devices
        for node in case.model.graph.node:
            use = node.device_configurations.add(configuration_id=entry.name)
            spec = use.sharding_spec.add(tensor_name=node.output[0], device=range(devices))
            spec.sharded_dim.add(axis=3).simple_sharding.add(num_shards=devices)
    onnx.save(case.model, tmp_path / "model.onnx")
    for devices in (2, 3):
        table = inspect(tmp_path / "model.onnx", devices, "none")
        assert {layer.get("factor") for layer in table["layers"][:-1]} == {"width"}
    check_partitions(case.model, case.feeds, tmp_path, [(f"--devices={n}", "--strategy=none") for n in (2, 3)])


def annotated(tensor="c", axis=1, shards=2, devices=(0, 1), configuration="pair", extra=()):
    """good_model with its convolution annotated for two devices."""
    model = support.good_model()
    model.ir_version = 11
    entry = model.configuration.add()
    entry.name, entry.num_devices = "pair", 2
    use = model.graph.node[0].device_configurations.add()
    use.configuration_id = configuration
    for name, at, parts in ((tensor, axis, shards), *extra):
        spec = use.sharding_spec.add()
        spec.tensor_name = name
        spec.device.extend(devices)
        dim = spec.sharded_dim.add()
        dim.axis = at
        dim.simple_sharding.add().num_shards = parts
    return model


@pytest.mark.parametrize("tensor,axis,factor", [
    ("c", 1, "output_channel"), ("c", -3, "output_channel"), ("x", 1, "input_channel")])
def test_meaning(tensor, axis, factor, tmp_path):
    onnx.save(annotated(tensor, axis), tmp_path / "model.onnx")
    process = convoy("inspect", tmp_path / "model.onnx", "--devices=2", "--strategy=none", "--json")
    assert f'"factor": "{factor}"' in must(process).stdout


def test_whole_by_annotation(tmp_path):
    """A tensor that is annotated as one shard is not shared, although the strategy would share it."""
    onnx.save(annotated(shards=1), tmp_path / "model.onnx")
    (conv,) = (layer for layer in inspect(tmp_path / "model.onnx", 2, "group")["layers"] if layer["op"] == "conv")
    assert "factor" not in conv
    onnx.save(annotated(), tmp_path / "model.onnx")
    (conv,) = (layer for layer in inspect(tmp_path / "model.onnx", 2, "group")["layers"] if layer["op"] == "conv")
    assert "factor" in conv, "without the annotation it is shared"


@pytest.mark.parametrize("change,message", [
    (dict(configuration="trio"), "names the device configuration 'trio', which the model does not have"),
    (dict(devices=(0, 2)), "over device 2, but its configuration has 2"),
    (dict(devices=(-1, 0)), "over device -1, but its configuration has 2"),
    (dict(axis=4), "along axis 4, but it has 4 dimensions"),
    (dict(axis=-5), "along axis -5, but it has 4 dimensions"),
    (dict(shards=3), "into 3 parts for 2 devices"),
    (dict(tensor="y"), "shards tensor 'y', which is not its own"),
    (dict(extra=[("c", 0, 2)]), "has contradictory sharding specs of tensor 'c'"),
], ids=str)
def test_bad_annotation(change, message, tmp_path):
    onnx.save(annotated(**change), tmp_path / "model.onnx")
    line = one_line(convoy("compile", tmp_path / "model.onnx", "--devices=2", "-o", tmp_path / "out.so"))
    assert "node 'the_conv' (Conv)" in line and message in line
    assert not (tmp_path / "out.so").exists()


@pytest.mark.parametrize("change", [
    dict(axis=2), dict(axis=0), dict(extra=[("x", 0, 2)]), dict(extra=[("x", 1, 2)])], ids=str)
def test_impossible_annotation(change, tmp_path):
    """Rows of an image, a batch of one, and annotations of input and result that contradict each other."""
    onnx.save(annotated(**change), tmp_path / "model.onnx")
    line = one_line(convoy("compile", tmp_path / "model.onnx", "--devices=2", "-o", tmp_path / "out.so"))
    assert "the_conv" in line and "cannot be shared by 2 devices as its sharding annotation says" in line
    # Without devices the annotation has no meaning.
    must(convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "out.so"))


def test_wrong_usage(tmp_path):
    onnx.save(support.good_model(), tmp_path / "model.onnx")
    process = convoy("inspect", tmp_path / "model.onnx", f"--onnx-out={tmp_path / 'out.onnx'}")
    assert process.returncode == 2 and "they need --devices" in process.stderr
    line = one_line(convoy("inspect", tmp_path / "model.onnx", "--devices=2", "--onnx-out=/no-such-folder/out.onnx"))
    assert "no-such-folder" in line
