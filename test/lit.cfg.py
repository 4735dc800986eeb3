"""lit's configuration: RUN lines of .mlir, .test and .onnxtxt files."""

import os
import platform

import lit.formats

config.name = "Convoy"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".onnxtxt"]
config.excludes = ["Integration", "Unit", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.convoy_binary_dir, "test")

# The project's tools first, then FileCheck, not, mlir-runner and their like.
config.environment["PATH"] = os.pathsep.join(
    [config.convoy_tools_dir, config.llvm_tools_dir, os.environ["PATH"]]
)
# A cache of its own: tests neither read nor fill the user's.
config.environment["CONVOY_CACHE_DIR"] = os.path.join(config.test_exec_root, "cache")

onnx_as = os.path.join(config.test_source_root, "onnx-as.py")
config.substitutions += [
    ("%python", config.python),
    ("%onnx-as", f"{config.python} {onnx_as}"),
    ("%source", config.convoy_source_dir),
    ("%llvm_lib_dir", os.path.join(os.path.dirname(config.llvm_tools_dir), "lib")),
]

config.available_features.add(platform.machine())
try:
    with open("/proc/cpuinfo") as info:
        if " avx512f " in info.read():
            config.available_features.add("avx512")
except OSError:
    pass
