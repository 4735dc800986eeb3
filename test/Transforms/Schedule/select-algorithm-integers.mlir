// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-select-algorithm | FileCheck %s
// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-select-algorithm=algorithm=winograd_2x2 | FileCheck %s --check-prefix=PREFER

// Pairs of integers: Winograd's algorithm is exact in tiles of 2x2, and saves products.
// CHECK-LABEL: func.func @pairs(
// CHECK:         #cnn.schedule<winograd_2x2, tile = 6x2x8, {{.+}} filter = <winograd_dots, 1x8x16x64x16x2xi16>
func.func @pairs(%x: tensor<1x16x28x28x8xi16>, %w: tensor<128x128x3x3xi8>) -> tensor<1x16x28x28x8xi32> {
  %0 = cnn.conv %x, %w {output_block = 8 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (tensor<1x16x28x28x8xi16>, tensor<128x128x3x3xi8>) -> tensor<1x16x28x28x8xi32>
  return %0 : tensor<1x16x28x28x8xi32>
}

// Four times the sums of 1828 channels and weights of 8 bits, or 918 and 9 bits, may not fit into 32 bits.
// PREFER-LABEL: func.func @limits(
// PREFER:         #cnn.schedule<winograd_2x2,
// PREFER:         #cnn.schedule<direct,
// PREFER:         #cnn.schedule<winograd_2x2,
// PREFER:         #cnn.schedule<direct,
func.func @limits(%a: tensor<1x229x8x8x8xi16>, %b: tensor<1x115x8x8x8xi16>, %u: tensor<8x1827x3x3xi8>, %v: tensor<8x1828x3x3xi8>,
    %w: tensor<8x917x3x3xi16>, %z: tensor<8x918x3x3xi16>)
    -> (tensor<1x1x6x6x8xi32>, tensor<1x1x6x6x8xi32>, tensor<1x1x6x6x8xi32>, tensor<1x1x6x6x8xi32>) {
  %0 = cnn.conv %a, %u {output_block = 8 : i64, window = #cnn.window<[3, 3]>}
      : (tensor<1x229x8x8x8xi16>, tensor<8x1827x3x3xi8>) -> tensor<1x1x6x6x8xi32>
  %1 = cnn.conv %a, %v {output_block = 8 : i64, window = #cnn.window<[3, 3]>}
      : (tensor<1x229x8x8x8xi16>, tensor<8x1828x3x3xi8>) -> tensor<1x1x6x6x8xi32>
  %2 = cnn.conv %b, %w {output_block = 8 : i64, window = #cnn.window<[3, 3]>}
      : (tensor<1x115x8x8x8xi16>, tensor<8x917x3x3xi16>) -> tensor<1x1x6x6x8xi32>
  %3 = cnn.conv %b, %z {output_block = 8 : i64, window = #cnn.window<[3, 3]>}
      : (tensor<1x115x8x8x8xi16>, tensor<8x918x3x3xi16>) -> tensor<1x1x6x6x8xi32>
  return %0, %1, %2, %3 : tensor<1x1x6x6x8xi32>, tensor<1x1x6x6x8xi32>, tensor<1x1x6x6x8xi32>, tensor<1x1x6x6x8xi32>
}

// The other kernels' shapes, and bytes, stay direct.
// PREFER-LABEL: func.func @direct(
// PREFER-COUNT-2: #cnn.schedule<direct,
func.func @direct(%x: tensor<1x2x8x8x8xi16>, %w: tensor<16x16x5x5xi8>, %v: tensor<16x16x3x3xi8>)
    -> (tensor<1x2x4x4x8xi32>, tensor<1x2x3x3x8xi32>) {
  %0 = cnn.conv %x, %w {output_block = 8 : i64, window = #cnn.window<[5, 5]>}
      : (tensor<1x2x8x8x8xi16>, tensor<16x16x5x5xi8>) -> tensor<1x2x4x4x8xi32>
  %1 = cnn.conv %x, %v {output_block = 8 : i64, window = #cnn.window<[3, 3], strides = [2, 2]>}
      : (tensor<1x2x8x8x8xi16>, tensor<16x16x3x3xi8>) -> tensor<1x2x3x3x8xi32>
  return %0, %1 : tensor<1x2x4x4x8xi32>, tensor<1x2x3x3x8xi32>
}
