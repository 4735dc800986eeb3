// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-select-algorithm --split-input-file --verify-diagnostics

module {
  func.func @stride(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x5x5x8xf32> {
    // expected-error @below {{cannot be computed by winograd_4x4: Winograd needs strides and dilations of 1}}
    %0 = cnn.conv %x, %w {algorithm = #cnn.conv_algorithm<winograd_4x4>, output_block = 8 : i64,
        window = #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x5x5x8xf32>
    return %0 : tensor<1x4x5x5x8xf32>
  }
}

// -----

module {
  func.func @kernel(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x5x5xf32>) -> tensor<1x4x5x5x8xf32> {
    // expected-error @below {{Winograd computes 3x3 kernels in tiles of 2x2 or 4x4 and 5x5 ones in tiles of 2x2}}
    %0 = cnn.conv %x, %w {algorithm = #cnn.conv_algorithm<winograd_4x4>, output_block = 8 : i64,
        window = #cnn.window<[5, 5]>} : (tensor<1x4x9x9x8xf32>, tensor<32x32x5x5xf32>) -> tensor<1x4x5x5x8xf32>
    return %0 : tensor<1x4x5x5x8xf32>
  }
}

// -----

module {
  func.func @plain(%x: tensor<1x32x9x9xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x32x7x7xf32> {
    // expected-error @below {{Winograd needs blocked data}}
    %0 = cnn.conv %x, %w {algorithm = #cnn.conv_algorithm<winograd_2x2>, window = #cnn.window<[3, 3]>}
        : (tensor<1x32x9x9xf32>, tensor<32x32x3x3xf32>) -> tensor<1x32x7x7xf32>
    return %0 : tensor<1x32x7x7xf32>
  }
}

// -----

module {
  func.func @tile(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32> {
    // expected-error @below {{a register tile cannot hold 3 vectors of output channels: take a divisor of their number up to 3}}
    %0 = cnn.conv %x, %w {tile_blocks = 3 : i64, output_block = 8 : i64, window = #cnn.window<[3, 3]>}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32>
    return %0 : tensor<1x4x7x7x8xf32>
  }
}

// -----

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, tf32, [80]>>} {
  func.func @tensor_cores(%x: tensor<1x2x9x9x16xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x2x9x9x16xf32> {
    // expected-error @below {{cannot be computed by winograd_2x2: Winograd needs f32: tensor cores compute convolutions directly}}
    %0 = cnn.conv %x, %w {algorithm = #cnn.conv_algorithm<winograd_2x2>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x2x9x9x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x2x9x9x16xf32>
    return %0 : tensor<1x2x9x9x16xf32>
  }
}

// -----

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, f32, [80]>>} {
  func.func @compact(%x: tensor<1x2x9x9x16xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x2x9x9x16xf32> {
    // expected-error @below {{cannot be computed by winograd_4x4_compact: on a GPU, Winograd's filters are transformed when the model is}}
    %0 = cnn.conv %x, %w {algorithm = #cnn.conv_algorithm<winograd_4x4_compact>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x2x9x9x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x2x9x9x16xf32>
    return %0 : tensor<1x2x9x9x16xf32>
  }
}
