// RUN: convoy-opt %s --cnn-verify-scheduled --split-input-file --verify-diagnostics

func.func @legal(%x: tensor<2x4xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<2x4xf32>
  %0 = cnn.softmax %x outs(%e) {axis = 1 : i64} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %c = arith.negf %a : f32
    %d = math.exp %c : f32
    linalg.yield %d : f32
  } -> tensor<2x4xf32>
  %2 = tensor.collapse_shape %1 [[0, 1]] : tensor<2x4xf32> into tensor<8xf32>
  return %2 : tensor<8xf32>
}

// -----

func.func @value_form(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{may not leave the phase 'schedule': it has no destination}}
  %0 = cnn.softmax %x {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @without_kernel(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %e = tensor.empty() : tensor<2x4xf32>
  // expected-error @below {{may not leave the phase 'schedule': it has no kernel}}
  %0 = cnn.unary <relu> %x outs(%e) : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @upstream(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  // expected-error @below {{it stands outside of a linalg operation}}
  %0 = arith.addf %x, %x : tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

func.func @dynamic(%x: tensor<?xf32>) -> tensor<?x1xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @below {{the phases that follow do not know it}}
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  // expected-error @below {{its shape is not static}}
  %0 = tensor.expand_shape %x [[0, 1]] output_shape [%n, 1] : tensor<?xf32> into tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

// -----

module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 16, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80, 90]>>} {
func.func @prologue(%x: tensor<1x1x4x4x16xf32>, %w: tensor<1x1x1x1x1x16x16xf32>, %s: tensor<1x16xf32>) -> tensor<1x1x4x4x16xf32> {
  %e = tensor.empty() : tensor<1x1x4x4x16xf32>
  // expected-error @below {{may not leave the phase 'schedule': no kernel of a GPU has a prologue}}
  %0 = cnn.conv %x, %w prologue(%s, %s) outs(%e)
      {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (tensor<1x1x4x4x16xf32>, tensor<1x1x1x1x1x16x16xf32>, tensor<1x16xf32>, tensor<1x16xf32>,
      tensor<1x1x4x4x16xf32>) -> tensor<1x1x4x4x16xf32>
  return %0 : tensor<1x1x4x4x16xf32>
}
}

// -----

func.func @packed(%x: tensor<1x4xf32>, %w: tensor<1x4x8xf32>, %b: tensor<8xf32>) -> tensor<1x3xf32> {
  %e = tensor.empty() : tensor<1x3xf32>
  %0 = cnn.dense %x, %w, %b outs(%e)
      {filter_shape = array<i64: 3, 4>, schedule = #cnn.schedule<dense, tile = 1x1x8, filter = <dense, 1x4x8xf32>>}
     : (tensor<1x4xf32>, tensor<1x4x8xf32>, tensor<8xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @undecided(%x: tensor<1x4xf32>, %w: tensor<1x4x8xf32>, %b: tensor<8xf32>) -> tensor<1x3xf32> {
  %e = tensor.empty() : tensor<1x3xf32>
  // expected-error @below {{may not leave the phase 'schedule': it has no schedule, which cnn-select-algorithm gives}}
  %0 = cnn.dense %x, %w, %b outs(%e) {filter_shape = array<i64: 3, 4>}
     : (tensor<1x4xf32>, tensor<1x4x8xf32>, tensor<8xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @unpacked(%x: tensor<1x4xf32>, %w: tensor<3x4xf32>, %b: tensor<3xf32>) -> tensor<1x3xf32> {
  %e = tensor.empty() : tensor<1x3xf32>
  // expected-error @below {{may not leave the phase 'schedule': its filter is not packed, which cnn-pack-weights does}}
  %0 = cnn.dense %x, %w, %b outs(%e) {schedule = #cnn.schedule<dense, tile = 1x1x8, filter = <dense, 1x4x8xf32>>}
     : (tensor<1x4xf32>, tensor<3x4xf32>, tensor<3xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @other_shape(%x: tensor<1x4xf32>, %w: tensor<1x8x4xf32>, %b: tensor<8xf32>) -> tensor<1x3xf32> {
  %e = tensor.empty() : tensor<1x3xf32>
  // expected-error @below {{its filter is tensor<1x8x4xf32>, but its schedule names #cnn.filter_layout<dense, 1x4x8xf32>}}
  %0 = cnn.dense %x, %w, %b outs(%e)
      {filter_shape = array<i64: 3, 4>, schedule = #cnn.schedule<dense, tile = 1x1x8, filter = <dense, 1x4x8xf32>>}
     : (tensor<1x4xf32>, tensor<1x8x4xf32>, tensor<8xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @other_type(%x: tensor<1x4xf32>, %w: tensor<1x4x8xf16>, %b: tensor<8xf32>) -> tensor<1x3xf32> {
  %e = tensor.empty() : tensor<1x3xf32>
  // expected-error @below {{may not leave the phase 'schedule': its filter is}}
  %0 = cnn.dense %x, %w, %b outs(%e)
      {filter_shape = array<i64: 3, 4>, schedule = #cnn.schedule<dense, tile = 1x1x8, filter = <dense, 1x4x8xf32>>}
     : (tensor<1x4xf32>, tensor<1x4x8xf16>, tensor<8xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @other_bias(%x: tensor<1x4xf32>, %w: tensor<1x4x8xf32>, %b: tensor<16xf32>) -> tensor<1x3xf32> {
  %e = tensor.empty() : tensor<1x3xf32>
  // expected-error @below {{may not leave the phase 'schedule': its bias is}}
  %0 = cnn.dense %x, %w, %b outs(%e)
      {filter_shape = array<i64: 3, 4>, schedule = #cnn.schedule<dense, tile = 1x1x8, filter = <dense, 1x4x8xf32>>}
     : (tensor<1x4xf32>, tensor<1x4x8xf32>, tensor<16xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @other_scratch(%x: tensor<1x4xf32>, %w: tensor<1x4x8xf32>, %b: tensor<8xf32>) -> tensor<1x3xf32> {
  %e = tensor.empty() : tensor<1x3xf32>
  // expected-error @below {{may not leave the phase 'schedule': its schedule has 64 bytes of scratch memory, but its kernel needs 0}}
  %0 = cnn.dense %x, %w, %b outs(%e)
      {filter_shape = array<i64: 3, 4>,
      schedule = #cnn.schedule<dense, tile = 1x1x8, filter = <dense, 1x4x8xf32>, scratch = 64>}
     : (tensor<1x4xf32>, tensor<1x4x8xf32>, tensor<8xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %0 : tensor<1x3xf32>
}

// -----

func.func @conv(%x: tensor<1x1x4x4x8xf32>, %w: tensor<1x1x1x1x1x8x8xf32>) -> tensor<1x1x4x4x8xf32> {
  %e = tensor.empty() : tensor<1x1x4x4x8xf32>
  // expected-error @below {{its filter is tensor<1x1x1x1x1x8x8xf32>, but its schedule names #cnn.filter_layout<tiles, 1x1x2x1x1x4x8xf32>}}
  %0 = cnn.conv %x, %w outs(%e) {schedule = #cnn.schedule<direct, tile = 4x1x8, filter = <tiles, 1x1x2x1x1x4x8xf32>>,
      window = #cnn.window<[1, 1]>, filter_shape = array<i64: 8, 8, 1, 1>, output_block = 8 : i64}
     : (tensor<1x1x4x4x8xf32>, tensor<1x1x1x1x1x8x8xf32>, tensor<1x1x4x4x8xf32>) -> tensor<1x1x4x4x8xf32>
  return %0 : tensor<1x1x4x4x8xf32>
}

// -----

// A chunk of a dense layer is a part of its inputs.
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 524288>} {
func.func @main(%x: tensor<9x4xf32>, %w: tensor<1x4x8xf32>) -> tensor<9x3xf32> {
  %e = tensor.empty() : tensor<9x3xf32>
  // expected-error @below {{a chunk of 5 inputs does not fit 4 inputs}}
  %0 = cnn.dense %x, %w outs(%e)
      {filter_shape = array<i64: 3, 4>, schedule = #cnn.schedule<dense, tile = 6x1x8, chunk = 5, filter = <dense, 1x4x8xf32>>}
      : (tensor<9x4xf32>, tensor<1x4x8xf32>, tensor<9x3xf32>) -> tensor<9x3xf32>
  return %0 : tensor<9x3xf32>
}
}
