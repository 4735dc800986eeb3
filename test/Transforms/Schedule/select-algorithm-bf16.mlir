// RUN: convoy-opt %s --cnn-set-target="cpu=cooperlake precision=bf16" --cnn-select-algorithm | FileCheck %s
// RUN: convoy-opt %s --cnn-set-target="cpu=x86-64-v4 precision=bf16" --cnn-select-algorithm | FileCheck %s --check-prefix=F32

// Direct convolutions of blocked data multiply pairs of bf16 if the CPU has an instruction for that, or else f32.
// CHECK-LABEL: func.func @direct(
// CHECK:         #cnn.schedule<direct, tile = 14x2x16, {{.*}}filter = <dots, 1x2x4x1x1x8x32x2xbf16>
// F32-LABEL:   func.func @direct(
// F32:           #cnn.schedule<direct, tile = 14x2x16, {{.*}}filter = <tiles, 1x2x4x1x1x16x32xf32>
func.func @direct(%x: tensor<1x4x28x28x16xf32>, %w: tensor<64x64x1x1xf32>) -> tensor<1x4x28x28x16xf32> {
  %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x4x28x28x16xf32>, tensor<64x64x1x1xf32>) -> tensor<1x4x28x28x16xf32>
  return %0 : tensor<1x4x28x28x16xf32>
}

// Winograd's algorithm multiplies f32: twice the time of a product of bf16, but a quarter of the products.
// CHECK-LABEL: func.func @winograd(
// CHECK:         #cnn.schedule<winograd_4x4, {{.+}} filter = <winograd, {{[0-9x]+}}xf32>
func.func @winograd(%x: tensor<1x16x56x56x16xf32>, %w: tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32> {
  %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (tensor<1x16x56x56x16xf32>, tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32>
  return %0 : tensor<1x16x56x56x16xf32>
}

// With few channels, transforming them takes more time than that saves.
// CHECK-LABEL: func.func @few_channels(
// CHECK:         #cnn.schedule<direct, {{.+}} filter = <dots, 1x1x1x5x5x8x16x2xbf16>
// F32-LABEL:   func.func @few_channels(
// F32:           #cnn.schedule<winograd_2x2, {{.+}} filter = <winograd, {{[0-9x]+}}xf32>
func.func @few_channels(%x: tensor<1x1x56x56x16xf32>, %w: tensor<16x16x5x5xf32>) -> tensor<1x1x56x56x16xf32> {
  %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[5, 5], pads = [2, 2, 2, 2]>}
      : (tensor<1x1x56x56x16xf32>, tensor<16x16x5x5xf32>) -> tensor<1x1x56x56x16xf32>
  return %0 : tensor<1x1x56x56x16xf32>
}

// These multiply single inputs: plain data, odd channels, groups of part of a block, transposed and exact ones.
// CHECK-LABEL: func.func @single(
// CHECK-NOT:     bf16
// CHECK:         return
func.func @single(%p: tensor<1x3x8x8xf32>, %x: tensor<1x2x8x8x16xf32>, %a: tensor<16x3x3x3xf32>, %b: tensor<16x17x1x1xf32>,
    %c: tensor<32x4x3x3xf32>, %d: tensor<32x16x2x2xf32>, %e: tensor<16x32x1x1xf32>) {
  %0 = cnn.conv %p, %a {output_block = 16 : i64, window = #cnn.window<[3, 3]>}
      : (tensor<1x3x8x8xf32>, tensor<16x3x3x3xf32>) -> tensor<1x1x6x6x16xf32>
  %1 = cnn.conv %x, %b {output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x2x8x8x16xf32>, tensor<16x17x1x1xf32>) -> tensor<1x1x8x8x16xf32>
  %2 = cnn.group_conv %x, %c {group = 8 : i64, output_block = 16 : i64, window = #cnn.window<[3, 3]>}
      : (tensor<1x2x8x8x16xf32>, tensor<32x4x3x3xf32>) -> tensor<1x2x6x6x16xf32>
  %3 = cnn.conv_transpose %x, %d {output_block = 16 : i64, output_padding = array<i64: 0, 0>,
      window = #cnn.window<[2, 2], strides = [2, 2]>}
      : (tensor<1x2x8x8x16xf32>, tensor<32x16x2x2xf32>) -> tensor<1x1x16x16x16xf32>
  %4 = cnn.conv %x, %e {exact, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x2x8x8x16xf32>, tensor<16x32x1x1xf32>) -> tensor<1x1x8x8x16xf32>
  return
}

// Weights of dense layers are bf16 in any case. Inputs are not cut into chunks: between them, the sums would be stored in bf16.
// CHECK-LABEL: func.func @dense(
// CHECK:         #cnn.schedule<dense, tile = 14x2x16, filter = <dense_dots, 2x384x32x2xbf16>>
// CHECK:         #cnn.schedule<dense, tile = 14x2x16, filter = <dense, 2x769x32xbf16>>
func.func @dense(%x: tensor<64x768xf32>, %y: tensor<64x769xf32>, %w: tensor<64x768xf32>, %v: tensor<64x769xf32>)
    -> (tensor<64x64xf32>, tensor<64x64xf32>) {
  %0 = cnn.dense %x, %w : (tensor<64x768xf32>, tensor<64x768xf32>) -> tensor<64x64xf32>
  %1 = cnn.dense %y, %v : (tensor<64x769xf32>, tensor<64x769xf32>) -> tensor<64x64xf32>
  return %0, %1 : tensor<64x64xf32>, tensor<64x64xf32>
}
