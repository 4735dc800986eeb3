// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-select-algorithm --split-input-file --verify-diagnostics

module {
  func.func @stride(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x5x5x8xf32> {
    // expected-error @below {{cannot be computed by winograd_4x4: Winograd needs strides and dilations of 1}}
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<winograd_4x4, tile = 6x2x8, strip = 4, filter = <winograd, 1x2x36x32x16xf32>>,
        output_block = 8 : i64, window = #cnn.window<[3, 3], strides = [2, 2], pads = [1, 1, 1, 1]>}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x5x5x8xf32>
    return %0 : tensor<1x4x5x5x8xf32>
  }
}

// -----

module {
  func.func @kernel(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x5x5xf32>) -> tensor<1x4x5x5x8xf32> {
    // expected-error @below {{Winograd computes 3x3 kernels in tiles of 2x2 or 4x4 and 5x5 ones in tiles of 2x2}}
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<winograd_4x4, tile = 6x2x8, strip = 4, filter = <winograd, 1x2x64x32x16xf32>>,
        output_block = 8 : i64, window = #cnn.window<[5, 5]>}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x5x5xf32>) -> tensor<1x4x5x5x8xf32>
    return %0 : tensor<1x4x5x5x8xf32>
  }
}

// -----

module {
  func.func @exact(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32> {
    // expected-error @below {{cannot be computed by winograd_4x4: the convolution must be exact, and Winograd rounds}}
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<winograd_4x4, tile = 6x2x8, strip = 4, filter = <winograd, 1x2x36x32x16xf32>>,
        exact, output_block = 8 : i64, window = #cnn.window<[3, 3]>}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32>
    return %0 : tensor<1x4x7x7x8xf32>
  }
}

// -----

module {
  func.func @plain(%x: tensor<1x32x9x9xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x32x7x7xf32> {
    // expected-error @below {{Winograd needs blocked data}}
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<winograd_2x2, tile = 6x2x8, strip = 16, filter = <winograd, 1x2x16x32x16xf32>>,
        window = #cnn.window<[3, 3]>} : (tensor<1x32x9x9xf32>, tensor<32x32x3x3xf32>) -> tensor<1x32x7x7xf32>
    return %0 : tensor<1x32x7x7xf32>
  }
}

// -----

module {
  func.func @tile(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32> {
    // expected-error @below {{a register tile cannot hold 3 vectors of output channels: take a divisor of their number up to 3}}
    %0 = cnn.conv %x, %w {schedule = #cnn.schedule<direct, tile = 4x3x8, filter = <tiles, 1x2x4x3x3x8x24xf32>>,
        output_block = 8 : i64, window = #cnn.window<[3, 3]>}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32>
    return %0 : tensor<1x4x7x7x8xf32>
  }
}

// -----

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80]>, precision = tf32>} {
  func.func @tensor_cores(%x: tensor<1x2x9x9x16xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x2x9x9x16xf32> {
    // expected-error @below {{cannot be computed by winograd_2x2: Winograd needs f32: tensor cores compute convolutions directly}}
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<winograd_2x2, tile = 64x2x16, strip = 25, stages = 2,
        filter = <winograd_products, 1x16x1x32x32xf32>>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x2x9x9x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x2x9x9x16xf32>
    return %0 : tensor<1x2x9x9x16xf32>
  }
}

// -----

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80]>>} {
  func.func @compact(%x: tensor<1x2x9x9x16xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x2x9x9x16xf32> {
    // expected-error @below {{cannot be computed by winograd_4x4_compact: on a GPU, Winograd's filters are transformed when the model is}}
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<winograd_4x4_compact, tile = 64x2x16, strip = 9, chunk = 2,
        filter = <winograd_compact, 1x1x32x9x32xf32>>, output_block = 16 : i64,
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (tensor<1x2x9x9x16xf32>, tensor<32x32x3x3xf32>) -> tensor<1x2x9x9x16xf32>
    return %0 : tensor<1x2x9x9x16xf32>
  }
}

// -----

module {
  func.func @scratch(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32> {
    // expected-error @below {{its kernel needs 59392 bytes of scratch memory}}
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<winograd_2x2, tile = 6x2x8, strip = 16, filter = <winograd, 1x2x16x32x16xf32>,
        scratch = 64>, window = #cnn.window<[3, 3]>, output_block = 8 : i64}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32>
    return %0 : tensor<1x4x7x7x8xf32>
  }
}

// -----

module {
  func.func @plane(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32> {
    // expected-error @below {{span = plane needs a 1x1 kernel}}
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<direct, tile = 6x2x8, span = plane, filter = <tiles, 1x2x4x3x3x8x16xf32>>,
        window = #cnn.window<[3, 3]>, output_block = 8 : i64}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32>
    return %0 : tensor<1x4x7x7x8xf32>
  }
}

// -----

module {
  func.func @pixelwise(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32> {
    // expected-error @below {{cannot be computed by pixelwise: it is for 1x1 kernels on plain data, on CPUs}}
    %0 = cnn.conv %x, %w {schedule = #cnn.schedule<pixelwise, tile = 16x16x1, filter = <tiles, 1x2x1x3x3x32x16xf32>>,
        window = #cnn.window<[3, 3]>, output_block = 8 : i64}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32>
    return %0 : tensor<1x4x7x7x8xf32>
  }
}

// -----

module {
  func.func @product(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32> {
    // expected-error @below {{cannot be computed by matrix_product: it is for GPUs}}
    %0 = cnn.conv %x, %w
        {schedule = #cnn.schedule<matrix_product, tile = 64x4x8, stages = 3, filter = <tiles, 1x1x4x3x3x8x32xf32>>,
        window = #cnn.window<[3, 3]>, output_block = 8 : i64}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32>
    return %0 : tensor<1x4x7x7x8xf32>
  }
}

// -----

module {
  func.func @lanes(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32> {
    // expected-error @below {{vectors have 8 lanes}}
    %0 = cnn.conv %x, %w {schedule = #cnn.schedule<direct, tile = 6x1x16, filter = <tiles, 1x2x4x3x3x8x16xf32>>,
        window = #cnn.window<[3, 3]>, output_block = 8 : i64}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32>
    return %0 : tensor<1x4x7x7x8xf32>
  }
}

// -----

module {
  func.func @chunks(%x: tensor<1x4x9x9x8xf32>, %w: tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32> {
    // expected-error @below {{has a schedule that no kernel follows: inputs are read in chunks of 8}}
    %0 = cnn.conv %x, %w {schedule = #cnn.schedule<direct, tile = 6x2x8, filter = <tiles, 1x2x2x3x3x16x16xf32>>,
        window = #cnn.window<[3, 3]>, output_block = 8 : i64}
        : (tensor<1x4x9x9x8xf32>, tensor<32x32x3x3xf32>) -> tensor<1x4x7x7x8xf32>
    return %0 : tensor<1x4x7x7x8xf32>
  }
}
