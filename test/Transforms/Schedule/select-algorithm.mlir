// RUN: convoy-opt %s --cnn-select-algorithm | FileCheck %s
// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=winograd_2x2 | FileCheck %s --check-prefix=PREFER
// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct \
// RUN:   | FileCheck %s --check-prefix=DIRECT --implicit-check-not=winograd
// RUN: not convoy-opt %s --cnn-select-algorithm=algorithm=fft 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: unknown algorithm 'fft'
// DIRECT-COUNT-11: algorithm = #cnn.conv_algorithm<direct>

// Measured times decide, where they are clear.
// RUN: convoy-opt %s --cnn-select-algorithm=tuning=%S/Inputs/tuning.json | FileCheck %s --check-prefix=TUNED
// RUN: not convoy-opt %s --cnn-select-algorithm=tuning=%S/Inputs/absent.json 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not convoy-opt %s --cnn-select-algorithm=tuning=%S/Inputs/not-tuning.json 2>&1 | FileCheck %s --check-prefix=DAMAGED
// ABSENT: error: {{.*}}absent.json: No such file or directory
// DAMAGED: error: {{.*}}not-tuning.json: not a tuning file: no object 'convolutions' (remove it and tune again)

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  // Large tiles where the map fills them.
  // CHECK-LABEL:  func.func @large(
  // TUNED-LABEL:  func.func @large(
  // PREFER-LABEL: func.func @large(
  func.func @large(%x: tensor<1x4x56x56x16xf32>, %w: tensor<64x64x3x3xf32>) -> tensor<1x4x56x56x16xf32> {
    // CHECK: algorithm = #cnn.conv_algorithm<winograd_4x4>
    // TUNED: algorithm = #cnn.conv_algorithm<winograd_4x4>
    // TUNED-SAME: tile_blocks = 1
    // PREFER: algorithm = #cnn.conv_algorithm<winograd_2x2>
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x4x56x56x16xf32>, tensor<64x64x3x3xf32>) -> tensor<1x4x56x56x16xf32>
    return %0 : tensor<1x4x56x56x16xf32>
  }
  // At 7x7 the transformed weights of large tiles take longer to read than to use.
  // CHECK-LABEL: func.func @small(
  // TUNED-LABEL: func.func @small(
  func.func @small(%x: tensor<1x32x7x7x16xf32>, %w: tensor<512x512x3x3xf32>) -> tensor<1x32x7x7x16xf32> {
    // CHECK: algorithm = #cnn.conv_algorithm<winograd_2x2>
    // CHECK-SAME: tile_blocks = 1
    // TUNED: algorithm = #cnn.conv_algorithm<winograd_2x2>
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x32x7x7x16xf32>, tensor<512x512x3x3xf32>) -> tensor<1x32x7x7x16xf32>
    return %0 : tensor<1x32x7x7x16xf32>
  }
  // At 14x14 they are large, and transforming them in the kernel costs little.
  // CHECK-LABEL: func.func @room(
  // PREFER-LABEL: func.func @room(
  func.func @room(%x: tensor<1x32x14x14x16xf32>, %w: tensor<512x512x3x3xf32>) -> tensor<1x32x14x14x16xf32> {
    // CHECK: algorithm = #cnn.conv_algorithm<winograd_4x4_compact>
    // PREFER: algorithm = #cnn.conv_algorithm<winograd_2x2>
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x32x14x14x16xf32>, tensor<512x512x3x3xf32>) -> tensor<1x32x14x14x16xf32>
    return %0 : tensor<1x32x14x14x16xf32>
  }
  // Half as many are read fast enough.
  // CHECK-LABEL: func.func @enough(
  func.func @enough(%x: tensor<1x16x14x14x16xf32>, %w: tensor<256x256x3x3xf32>) -> tensor<1x16x14x14x16xf32> {
    // CHECK: algorithm = #cnn.conv_algorithm<winograd_4x4>
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x16x14x14x16xf32>, tensor<256x256x3x3xf32>) -> tensor<1x16x14x14x16xf32>
    return %0 : tensor<1x16x14x14x16xf32>
  }
  // A batch shares them, read or made.
  // CHECK-LABEL: func.func @batch(
  func.func @batch(%x: tensor<8x32x7x7x16xf32>, %w: tensor<512x512x3x3xf32>) -> tensor<8x32x7x7x16xf32> {
    // CHECK: algorithm = #cnn.conv_algorithm<winograd_4x4_compact>
    %0 = cnn.conv %x, %w {output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<8x32x7x7x16xf32>, tensor<512x512x3x3xf32>) -> tensor<8x32x7x7x16xf32>
    return %0 : tensor<8x32x7x7x16xf32>
  }
  // AlexNet's second layer.
  // CHECK-LABEL: func.func @kernel5x5(
  func.func @kernel5x5(%x: tensor<1x6x27x27x16xf32>, %w: tensor<256x48x5x5xf32>) -> tensor<1x16x27x27x16xf32> {
    // CHECK: algorithm = #cnn.conv_algorithm<winograd_2x2>
    %0 = cnn.group_conv %x, %w {group = 2 : i64, output_block = 16 : i64,
        window = #cnn.window<[5, 5], pads = [2, 2, 2, 2]>}
        : (tensor<1x6x27x27x16xf32>, tensor<256x48x5x5xf32>) -> tensor<1x16x27x27x16xf32>
    return %0 : tensor<1x16x27x27x16xf32>
  }
  // Strides, groups that share a block, and plain data are direct, whatever is preferred.
  // PREFER-LABEL: func.func @never(
  func.func @never(%x: tensor<1x4x9x9x16xf32>, %p: tensor<1x3x9x9xf32>, %w: tensor<64x64x3x3xf32>,
      %g: tensor<64x4x3x3xf32>, %f: tensor<64x3x3x3xf32>, %k: tensor<64x64x1x1xf32>)
      -> (tensor<1x4x5x5x16xf32>, tensor<1x4x9x9x16xf32>, tensor<1x4x9x9x16xf32>, tensor<1x4x9x9x16xf32>) {
    // PREFER-COUNT-4: algorithm = #cnn.conv_algorithm<direct>
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
  // What an operation asks for stays.
  // CHECK-LABEL:  func.func @given(
  // PREFER-LABEL: func.func @given(
  func.func @given(%x: tensor<1x4x56x56x16xf32>, %w: tensor<64x64x3x3xf32>) -> tensor<1x4x56x56x16xf32> {
    // CHECK: algorithm = #cnn.conv_algorithm<direct>
    // PREFER: algorithm = #cnn.conv_algorithm<direct>
    %0 = cnn.conv %x, %w {algorithm = #cnn.conv_algorithm<direct>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x4x56x56x16xf32>, tensor<64x64x3x3xf32>) -> tensor<1x4x56x56x16xf32>
    return %0 : tensor<1x4x56x56x16xf32>
  }
}
