// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-select-algorithm --cnn-pack-weights | FileCheck %s

// Three inputs are one and a half pairs of a chunk of eight, two outputs two of the lanes. The rest is zeros.
// CHECK-LABEL: func.func @conv(
// CHECK:         arith.constant dense<
// CHECK-SAME:      {{\[\[}}1, 2], [4, 5], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]],
// CHECK-SAME:      {{\[\[}}3, 0], [6, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]],
// CHECK-SAME:      tensor<1x1x1x1x1x4x8x2xi8>
// CHECK:         cnn.conv {{.+}}filter_shape = array<i64: 2, 3, 1, 1>
// CHECK-SAME:      #cnn.schedule<direct, {{.+}} filter = <pairs, 1x1x1x1x1x4x8x2xi8>>
func.func @conv(%x: tensor<1x1x4x4x8xi16>) -> tensor<1x1x4x4x8xi32> {
  %w = arith.constant dense<[[[[1]], [[2]], [[3]]], [[[4]], [[5]], [[6]]]]> : tensor<2x3x1x1xi8>
  %0 = cnn.conv %x, %w {output_block = 8 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x1x4x4x8xi16>, tensor<2x3x1x1xi8>) -> tensor<1x1x4x4x8xi32>
  return %0 : tensor<1x1x4x4x8xi32>
}

// CHECK-LABEL: func.func @dense(
// CHECK:         arith.constant dense<
// CHECK-SAME:      {{\[\[}}1, 2], [5, 6], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]],
// CHECK-SAME:      {{\[\[}}3, 400], [7, 8], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]]>
// CHECK-SAME:      tensor<1x2x8x2xi16>
// CHECK:         #cnn.schedule<dense, tile = 3x1x8, filter = <dense_pairs, 1x2x8x2xi16>>
func.func @dense(%x: tensor<3x4xi16>) -> tensor<3x2xi32> {
  %w = arith.constant dense<[[1, 2, 3, 400], [5, 6, 7, 8]]> : tensor<2x4xi16>
  %0 = cnn.dense %x, %w : (tensor<3x4xi16>, tensor<2x4xi16>) -> tensor<3x2xi32>
  return %0 : tensor<3x2xi32>
}
