// RUN: convoy-opt %s --cnn-generate-gpu-kernels --split-input-file --verify-diagnostics

module attributes {cnn.arena_size = 1 : i64, cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576, gpu = #cnn.gpu<cuda, [80]>>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<4x1x1x3xf32>, %r: memref<1x3x3xf32>,
      %y: memref<4x1x1x3xf32>) {
    // expected-error @below {{has no GPU kernel: compile the model for a CPU}}
    cnn.recurrence <rnn> <forward> %x, %r outs(%y) {functions = [#cnn.function<tanh>], sequence}
        : (memref<4x1x1x3xf32>, memref<1x3x3xf32>, memref<4x1x1x3xf32>) -> ()
    return
  }
}
