# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks shared between devices: the same results as ONNX Runtime's, and the bytes that the devices exchange."""

import json
import xml.etree.ElementTree

import numpy as np
import onnx
import pytest
import support
from support import convoy, must, one_line
from test_random_graphs import RandomNetwork

TOLERANCE = 2e-5  # As for a network on one device, see test_architectures.py.


def check_partitions(model, feeds, folder, partitions, threads=2):
    """Compares partitions, each a tuple of options, with ONNX Runtime."""
    onnx.save(model, folder / "model.onnx")
    expected = support.run_onnxruntime(folder / "model.onnx", feeds)
    for options in partitions:
        artefact = support.compile_model(folder / "model.onnx", folder, *options)
        shared = support.run_artefact(artefact, feeds, expected, threads)
        for name in expected:
            what = f"{' '.join(options)}, output {name}"
            support.assert_close(shared[name], expected[name], TOLERANCE, what, is_network=True)


def load(name, batch=1, size=None):
    path = support.models.cached(name, seed=0, batch=batch, size=size, pre_softmax=True)
    return onnx.load(path), support.models.random_feeds(path, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name, partitions", [
    ("alexnet", [(2, "group"), (2, "rows")]), ("resnext50_32x4d", [(4, "group")]),
    ("shufflenet", [(4, "group"), (3, "auto")]), ("resnet50", [(3, "auto")])])
def test_network(name, partitions, tmp_path):
    model, feeds = load(name)
    check_partitions(model, feeds, tmp_path, [(f"--devices={n}", f"--strategy={word}") for n, word in partitions])


@pytest.mark.parametrize("name", support.tiny_models.TINY_MODELS)
def test_tiny_model(name, tmp_path):
    model, feeds = load(name)
    strategies = [(2, "group"), (3, "auto"), (2, "none")]
    if "conv" in name or name in ("tiny_resnet", "tiny_se", "tiny_densenet", "tiny_mobilenet"):
        strategies.append((3, "rows"))
    check_partitions(model, feeds, tmp_path, [(f"--devices={n}", f"--strategy={word}") for n, word in strategies])


@pytest.mark.parametrize("name", ["tiny_resnext", "tiny_shuffle", "tiny_se", "tiny_densenet"])
def test_batch(name, tmp_path):
    """Data parallelism with a batch of 3: three devices get 1 image each, two devices get 2 images and 1."""
    model, feeds = load(name, batch=3)
    check_partitions(model, feeds, tmp_path, [(f"--devices={n}", "--strategy=batch") for n in (2, 3)])


def grouped_network(groups):
    """Only grouped layers, so that devices do not communicate before the end."""
    net = support.tiny_models.Network("grouped", 13, [1, 24, 13, 11])
    y = net.conv("x", 24, 48, 3, 1, groups)
    y = net.node("Relu", y)
    y = net.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2])
    y = net.conv(y, 48, 96, 1, 1, groups)
    y = net.conv(net.node("Sigmoid", y), 96, 24, 3, 2, groups)
    return support.network_case("grouped", net, y)


@pytest.mark.parametrize("groups", [2, 3, 4, 6, 12])
def test_only_grouped_layers(groups, tmp_path):
    case = grouped_network(groups)
    partitions = [(f"--devices={n}", "--strategy=group") for n in (2, 3, 4)]
    partitions.append(("--devices=3", "--strategy=auto"))
    check_partitions(case.model, case.feeds, tmp_path, partitions)


def test_grouped_layers_exchange_nothing(tmp_path):
    onnx.save(grouped_network(6).model, tmp_path / "model.onnx")
    table = inspect(tmp_path / "model.onnx", 3, "group")
    layers = table["layers"][:-1]
    assert layers and all(layer["exchanged_bytes"] == 0 for layer in layers)
    assert [layer["bounds"] for layer in layers if layer["op"] == "group_conv"] == [[0, 2, 4, 6]] * 3
    assert table["layers"][-1]["exchanged_bytes"] == 24 * 3 * 3 * 4 * 2


