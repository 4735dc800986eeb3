// RUN: convoy-opt %s --cnn-set-target="cpu=sapphirerapids precision=bf16" --cnn-select-algorithm | FileCheck %s
// RUN: convoy-opt %s --cnn-set-target="cpu=cooperlake precision=bf16" --cnn-select-algorithm | FileCheck %s --check-prefix=DOTS

// A CPU with tiles multiplies them: chunks of 64 bytes of channels fill their rows. The strip is the whole map if its copy fits
// into a quarter of the L2 cache.
// CHECK-LABEL: func.func @pointwise(
// CHECK:         #cnn.schedule<tile_product, tile = 32x2x16, strip = 28,
// CHECK-SAME:      filter = <dots, 1x2x2x1x1x16x32x2xbf16>, scratch = 112768>
// DOTS-LABEL:  func.func @pointwise(
// DOTS:          #cnn.schedule<direct, {{.*}}filter = <dots, 1x2x4x1x1x8x32x2xbf16>
func.func @pointwise(%x: tensor<1x4x28x28x16xf32>, %w: tensor<64x64x1x1xf32>) -> tensor<1x4x28x28x16xf32> {
  %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x4x28x28x16xf32>, tensor<64x64x1x1xf32>) -> tensor<1x4x28x28x16xf32>
  return %0 : tensor<1x4x28x28x16xf32>
}

// Large maps are cut into strips. Here Winograd's algorithm, in f32, would take longer.
// CHECK-LABEL: func.func @strips(
// CHECK:         #cnn.schedule<tile_product, tile = 32x2x16, strip = {{[0-9]+}}, filter = <dots, 1x8x8x3x3x16x32x2xbf16>
// DOTS-LABEL:  func.func @strips(
// DOTS:          #cnn.schedule<winograd_4x4,
func.func @strips(%x: tensor<1x16x56x56x16xf32>, %w: tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32> {
  %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
      : (tensor<1x16x56x56x16xf32>, tensor<256x256x3x3xf32>) -> tensor<1x16x56x56x16xf32>
  return %0 : tensor<1x16x56x56x16xf32>
}

// 40 channels are a chunk and a part of one; an odd number of vectors fills half of the last tile.
// CHECK-LABEL: func.func @parts(
// CHECK:         #cnn.schedule<tile_product, tile = 32x2x16, strip = 7, filter = <dots, 1x2x2x3x3x16x32x2xbf16>
func.func @parts(%x: tensor<1x3x14x14x16xf32>, %w: tensor<48x40x3x3xf32>) -> tensor<1x3x7x7x16xf32> {
  %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1], strides = [2, 2]>}
      : (tensor<1x3x14x14x16xf32>, tensor<48x40x3x3xf32>) -> tensor<1x3x7x7x16xf32>
  return %0 : tensor<1x3x7x7x16xf32>
}

// Other kernels compute three spatial dimensions, groups of part of a block, and what must be exact.
// CHECK-LABEL: func.func @others(
// CHECK-NOT:     tile_product
// CHECK:         return
func.func @others(%x: tensor<1x2x8x8x16xf32>, %y: tensor<1x2x4x4x4x16xf32>, %a: tensor<32x4x3x3xf32>,
    %b: tensor<16x32x1x1x1xf32>, %c: tensor<16x32x1x1xf32>) {
  %0 = cnn.group_conv %x, %a {group = 8 : i64, output_block = 16 : i64, window = #cnn.window<[3, 3]>}
      : (tensor<1x2x8x8x16xf32>, tensor<32x4x3x3xf32>) -> tensor<1x2x6x6x16xf32>
  %1 = cnn.conv %y, %b {output_block = 16 : i64, window = #cnn.window<[1, 1, 1]>}
      : (tensor<1x2x4x4x4x16xf32>, tensor<16x32x1x1x1xf32>) -> tensor<1x1x4x4x4x16xf32>
  %2 = cnn.conv %x, %c {exact, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x2x8x8x16xf32>, tensor<16x32x1x1xf32>) -> tensor<1x1x8x8x16xf32>
  return
}

// The first layer's few channels become four; a step multiplies a row of the kernel. 11 columns of bf16 would not fit into a tile.
// CHECK-LABEL: func.func @plain(
// CHECK:         #cnn.schedule<tile_product, tile = 32x2x16, strip = {{[0-9]+}}, filter = <dots, 1x2x1x7x7x2x32x2xbf16>
// CHECK:         #cnn.schedule<direct, {{.+}} filter = <tiles, 1x2x1x11x11x3x32xf32>
// DOTS-LABEL:  func.func @plain(
// DOTS:          #cnn.schedule<direct, {{.+}} filter = <tiles, 1x2x1x7x7x3x32xf32>
func.func @plain(%x: tensor<1x3x64x64xf32>, %w: tensor<64x3x7x7xf32>, %v: tensor<64x3x11x11xf32>)
    -> (tensor<1x4x29x29x16xf32>, tensor<1x4x27x27x16xf32>) {
  %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[7, 7], strides = [2, 2]>}
      : (tensor<1x3x64x64xf32>, tensor<64x3x7x7xf32>) -> tensor<1x4x29x29x16xf32>
  %1 = cnn.conv %x, %v {output_block = 16 : i64, window = #cnn.window<[11, 11], strides = [2, 2]>}
      : (tensor<1x3x64x64xf32>, tensor<64x3x11x11xf32>) -> tensor<1x4x27x27x16xf32>
  return %0, %1 : tensor<1x4x29x29x16xf32>, tensor<1x4x27x27x16xf32>
}

// Dense layers with rows for a register tile or more. Pairs of bf16 are slower than f32 on such a CPU, but a single row waits for
// its weights in any case.
// CHECK-LABEL: func.func @dense(
// CHECK:         #cnn.schedule<tile_product, tile = 32x2x16, filter = <dense_dots, 2x64x32x2xbf16>, scratch = 4096>
// CHECK:         #cnn.schedule<dense, {{.+}} filter = <dense, 2x128x32xbf16>
// CHECK:         #cnn.schedule<dense, {{.+}} filter = <dense_dots, 1x64x64x2xbf16>
func.func @dense(%x: tensor<70x128xf32>, %y: tensor<20x128xf32>, %z: tensor<1x128xf32>, %w: tensor<64x128xf32>)
    -> (tensor<70x64xf32>, tensor<20x64xf32>, tensor<1x64xf32>) {
  %0 = cnn.dense %x, %w : (tensor<70x128xf32>, tensor<64x128xf32>) -> tensor<70x64xf32>
  %1 = cnn.dense %y, %w : (tensor<20x128xf32>, tensor<64x128xf32>) -> tensor<20x64xf32>
  %2 = cnn.dense %z, %w : (tensor<1x128xf32>, tensor<64x128xf32>) -> tensor<1x64xf32>
  return %0, %1, %2 : tensor<70x64xf32>, tensor<20x64xf32>, tensor<1x64xf32>
}
