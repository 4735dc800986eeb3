// RUN: convoy-opt %s --cnn-verify-simplified --split-input-file --verify-diagnostics

func.func @fine(%x: tensor<1x2x4xf32>, %w: tensor<2x2x1xf32>) -> tensor<1x4x2xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = cnn.conv %x, %w {window = #cnn.window<[1]>} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  %1 = tensor.pad %0 low[0, 0, 0] high[0, 0, 0] {
  ^bb0(%a: index, %b: index, %c: index):
    tensor.yield %zero : f32
  } : tensor<1x2x4xf32> to tensor<1x2x4xf32>
  %e = tensor.empty() : tensor<1x4x2xf32>
  %2 = linalg.transpose ins(%1 : tensor<1x2x4xf32>) outs(%e : tensor<1x4x2xf32>) permutation = [0, 2, 1]
  return %2 : tensor<1x4x2xf32>
}

// -----

func.func @batch_norm(%x: tensor<1x2x4xf32>, %p: tensor<2xf32>) -> tensor<1x2x4xf32> {
  // expected-error @below {{'cnn.batch_norm' op may not leave the phase 'simplify': cnn-fold-batch-norm folds it or makes it a}}
  %0 = cnn.batch_norm %x, %p, %p, %p, %p {epsilon = 1.0 : f32, mode = #cnn.batch_norm_mode<inference>}
      : (tensor<1x2x4xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x4xf32>
  return %0 : tensor<1x2x4xf32>
}

// -----

func.func @too_early(%x: tensor<1x2x4xf32>, %w: tensor<2x2x1xf32>, %b: tensor<1x1x4x8xf32>, %s: tensor<1x8xf32>) -> tensor<1x2x4xf32> {
  // expected-error @below {{it has an activation, which cnn-fuse-epilogue gives later}}
  %0 = cnn.conv %x, %w {activation = #cnn.function<relu>, window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  // expected-error @below {{it has a residual, which cnn-fuse-epilogue gives later}}
  %1 = cnn.conv %0, %w residual(%0) {window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // expected-error @below {{it has a prologue, which cnn-fuse-prologue gives later}}
  %p = cnn.conv %b, %w prologue(%s, %s) {window = #cnn.window<[1]>}
      : (tensor<1x1x4x8xf32>, tensor<2x2x1xf32>, tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x2x4xf32>
  // expected-error @below {{it is blocked, which cnn-assign-layout does later}}
  %2 = cnn.conv %1, %w {output_block = 8 : i64, window = #cnn.window<[1]>} : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x1x4x8xf32>
  // expected-error @below {{it belongs to a later phase}}
  %3 = cnn.reorder %2 {block = 0 : i64, channels = 2 : i64} : (tensor<1x1x4x8xf32>) -> tensor<1x2x4xf32>
  // expected-error @below {{it has a destination}}
  %4 = cnn.unary <relu> %3 outs(%x) : (tensor<1x2x4xf32>, tensor<1x2x4xf32>) -> tensor<1x2x4xf32>
  // expected-error @below {{its filter is packed, which cnn-pack-weights does later}}
  %5 = cnn.conv %4, %w {filter_shape = array<i64: 2, 2, 1>, window = #cnn.window<[1]>}
      : (tensor<1x2x4xf32>, tensor<2x2x1xf32>) -> tensor<1x2x4xf32>
  return %5 : tensor<1x2x4xf32>
}

// -----

func.func @unknown(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{'arith.addf' op may not leave the phase 'simplify': it stands outside of a cnn.compute}}
  %0 = arith.addf %x, %x : tensor<4xf32>
  return %0 : tensor<4xf32>
}
