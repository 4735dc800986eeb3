"""lit's configuration: RUN lines of .mlir, .test and .onnxtxt files."""

import os

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
# For scripts in utils.
config.environment["CONVOY_BIN"] = config.convoy_tools_dir
# A cache of its own: tests neither read nor fill the user's.
config.environment["CONVOY_CACHE_DIR"] = os.path.join(config.test_exec_root, "cache")

onnx_as = os.path.join(config.test_source_root, "onnx-as.py")
config.substitutions += [
    ("%python", config.python),
    ("%onnx-as", f"{config.python} {onnx_as}"),
    ("%light-model", f"{config.python} " + os.path.join(config.test_source_root, "light-model.py")),
    ("%source", config.convoy_source_dir),
    # The fake driver, an older one, and the folder of artefacts that run on them.
    ("%fake-cuda", "env LD_LIBRARY_PATH=" + os.path.join(config.test_exec_root, "FakeCuda", "driver")),
    ("%fake-old-cuda",
     "env LD_LIBRARY_PATH=" + os.path.join(config.test_exec_root, "FakeCuda", "old-driver")),
    ("%hand-made", os.path.join(config.test_exec_root, "FakeCuda")),
    ("%llvm_lib_dir", os.path.join(os.path.dirname(config.llvm_tools_dir), "lib")),
]

# Lowers functions on tensors to the LLVM dialect with upstream's passes and runs @main, which prints.
lower = (
    "one-shot-bufferize{bufferize-function-boundaries},func.func(convert-linalg-to-loops),convert-vector-to-scf,"
    "lower-affine,convert-scf-to-cf,expand-strided-metadata,lower-affine,convert-math-to-llvm,convert-vector-to-llvm,"
    "convert-to-llvm,reconcile-unrealized-casts"
)
llvm_lib_dir = os.path.join(os.path.dirname(config.llvm_tools_dir), "lib")
config.substitutions += [
    ("%to-llvm", lower),
    (
        "%run-main",
        "mlir-runner --entry-point-result=void "
        f"--shared-libs={llvm_lib_dir}/libmlir_runner_utils.so,{llvm_lib_dir}/libmlir_c_runner_utils.so",
    ),
]
