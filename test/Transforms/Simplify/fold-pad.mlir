// RUN: convoy-opt %s --cnn-fold-pad --split-input-file | FileCheck %s

// The pads are added to the pads that the convolution has already.
// CHECK-LABEL: func.func @conv(
func.func @conv(%x: tensor<1x1x4x4xf32>, %w: tensor<1x1x3x3xf32>) -> tensor<1x1x8x5xf32> {
  // CHECK-NOT: tensor.pad
  %zero = arith.constant 0.0 : f32
  %p = tensor.pad %x low[0, 0, 1, 2] high[0, 0, 3, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %zero : f32
  } : tensor<1x1x4x4xf32> to tensor<1x1x8x6xf32>
  // CHECK: cnn.conv %arg0, %arg1 {window = #cnn.window<[3, 3], pads = [2, 2, 4, 1]>
  // CHECK-SAME: (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x8x5xf32>
  %0 = cnn.conv %p, %w {window = #cnn.window<[3, 3], pads = [1, 0, 1, 1]>}
      : (tensor<1x1x8x6xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x8x5xf32>
  return %0 : tensor<1x1x8x5xf32>
}

// -----

// If a pad has another reader, it stays for that reader.
// CHECK-LABEL: func.func @group_conv(
func.func @group_conv(%x: tensor<1x2x4xf32>, %w: tensor<2x1x3xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x6xf32>) {
  %zero = arith.constant 0.0 : f32
  // CHECK: %[[P:.+]] = tensor.pad
  %p = tensor.pad %x low[0, 0, 1] high[0, 0, 1] {
  ^bb0(%a: index, %b: index, %c: index):
    tensor.yield %zero : f32
  } : tensor<1x2x4xf32> to tensor<1x2x6xf32>
  // CHECK: %[[C:.+]] = cnn.group_conv %arg0, %arg1 {group = 2 : i64, window = #cnn.window<[3], pads = [1, 1]>
  %0 = cnn.group_conv %p, %w {group = 2 : i64, window = #cnn.window<[3]>} : (tensor<1x2x6xf32>, tensor<2x1x3xf32>) -> tensor<1x2x4xf32>
  // CHECK: return %[[C]], %[[P]]
  return %0, %p : tensor<1x2x4xf32>, tensor<1x2x6xf32>
}

// -----

// An average pool must then count its padding, because it has counted the zeros. A maximum pool ignores its padding.
// CHECK-LABEL: func.func @pools(
func.func @pools(%x: tensor<1x1x4xf32>) -> (tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>) {
  // CHECK-NOT: tensor.pad
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant -3.40282347E+38 : f32
  %infinity = arith.constant 0xFF800000 : f32
  %p = tensor.pad %x low[0, 0, 1] high[0, 0, 1] {
  ^bb0(%a: index, %b: index, %c: index):
    tensor.yield %zero : f32
  } : tensor<1x1x4xf32> to tensor<1x1x6xf32>
  %q = tensor.pad %x low[0, 0, 1] high[0, 0, 1] {
  ^bb0(%a: index, %b: index, %c: index):
    tensor.yield %lowest : f32
  } : tensor<1x1x4xf32> to tensor<1x1x6xf32>
  %r = tensor.pad %x low[0, 0, 1] high[0, 0, 1] {
  ^bb0(%a: index, %b: index, %c: index):
    tensor.yield %infinity : f32
  } : tensor<1x1x4xf32> to tensor<1x1x6xf32>
  // CHECK: cnn.avg_pool %arg0 {count_include_pad, {{.*}}pads = [1, 1]
  %0 = cnn.avg_pool %p {window = #cnn.window<[3]>} : (tensor<1x1x6xf32>) -> tensor<1x1x4xf32>
  // CHECK: cnn.max_pool %arg0 {{.*}}pads = [1, 1]
  %1 = cnn.max_pool %q {window = #cnn.window<[3]>} : (tensor<1x1x6xf32>) -> tensor<1x1x4xf32>
  // CHECK: cnn.max_pool %arg0 {{.*}}pads = [1, 1]
  %2 = cnn.max_pool %r {window = #cnn.window<[3]>} : (tensor<1x1x6xf32>) -> tensor<1x1x4xf32>
  return %0, %1, %2 : tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>
}

// -----

// Not folded: a pad of channels, and a pad that is not zero, before a convolution; any pad before a
// transposed convolution.
// CHECK-LABEL: func.func @not_conv(
func.func @not_conv(%x: tensor<1x1x4xf32>, %w: tensor<1x2x3xf32>, %v: tensor<1x1x3xf32>)
    -> (tensor<1x1x2xf32>, tensor<1x1x4xf32>, tensor<1x1x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  // CHECK-COUNT-3: tensor.pad
  %p = tensor.pad %x low[0, 1, 0] high[0, 0, 0] {
  // CHECK-NOT: pads = [1, 1]
  ^bb0(%a: index, %b: index, %c: index):
    tensor.yield %zero : f32
  } : tensor<1x1x4xf32> to tensor<1x2x4xf32>
  %q = tensor.pad %x low[0, 0, 1] high[0, 0, 1] {
  ^bb0(%a: index, %b: index, %c: index):
    tensor.yield %one : f32
  } : tensor<1x1x4xf32> to tensor<1x1x6xf32>
  %r = tensor.pad %x low[0, 0, 1] high[0, 0, 1] {
  ^bb0(%a: index, %b: index, %c: index):
    tensor.yield %zero : f32
  } : tensor<1x1x4xf32> to tensor<1x1x6xf32>
  %0 = cnn.conv %p, %w {window = #cnn.window<[3]>} : (tensor<1x2x4xf32>, tensor<1x2x3xf32>) -> tensor<1x1x2xf32>
  %1 = cnn.conv %q, %v {window = #cnn.window<[3]>} : (tensor<1x1x6xf32>, tensor<1x1x3xf32>) -> tensor<1x1x4xf32>
  %2 = cnn.conv_transpose %r, %v {output_padding = array<i64: 0>, window = #cnn.window<[3]>}
      : (tensor<1x1x6xf32>, tensor<1x1x3xf32>) -> tensor<1x1x8xf32>
  return %0, %1, %2 : tensor<1x1x2xf32>, tensor<1x1x4xf32>, tensor<1x1x8xf32>
}

// -----

// Not folded: zeros, which are larger than negative numbers in a maximum pool; an average pool whose own
// pads are not counted; a window that has only padding; a last window that begins in the padding.
// CHECK-LABEL: func.func @not_pools(
func.func @not_pools(%x: tensor<1x1x4xf32>) -> (tensor<1x1x6xf32>, tensor<1x1x6xf32>, tensor<1x1x7xf32>, tensor<1x1x3xf32>) {
  %zero = arith.constant 0.0 : f32
  // CHECK: %[[P:.+]] = tensor.pad
  %p = tensor.pad %x low[0, 0, 2] high[0, 0, 2] {
  ^bb0(%a: index, %b: index, %c: index):
    tensor.yield %zero : f32
  } : tensor<1x1x4xf32> to tensor<1x1x8xf32>
  // CHECK: cnn.max_pool %[[P]]
  %0 = cnn.max_pool %p {window = #cnn.window<[3]>} : (tensor<1x1x8xf32>) -> tensor<1x1x6xf32>
  // CHECK: cnn.avg_pool %[[P]]
  %1 = cnn.avg_pool %p {window = #cnn.window<[5], pads = [1, 1]>} : (tensor<1x1x8xf32>) -> tensor<1x1x6xf32>
  // CHECK: cnn.avg_pool %[[P]]
  %2 = cnn.avg_pool %p {window = #cnn.window<[2]>} : (tensor<1x1x8xf32>) -> tensor<1x1x7xf32>
  // CHECK: cnn.avg_pool %[[P]]
  %3 = cnn.avg_pool %p {ceil_mode, window = #cnn.window<[3], strides = [3]>} : (tensor<1x1x8xf32>) -> tensor<1x1x3xf32>
  return %0, %1, %2, %3 : tensor<1x1x6xf32>, tensor<1x1x6xf32>, tensor<1x1x7xf32>, tensor<1x1x3xf32>
}
