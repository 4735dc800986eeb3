// RUN: convoy-opt %s --cnn-pack-weights --split-input-file --verify-diagnostics

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 2, vector_registers = 16, l2 = 1048576>} {
  func.func @filter_from_outside(%x: tensor<1x2xf32>, %w: tensor<3x2xf32>) -> tensor<1x3xf32> {
    // expected-error @+1 {{needs a filter and a bias that are f32 constants}}
    %0 = cnn.dense %x, %w {schedule = #cnn.schedule<dense, tile = 1x2x2, filter = <dense, 1x2x4xf32>>}
        : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
    return %0 : tensor<1x3xf32>
  }
}

// -----

func.func @undecided(%x: tensor<1x2xf32>) -> tensor<1x3xf32> {
  %w = arith.constant dense<1.0> : tensor<3x2xf32>
  // expected-error @+1 {{has no schedule to pack its filter for: run cnn-select-algorithm first}}
  %0 = cnn.dense %x, %w : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @too_large(%x: tensor<1x2xf32>) -> tensor<1x3xf32> {
  %w = arith.constant dense<70000.0> : tensor<3x2xf32>
  // expected-error @+1 {{has a weight of 7.000000e+04, too large for f16: use --weights=bf16 or f32}}
  %0 = cnn.dense %x, %w {schedule = #cnn.schedule<dense, tile = 1x1x8, filter = <dense, 1x2x8xf16>>}
     : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}
