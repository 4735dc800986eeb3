// RUN: convoy-opt %s --cnn-set-target="cpu=cooperlake precision=bf16" --cnn-select-algorithm --cnn-pack-weights \
// RUN:   --mlir-print-elementsattrs-with-hex-if-larger=-1 | FileCheck %s

// Pairs of bf16 are rounded to 8 bits.
// CHECK-LABEL: func.func @floats(
// CHECK:         arith.constant dense<
// CHECK-SAME:      {{\[\[}}1.000000e+00, -2.000000e+00], [2.560000e+02, 2.580000e+02], [0.000000e+00, 0.000000e+00],
// CHECK-SAME:      tensor<1x1x16x2xbf16>
// CHECK:         #cnn.schedule<dense, tile = 3x1x16, filter = <dense_dots, 1x1x16x2xbf16>>
func.func @floats(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = arith.constant dense<[[1.0, -2.0], [256.9, 257.1]]> : tensor<2x2xf32>
  %0 = cnn.dense %x, %w : (tensor<3x2xf32>, tensor<2x2xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}
