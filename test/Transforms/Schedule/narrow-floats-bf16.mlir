// RUN: convoy-opt %s --cnn-set-target="cpu=cooperlake precision=bf16" --cnn-select-algorithm=algorithm=direct \
// RUN:   --cnn-pack-weights --cnn-extend-epilogue --cnn-narrow-floats | FileCheck %s

#id = affine_map<(n, c, y, x, l) -> (n, c, y, x, l)>

// A kernel that multiplies pairs needs bf16. The reorder before it reads f32 and stores bf16, the one at the end reads bf16.
// CHECK-LABEL: func.func @network(
// CHECK:         %[[A:.+]] = cnn.reorder %{{.+}} {{.*}} -> tensor<1x2x8x8x16xbf16>
// CHECK:         %[[B:.+]] = cnn.conv %[[A]], {{.*}} : (tensor<1x2x8x8x16xbf16>, tensor<1x1x2x1x1x8x32x2xbf16>) -> tensor<1x2x8x8x16xbf16>
// CHECK-NEXT:    %[[P:.+]] = cnn.max_pool %[[B]] {{.*}} -> tensor<1x2x4x4x16xbf16>
// CHECK-NEXT:    cnn.reorder %[[P]] {{.*}} -> tensor<1x32x4x4xf32>
func.func @network(%x: tensor<1x32x8x8xf32>) -> tensor<1x32x4x4xf32> {
  %w = arith.constant dense<1.0> : tensor<32x32x1x1xf32>
  %0 = cnn.reorder %x {block = 16 : i64} : (tensor<1x32x8x8xf32>) -> tensor<1x2x8x8x16xf32>
  %1 = cnn.conv %0, %w {output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x2x8x8x16xf32>, tensor<32x32x1x1xf32>) -> tensor<1x2x8x8x16xf32>
  %2 = cnn.max_pool %1 {window = #cnn.window<[2, 2], strides = [2, 2]>} : (tensor<1x2x8x8x16xf32>) -> tensor<1x2x4x4x16xf32>
  %3 = cnn.reorder %2 {block = 0 : i64, channels = 32 : i64} : (tensor<1x2x4x4x16xf32>) -> tensor<1x32x4x4xf32>
  return %3 : tensor<1x32x4x4xf32>
}

// The region of an epilogue reads bf16, computes in f32 and gives bf16.
// CHECK-LABEL: func.func @region(
// CHECK:         cnn.conv %[[A:.+]], %{{.+}} epilogue(%[[A]]
// CHECK-NEXT:    ^bb0(%[[SUM:.+]]: f32, %[[OTHER:.+]]: bf16):
// CHECK-NEXT:      %[[WIDE:.+]] = arith.extf %[[OTHER]] : bf16 to f32
// CHECK-NEXT:      %[[PRODUCT:.+]] = arith.mulf %[[SUM]], %[[WIDE]] : f32
// CHECK-NEXT:      %[[NARROW:.+]] = arith.truncf %[[PRODUCT]] : f32 to bf16
// CHECK-NEXT:      cnn.yield %[[NARROW]] : bf16
func.func @region(%x: tensor<1x32x8x8xf32>) -> tensor<1x32x8x8xf32> {
  %w = arith.constant dense<1.0> : tensor<32x32x1x1xf32>
  %a = cnn.reorder %x {block = 16 : i64} : (tensor<1x32x8x8xf32>) -> tensor<1x2x8x8x16xf32>
  %0 = cnn.conv %a, %w {output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x2x8x8x16xf32>, tensor<32x32x1x1xf32>) -> tensor<1x2x8x8x16xf32>
  %e = tensor.empty() : tensor<1x2x8x8x16xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id, #id],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %a : tensor<1x2x8x8x16xf32>, tensor<1x2x8x8x16xf32>) outs(%e : tensor<1x2x8x8x16xf32>) {
  ^bb0(%s: f32, %t: f32, %o: f32):
    %p = arith.mulf %s, %t : f32
    linalg.yield %p : f32
  } -> tensor<1x2x8x8x16xf32>
  %3 = cnn.reorder %1 {block = 0 : i64, channels = 32 : i64} : (tensor<1x2x8x8x16xf32>) -> tensor<1x32x8x8xf32>
  return %3 : tensor<1x32x8x8xf32>
}

// The exponential of a number fits into bf16. A softmax gives f32: its kernel reads what it has stored.
// CHECK-LABEL: func.func @functions(
// CHECK:         linalg.generic {{.*}} outs(%{{.+}} : tensor<2x8xbf16>)
// CHECK:         %[[S:.+]] = cnn.softmax {{.*}} : (tensor<2x8xbf16>) -> tensor<2x8xf32>
// CHECK:         cnn.concat %{{.+}} {{.*}} : (tensor<2x8xbf16>, tensor<2x8xbf16>) -> tensor<2x16xbf16>
func.func @functions(%x: tensor<2x8xf32>) -> tensor<2x4xf32> {
  %v = arith.constant dense<1.0> : tensor<4x16xf32>
  %e = tensor.empty() : tensor<2x8xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n, c)>],
      iterator_types = ["parallel", "parallel"]} ins(%x : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<2x8xf32>
  %1 = cnn.softmax %0 {axis = 1 : i64} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = cnn.concat %0, %1 {axis = 1 : i64} : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x16xf32>
  %3 = cnn.dense %2, %v : (tensor<2x16xf32>, tensor<4x16xf32>) -> tensor<2x4xf32>
  return %3 : tensor<2x4xf32>
}
