// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-select-algorithm --cnn-pack-weights \
// RUN:   --mlir-print-elementsattrs-with-hex-if-larger=-1 | FileCheck %s

// Three inputs are one and a half pairs of a chunk of eight, two outputs two of the lanes. The rest is zeros.
// CHECK-LABEL: func.func @conv(
// CHECK:         arith.constant dense<
// CHECK-SAME:      {{\[\[}}1, 2], [4, 5], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]],
// CHECK-SAME:      {{\[\[}}3, 0], [6, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]],
// CHECK-SAME:      tensor<1x1x1x1x1x4x8x2xi8>
// CHECK:         cnn.conv {{.+}}filter_shape = array<i64: 2, 3, 1, 1>
// CHECK-SAME:      #cnn.schedule<direct, {{.+}} filter = <dots, 1x1x1x1x1x4x8x2xi8>>
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
// CHECK:         #cnn.schedule<dense, tile = 3x1x8, filter = <dense_dots, 1x2x8x2xi16>>
func.func @dense(%x: tensor<3x4xi16>) -> tensor<3x2xi32> {
  %w = arith.constant dense<[[1, 2, 3, 400], [5, 6, 7, 8]]> : tensor<2x4xi16>
  %0 = cnn.dense %x, %w : (tensor<3x4xi16>, tensor<2x4xi16>) -> tensor<3x2xi32>
  return %0 : tensor<3x2xi32>
}

// A corner of 3 in one input channel and of -1 in the other, transformed by twice the matrix of F(2x2, 3x3).
// CHECK-LABEL: func.func @winograd(
// CHECK:         arith.constant dense<
// CHECK-SAME:      {{\[}}12, -4], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}-6, 2], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}-6, 2], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}-6, 2], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}3, -1], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}3, -1], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}-6, 2], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}3, -1], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}3, -1], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      {{\[}}0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0], [0, 0]]]
// CHECK-SAME:      tensor<1x1x16x1x8x2xi16>
// CHECK:         #cnn.schedule<winograd_2x2, {{.+}} filter = <winograd_dots, 1x1x16x1x8x2xi16>
func.func @winograd(%x: tensor<1x1x8x8x8xi16>) -> tensor<1x1x6x6x8xi32> {
  %w = arith.constant dense<[[[[3, 0, 0], [0, 0, 0], [0, 0, 0]], [[-1, 0, 0], [0, 0, 0], [0, 0, 0]]]]> : tensor<1x2x3x3xi8>
  %0 = cnn.conv %x, %w {output_block = 8 : i64, window = #cnn.window<[3, 3]>,
        schedule = #cnn.schedule<winograd_2x2, tile = 12x1x8, strip = 9, filter = <winograd_dots, 1x1x16x1x8x2xi16>, scratch = 19456>}
      : (tensor<1x1x8x8x8xi16>, tensor<1x2x3x3xi8>) -> tensor<1x1x6x6x8xi32>
  return %0 : tensor<1x1x6x6x8xi32>
}
