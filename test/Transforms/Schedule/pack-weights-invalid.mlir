// RUN: convoy-opt %s --cnn-pack-weights --verify-diagnostics

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 2, vector_registers = 16, l2 = 1048576>} {
  func.func @filter_from_outside(%x: tensor<1x2xf32>, %w: tensor<3x2xf32>) -> tensor<1x3xf32> {
    // expected-error @+1 {{needs a filter and a bias that are f32 constants}}
    %0 = cnn.dense %x, %w : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
    return %0 : tensor<1x3xf32>
  }
}
