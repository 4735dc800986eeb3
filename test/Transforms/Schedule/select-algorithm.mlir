// RUN: convoy-opt %s --cnn-select-algorithm | FileCheck %s
// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=winograd_2x2 | FileCheck %s --check-prefix=PREFER
// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct \
// RUN:   | FileCheck %s --check-prefix=DIRECT --implicit-check-not=winograd
// RUN: not convoy-opt %s --cnn-select-algorithm=algorithm=fft 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: unknown algorithm 'fft'
// RUN: not convoy-opt %s --cnn-select-algorithm=weights=f64 2>&1 | FileCheck %s --check-prefix=WEIGHTS
// WEIGHTS: error: weights cannot be stored as 'f64'
// RUN: convoy-opt %s --cnn-select-algorithm=weights=bf16 | FileCheck %s --check-prefix=BF16
// DIRECT-COUNT-6: schedule = #cnn.schedule<direct,
// DIRECT-NOT: schedule<winograd

// Measured times decide, if they differ clearly.
// RUN: convoy-opt %s --cnn-select-algorithm=tuning=%S/Inputs/tuning.json | FileCheck %s --check-prefix=TUNED
// RUN: not convoy-opt %s --cnn-select-algorithm=tuning=%S/Inputs/absent.json 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not convoy-opt %s --cnn-select-algorithm=tuning=%S/Inputs/not-tuning.json 2>&1 | FileCheck %s --check-prefix=DAMAGED
// ABSENT: error: {{.*}}absent.json: No such file or directory
// DAMAGED: error: {{.*}}not-tuning.json: not a tuning file: no object 'convolutions' (remove it and tune again)

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  // Large tiles, because the map fills them.
  // CHECK-LABEL:  func.func @large(
  // BF16-LABEL:   func.func @large(
  // TUNED-LABEL:  func.func @large(
  // PREFER-LABEL: func.func @large(
  func.func @large(%x: tensor<1x4x56x56x16xf32>, %w: tensor<64x64x3x3xf32>) -> tensor<1x4x56x56x16xf32> {
    // CHECK: schedule = #cnn.schedule<winograd_4x4, tile = 14x2x16, strip = 28,
    // CHECK-SAME: filter = <winograd, 1x2x36x64x32xf32>, scratch = {{[0-9]+}}>
    // Large tiles would magnify the rounding of transformed filters.
    // BF16: schedule = #cnn.schedule<winograd_4x4_compact, tile = 14x2x16, strip = 28, chunk = 4,
    // BF16-SAME: filter = <winograd_compact, 1x2x64x9x32xbf16>
    // TUNED: schedule = #cnn.schedule<winograd_4x4, tile = 28x1x16,
    // PREFER: schedule = #cnn.schedule<winograd_2x2,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x4x56x56x16xf32>, tensor<64x64x3x3xf32>) -> tensor<1x4x56x56x16xf32>
    return %0 : tensor<1x4x56x56x16xf32>
  }
  // With a map of 7x7, it takes longer to read the transformed filter of large tiles than to multiply with it.
  // CHECK-LABEL: func.func @small(
  // TUNED-LABEL: func.func @small(
  func.func @small(%x: tensor<1x32x7x7x16xf32>, %w: tensor<512x512x3x3xf32>) -> tensor<1x32x7x7x16xf32> {
    // CHECK: schedule = #cnn.schedule<winograd_2x2, tile = 28x1x16, strip = 16,
    // TUNED: schedule = #cnn.schedule<winograd_2x2,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x32x7x7x16xf32>, tensor<512x512x3x3xf32>) -> tensor<1x32x7x7x16xf32>
    return %0 : tensor<1x32x7x7x16xf32>
  }
  // With 14x14, large tiles are faster. The transformed filter is large, and the kernel can transform it at little cost.
  // CHECK-LABEL: func.func @room(
  // PREFER-LABEL: func.func @room(
  func.func @room(%x: tensor<1x32x14x14x16xf32>, %w: tensor<512x512x3x3xf32>) -> tensor<1x32x14x14x16xf32> {
    // CHECK: schedule = #cnn.schedule<winograd_4x4_compact,
    // PREFER: schedule = #cnn.schedule<winograd_2x2,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x32x14x14x16xf32>, tensor<512x512x3x3xf32>) -> tensor<1x32x14x14x16xf32>
    return %0 : tensor<1x32x14x14x16xf32>
  }
  // A filter with a quarter of the weights is read fast enough.
  // CHECK-LABEL: func.func @enough(
  func.func @enough(%x: tensor<1x16x14x14x16xf32>, %w: tensor<256x256x3x3xf32>) -> tensor<1x16x14x14x16xf32> {
    // CHECK: schedule = #cnn.schedule<winograd_4x4,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x16x14x14x16xf32>, tensor<256x256x3x3xf32>) -> tensor<1x16x14x14x16xf32>
    return %0 : tensor<1x16x14x14x16xf32>
  }
  // The images of a batch share the transformed filter.
  // CHECK-LABEL: func.func @batch(
  func.func @batch(%x: tensor<8x32x7x7x16xf32>, %w: tensor<512x512x3x3xf32>) -> tensor<8x32x7x7x16xf32> {
    // CHECK: schedule = #cnn.schedule<winograd_4x4_compact,
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<8x32x7x7x16xf32>, tensor<512x512x3x3xf32>) -> tensor<8x32x7x7x16xf32>
    return %0 : tensor<8x32x7x7x16xf32>
  }
  // AlexNet's second layer.
  // CHECK-LABEL: func.func @kernel5x5(
  func.func @kernel5x5(%x: tensor<1x6x27x27x16xf32>, %w: tensor<256x48x5x5xf32>) -> tensor<1x16x27x27x16xf32> {
    // CHECK: schedule = #cnn.schedule<winograd_2x2,
    %0 = cnn.group_conv %x, %w {group = 2 : i64, output_block = 16 : i64,
        window = #cnn.window<[5, 5], pads = [2, 2, 2, 2]>}
        : (tensor<1x6x27x27x16xf32>, tensor<256x48x5x5xf32>) -> tensor<1x16x27x27x16xf32>
    return %0 : tensor<1x16x27x27x16xf32>
  }
  // With strides, groups that share a block, plain data or a 1x1 kernel, Winograd is not used, even if it is preferred.
  // PREFER-LABEL: func.func @never(
  func.func @never(%x: tensor<1x4x9x9x16xf32>, %p: tensor<1x3x9x9xf32>, %w: tensor<64x64x3x3xf32>,
      %g: tensor<64x4x3x3xf32>, %f: tensor<64x3x3x3xf32>, %k: tensor<64x64x1x1xf32>)
      -> (tensor<1x4x5x5x16xf32>, tensor<1x4x9x9x16xf32>, tensor<1x4x9x9x16xf32>, tensor<1x4x9x9x16xf32>) {
    // PREFER: schedule = #cnn.schedule<direct, tile = 14x2x16,
    // PREFER-SAME: filter = <tiles, 1x2x4x3x3x16x32xf32>>
    // PREFER: schedule = #cnn.schedule<channelwise, tile = 12x1x16, filter = <channelwise, 4x3x3x4x16xf32>>
    // PREFER: schedule = #cnn.schedule<direct, tile = 14x2x16,
    // PREFER-SAME: filter = <tiles, 1x2x1x3x3x3x32xf32>>
    // PREFER: schedule = #cnn.schedule<direct, tile = 14x2x16, span = map, filter = <tiles, 1x2x4x1x1x16x32xf32>>
    %0 = cnn.conv %x, %w {output_block = 16 : i64,
        window = #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>}
        : (tensor<1x4x9x9x16xf32>, tensor<64x64x3x3xf32>) -> tensor<1x4x5x5x16xf32>
    %1 = cnn.group_conv %x, %g {group = 16 : i64, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x4x9x9x16xf32>, tensor<64x4x3x3xf32>) -> tensor<1x4x9x9x16xf32>
    %2 = cnn.conv %p, %f {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x3x9x9xf32>, tensor<64x3x3x3xf32>) -> tensor<1x4x9x9x16xf32>
    %3 = cnn.conv %x, %k {output_block = 16 : i64, window = #cnn.window<[1, 1]>}
        : (tensor<1x4x9x9x16xf32>, tensor<64x64x1x1xf32>) -> tensor<1x4x9x9x16xf32>
    return %0, %1, %2, %3 : tensor<1x4x5x5x16xf32>, tensor<1x4x9x9x16xf32>, tensor<1x4x9x9x16xf32>, tensor<1x4x9x9x16xf32>
  }
  // A schedule that the operation has already stays.
  // CHECK-LABEL:  func.func @given(
  // PREFER-LABEL: func.func @given(
  func.func @given(%x: tensor<1x4x56x56x16xf32>, %w: tensor<64x64x3x3xf32>) -> tensor<1x4x56x56x16xf32> {
    // CHECK: schedule = #cnn.schedule<direct, tile = 20x1x16, order = pixels, filter = <tiles, 1x4x4x3x3x16x16xf32>>
    // PREFER: schedule = #cnn.schedule<direct, tile = 20x1x16, order = pixels, filter = <tiles, 1x4x4x3x3x16x16xf32>>
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<direct, tile = 20x1x16, order = pixels, filter = <tiles, 1x4x4x3x3x16x16xf32>>,
        output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x4x56x56x16xf32>, tensor<64x64x3x3xf32>) -> tensor<1x4x56x56x16xf32>
    return %0 : tensor<1x4x56x56x16xf32>
  }
  // A dense layer with one row reads four vectors of weights per input.
  // CHECK-LABEL: func.func @dense(
  func.func @dense(%x: tensor<1x64xf32>, %y: tensor<20x64xf32>, %w: tensor<100x64xf32>) -> (tensor<1x100xf32>, tensor<20x100xf32>) {
    // CHECK: cnn.dense {{.*}}schedule = #cnn.schedule<dense, tile = 1x4x16, filter = <dense, 2x64x64xf32>>
    %0 = cnn.dense %x, %w : (tensor<1x64xf32>, tensor<100x64xf32>) -> tensor<1x100xf32>
    // CHECK: cnn.dense {{.*}}schedule = #cnn.schedule<dense, tile = 14x2x16, filter = <dense, 4x64x32xf32>>
    %1 = cnn.dense %y, %w : (tensor<20x64xf32>, tensor<100x64xf32>) -> tensor<20x100xf32>
    return %0, %1 : tensor<1x100xf32>, tensor<20x100xf32>
  }
  // With several tiles of rows, many inputs are added up in chunks.
  // CHECK-LABEL: func.func @deep_dense(
  func.func @deep_dense(%x: tensor<20x1100xf32>, %w: tensor<100x1100xf32>) -> tensor<20x100xf32> {
    // CHECK: cnn.dense {{.*}}schedule = #cnn.schedule<dense, tile = 14x2x16, chunk = 367, filter = <dense, 4x1100x32xf32>>
    %0 = cnn.dense %x, %w : (tensor<20x1100xf32>, tensor<100x1100xf32>) -> tensor<20x100xf32>
    return %0 : tensor<20x100xf32>
  }
  // The input does not fit into the L2 cache, but all filters do: tiles of output channels are the inner loop.
  // CHECK-LABEL: func.func @rows(
  func.func @rows(%x: tensor<1x4x112x112x16xf32>, %w: tensor<64x64x1x1xf32>) -> tensor<1x4x112x112x16xf32> {
    // CHECK: schedule = #cnn.schedule<direct, tile = 14x2x16, order = pixels, filter = <tiles, 1x2x4x1x1x16x32xf32>>
    %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>, output_block = 16 : i64}
        : (tensor<1x4x112x112x16xf32>, tensor<64x64x1x1xf32>) -> tensor<1x4x112x112x16xf32>
    return %0 : tensor<1x4x112x112x16xf32>
  }
  // Five vectors of output channels: the last of three tiles of two is partly filled in a 1x1 layer and with plain output.
  // CHECK-LABEL: func.func @half_tile(
  func.func @half_tile(%x: tensor<1x4x30x30x16xf32>, %w: tensor<80x64x1x1xf32>, %v: tensor<80x64x3x3xf32>, %p: tensor<1x1x900xf32>,
      %u: tensor<80x1x64xf32>) -> (tensor<1x5x30x30x16xf32>, tensor<1x5x14x14x16xf32>, tensor<1x80x42xf32>) {
    // CHECK: schedule = #cnn.schedule<direct, tile = 14x2x16, filter = <tiles, 1x3x4x1x1x16x32xf32>>
    %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>, output_block = 16 : i64}
        : (tensor<1x4x30x30x16xf32>, tensor<80x64x1x1xf32>) -> tensor<1x5x30x30x16xf32>
    // CHECK: schedule = #cnn.schedule<direct, tile = 28x1x16, {{.*}}filter = <tiles, 1x5x4x3x3x16x16xf32>>
    %1 = cnn.conv %x, %v {window = #cnn.window<[3, 3], strides = [2, 2]>, output_block = 16 : i64}
        : (tensor<1x4x30x30x16xf32>, tensor<80x64x3x3xf32>) -> tensor<1x5x14x14x16xf32>
    // CHECK: schedule = #cnn.schedule<direct, tile = 14x2x16, filter = <tiles, 1x3x1x64x1x32xf32>>
    %2 = cnn.conv %p, %u {window = #cnn.window<[64], strides = [20]>}
        : (tensor<1x1x900xf32>, tensor<80x1x64xf32>) -> tensor<1x80x42xf32>
    return %0, %1, %2 : tensor<1x5x30x30x16xf32>, tensor<1x5x14x14x16xf32>, tensor<1x80x42xf32>
  }
  // Rows of 10 pixels do not fill a tile of 14.
  // CHECK-LABEL: func.func @plane(
  func.func @plane(%x: tensor<1x16x10x10x16xf32>, %w: tensor<512x256x1x1xf32>, %p: tensor<1x136x28x28xf32>,
      %v: tensor<136x34x1x1xf32>, %t: tensor<1x1x8x8x16xf32>, %u: tensor<16x16x2x2xf32>)
      -> (tensor<1x32x10x10x16xf32>, tensor<1x136x28x28xf32>, tensor<1x1x16x16x16xf32>) {
    // CHECK: schedule = #cnn.schedule<direct, tile = 14x2x16, span = map, filter = <tiles, 1x16x16x1x1x16x32xf32>>
    // Vectors of pixels, and a transposed convolution.
    // CHECK: schedule = #cnn.schedule<pixelwise, tile = 32x12x1, filter = <tiles, 4x3x1x1x1x34x12xf32>>
    // CHECK: schedule = #cnn.schedule<transposed, tile = 28x1x16, filter = <tiles, 1x1x1x2x2x16x16xf32>>
    %0 = cnn.conv %x, %w {window = #cnn.window<[1, 1]>, output_block = 16 : i64}
        : (tensor<1x16x10x10x16xf32>, tensor<512x256x1x1xf32>) -> tensor<1x32x10x10x16xf32>
    %1 = cnn.group_conv %p, %v {group = 4 : i64, window = #cnn.window<[1, 1]>}
        : (tensor<1x136x28x28xf32>, tensor<136x34x1x1xf32>) -> tensor<1x136x28x28xf32>
    %2 = cnn.conv_transpose %t, %u {window = #cnn.window<[2, 2], strides = [2, 2]>, output_padding = array<i64: 0, 0>,
        output_block = 16 : i64} : (tensor<1x1x8x8x16xf32>, tensor<16x16x2x2xf32>) -> tensor<1x1x16x16x16xf32>
    return %0, %1, %2 : tensor<1x32x10x10x16xf32>, tensor<1x136x28x28xf32>, tensor<1x1x16x16x16xf32>
  }
}