def compile_shared(model, folder, devices, *options):
    """An artefact for as many devices as can share the model, but at most `devices`."""
    for count in range(devices, 0, -1):
        process = convoy("compile", model, "-o", folder / "model.so", f"--devices={count}", *options)
        if process.returncode == 0:
            return folder / "model.so"
        assert "cannot share the model between" in one_line(process)
    raise AssertionError("one device does not take the model")


@pytest.mark.parametrize("seed", range(56))
def test_random_graph(seed, tmp_path):
    grower = RandomNetwork(1000 + seed)
    output = grower.grow()
    case = support.network_case(f"random {seed}", grower.net, output, seed)
    strategy = ("group", "auto", "rows", "auto")[seed % 4]
    options = [f"--strategy={strategy}"]
    # A link that costs nothing makes the search share whatever can be shared.
    if strategy == "auto" and seed % 8 == 1:
        options.append("--link=1000TB/s,0s")
    # A high latency makes the compiler merge gathers.
    if strategy == "group":
        options.append("--link=10GB/s,1s")
    onnx.save(case.model, tmp_path / "model.onnx")
    artefact = compile_shared(tmp_path / "model.onnx", tmp_path, 2 + seed % 3, *options)
    expected = support.run_onnxruntime(case.model, case.feeds)
    actual = support.run_artefact(artefact, case.feeds, expected, threads=1 + seed % 4)
    for name in expected:
        support.assert_close(actual[name], expected[name], TOLERANCE, name, is_network=True)


# --- AlexNet, as in the paper -----------------------------------------------------------------------------------------


def inspect(model, devices, strategy="auto", *options):
    return json.loads(must(convoy("inspect", model, f"--devices={devices}", f"--strategy={strategy}", "--json",
                                  *options)).stdout)


@pytest.fixture(scope="module")
def alexnet():
    return support.models.cached("alexnet", seed=0, batch=1, pre_softmax=True)


def test_alexnet_as_in_the_paper(alexnet):
    """Krizhevsky et al. 2012: 48 + 48 kernels, then 128 + 128, and so on. The GPUs exchange data before conv3 and LRN."""
    table = inspect(alexnet, 2, "group")
    convs = [layer for layer in table["layers"] if layer["op"].endswith("conv")]
    assert [conv["factor"] for conv in convs] == ["output_channel", "group", "output_channel", "group", "group"]
    assert convs[0]["bounds"] == [0, 48, 96]
    assert convs[2]["bounds"] == [0, 192, 384]
    # conv3 gathers all of 256x12x12; conv2, conv4 and conv5 need nothing.
    assert [conv["exchanged_bytes"] for conv in convs] == [0, 0, 256 * 12 * 12 * 4, 0, 0]
    # An LRN of 5 channels reads 2 channels beyond its own; both devices have one border.
    lrns = [layer["exchanged_bytes"] for layer in table["layers"] if layer["op"] == "lrn"]
    assert lrns == [2 * 2 * 54 * 54 * 4, 2 * 2 * 26 * 26 * 4]
    # Each device has half of the weights and does half of the work.
    whole = json.loads(must(convoy("inspect", alexnet, "--json")).stdout)["layers"]
    alone = {layer["name"]: layer for layer in whole}
    for conv in convs:
        assert 2 * conv["parameters"] == alone[conv["name"]]["parameters"]
        assert 2 * conv["macs"] == alone[conv["name"]]["macs"]


def test_no_device_holds_anothers_weights(alexnet, tmp_path):
    """Each device has only its half of the filter of each convolution."""
    must(convoy("compile", alexnet, "--devices=2", "--strategy=group", "--stop-after=schedule", "--elide-weights",
                "-o", tmp_path / "parts.mlir"))
    text = (tmp_path / "parts.mlir").read_text()
    assert text.count("module @device_") == 2
    for shape in ("48x3x11x11", "128x48x5x5", "192x256x3x3", "192x192x3x3", "128x192x3x3"):
        logical = "filter_shape = array<i64: " + ", ".join(shape.split("x")) + ">"
        assert text.count(logical) == 2, logical


def test_three_devices_cannot_share_two_groups(alexnet):
    table = inspect(alexnet, 3, "group")
    shared = [(layer["op"], "factor" in layer) for layer in table["layers"] if layer["op"].endswith("conv")]
    assert shared == [("conv", True), ("group_conv", False), ("conv", True), ("group_conv", False), ("group_conv", False)]


