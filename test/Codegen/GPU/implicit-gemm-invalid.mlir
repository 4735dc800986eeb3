// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-gpu-kernels --verify-diagnostics

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>, precision = f16>

module attributes {cnn.target = #target, cnn.arena_size = 64 : i64, cnn.weights_size = 64 : i64} {
  func.func @main(%arena: memref<64xi8>, %weights: memref<64xi8>,
                  %x: memref<8x4x56x56x16xf32>, %w: memref<1x1x4x3x3x16x64xf16>, %b: memref<64xf32>, %y: memref<8x4x56x56x16xf32>) {
    // expected-error @below {{copies blocks of inputs as they are, and needs them in the filter's type}}
    cnn.conv %x, %w, %b outs(%y) {filter_shape = array<i64: 64, 64, 3, 3>, output_block = 16 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (memref<8x4x56x56x16xf32>, memref<1x1x4x3x3x16x64xf16>, memref<64xf32>, memref<8x4x56x56x16xf32>) -> ()
    return
  }
}