@pytest.mark.parametrize("devices", [1, 2, 3, 5, 8, 16, 33, 64])
def test_table_of_many_devices(alexnet, devices):
    table = inspect(alexnet, devices)
    assert table["devices"] == devices
    assert table["total"]["seconds"] <= table["total"]["seconds_alone"] * 1.0001
    for layer in table["layers"]:
        if "factor" in layer:
            sizes = np.diff(layer["bounds"])
            assert len(sizes) == devices and min(sizes) > 0


def test_merged_gathers(tmp_path):
    """Devices share both operands of a concatenation. If the link has a high latency, one gather fetches both."""
    net = support.tiny_models.Network("branches", 13, [1, 16, 9, 7])
    left, right = net.conv("x", 16, 64, 1), net.conv("x", 16, 32, 3)
    y = net.node("Concat", net.node("Relu", left), net.node("Relu", right), axis=1)
    case = support.network_case("branches", net, net.conv(y, 96, 48, 1))
    options = ["--strategy=group", "--mcpu=" + support.cpu_levels()[-1]]
    gathers = []
    for latency in ("0s", "1s"):
        check_partitions(case.model, case.feeds, tmp_path, [(f"--devices={n}", f"--link=10GB/s,{latency}", *options)
                                                            for n in (2, 4)])
        text = must(convoy("compile", tmp_path / "model.onnx", "--devices=2", f"--link=10GB/s,{latency}", *options,
                           "--stop-after=partition", "-o", "-")).stdout
        gathers.append(text.count("cnn.all_gather"))
    assert gathers == [6, 4]


def test_slow_links_decline(alexnet):
    """If communication costs more than it saves, every device computes everything."""
    table = inspect(alexnet, 2, "auto", "--link=1kB/s,1s")
    assert len(table["layers"]) > 8 and not any("factor" in layer for layer in table["layers"])
    assert table["total"]["exchanged_bytes"] == 0
    fast = inspect(alexnet, 2, "auto", "--link=100GB/s,100ns")
    assert any("factor" in layer for layer in fast["layers"])
    assert fast["total"]["seconds"] < 0.6 * table["total"]["seconds"]


def test_drawing(alexnet, tmp_path):
    drawing = tmp_path / "alexnet.svg"
    must(convoy("inspect", alexnet, "--devices=2", "--strategy=group", f"--svg={drawing}"))
    root = xml.etree.ElementTree.parse(drawing).getroot()
    names = {"svg": "http://www.w3.org/2000/svg"}
    texts = [text.text for text in root.findall("svg:text", names)]
    assert texts.count("conv  1x48x54x54") == 2
    assert "147 kB" in texts
    kinds = [line.get("class") for line in root.findall("svg:line", names)]
    assert kinds.count("halo") == 2 * 2
    assert kinds.count("crossing") == 2 * 5


# --- Wrong use --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [
    ["--devices=0"], ["--devices=-2"], ["--devices=65"], ["--devices=two"], ["--devices=2", "--strategy=potato"],
    ["--devices=2", "--link=10"], ["--devices=2", "--link=10GB/s"], ["--devices=2", "--link=0GB/s,1us"],
    ["--devices=2", "--link=fast,1us"],
], ids=" ".join)
def test_wrong_usage(options, tmp_path):
    onnx.save(support.good_model(), tmp_path / "model.onnx")
    process = convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "out.so", *options)
    assert process.returncode == 2 and process.stderr.startswith("convoy: error:"), process.stderr
    assert not (tmp_path / "out.so").exists()


def test_more_devices_than_channels(tmp_path):
    onnx.save(support.good_model(), tmp_path / "model.onnx")
    process = convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "out.so", "--devices=5")
    assert "no operation has more than 4 channels or groups" in one_line(process)
    process = convoy("compile", tmp_path / "model.onnx", "-o", tmp_path / "out.so", "--devices=2", "--strategy=batch")
    assert "cannot share a batch of 1 between 2 devices" in one_line(process)
    assert not (tmp_path / "out.so").exists()
