// RUN: convoy-opt %s --split-input-file --verify-diagnostics

func.func @inputs_without_region(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{has inputs of an epilogue's region, but no region}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1) -> (d1)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @no_yield(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{has a region that is not one block that ends with cnn.yield}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1) -> (d1)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xf32> {
  ^bb0(%sum: f32, %scale: f32):
    llvm.unreachable
  }
  return
}

// -----

func.func @chunks(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{has a region, but no schedule for a kernel that runs it}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1) -> (d1)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>, chunk = 8>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xf32> {
  ^bb0(%sum: f32, %scale: f32):
    cnn.yield %sum : f32
  }
  return
}

// -----

func.func @no_map(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{needs a map and an argument of the region for each of the 1 inputs of the region}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xf32> {
  ^bb0(%sum: f32, %scale: f32):
    cnn.yield %sum : f32
  }
  return
}

// -----

func.func @no_argument(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{needs a map and an argument of the region for each of the 1 inputs of the region}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1) -> (d1)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xf32> {
  ^bb0(%sum: f32):
    cnn.yield %sum : f32
  }
  return
}

// -----

func.func @other_sums(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{has a region that begins with 'i32', but computes 'f32'}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1) -> (d1)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xf32> {
  ^bb0(%sum: i32, %scale: f32):
    cnn.yield %scale : f32
  }
  return
}

// -----

func.func @other_input(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{has a region whose argument 1 is not of the elements of its input, 'f32'}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1) -> (d1)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xf32> {
  ^bb0(%sum: f32, %scale: i8):
    cnn.yield %sum : f32
  }
  return
}

// -----

func.func @map_of_rows(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{has a map affine_map<(d0, d1) -> (d0)>, which does not fit the extents of the input}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1) -> (d0)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xf32> {
  ^bb0(%sum: f32, %scale: f32):
    cnn.yield %sum : f32
  }
  return
}

// -----

func.func @map_of_sums(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{has a map affine_map<(d0, d1) -> (d0 + d1)>, which is none that kernels can follow}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1) -> (d0 + d1)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xf32> {
  ^bb0(%sum: f32, %scale: f32):
    cnn.yield %sum : f32
  }
  return
}

// -----

func.func @map_of_three(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{has a map affine_map<(d0, d1, d2) -> (d1)>, which does not lead from the result to the input}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1, d2) -> (d1)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xf32> {
  ^bb0(%sum: f32, %scale: f32):
    cnn.yield %sum : f32
  }
  return
}

// -----

func.func @other_result(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{has a region that yields 'f32', but a result of 'i8'}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1) -> (d1)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xf32>) -> tensor<2x8xi8> {
  ^bb0(%sum: f32, %scale: f32):
    cnn.yield %sum : f32
  }
  return
}

// -----

func.func @memref_of_other_elements(%x: memref<2x16xf32>, %w: memref<1x16x8xf32>, %o: memref<2x8xi8>) {
  // expected-error @below {{has a region that yields 'f32', but a result of 'i8'}}
  cnn.dense %x, %w outs(%o) {epilogue_maps = [], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (memref<2x16xf32>, memref<1x16x8xf32>, memref<2x8xi8>) -> () {
  ^bb0(%sum: f32):
    cnn.yield %sum : f32
  }
  return
}

// -----

func.func @value_from_outside(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %f: f32) {
  // expected-error @below {{has a region that uses a value from outside that is no constant}}
  %0 = cnn.dense %x, %w {epilogue_maps = [], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>) -> tensor<2x8xf32> {
  ^bb0(%sum: f32):
    %1 = arith.addf %sum, %f : f32
    cnn.yield %1 : f32
  }
  return
}

// -----

func.func @wide_input(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>, %s: tensor<8xi64>) {
  // expected-error @below {{has a region that kernels cannot run on vectors}}
  %0 = cnn.dense %x, %w epilogue(%s) {epilogue_maps = [affine_map<(d0, d1) -> (d1)>], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>, tensor<8xi64>) -> tensor<2x8xf32> {
  ^bb0(%sum: f32, %scale: i64):
    cnn.yield %sum : f32
  }
  return
}

// -----

func.func @result_of_bits(%x: tensor<2x16xf32>, %w: tensor<1x16x8xf32>) {
  // expected-error @below {{has a region that kernels cannot run on vectors}}
  %0 = cnn.dense %x, %w {epilogue_maps = [], filter_shape = array<i64: 8, 16>,
      schedule = #cnn.schedule<dense, tile = 2x1x8, filter = <dense, 1x16x8xf32>>}
      : (tensor<2x16xf32>, tensor<1x16x8xf32>) -> tensor<2x8xi1> {
  ^bb0(%sum: f32):
    %1 = arith.cmpf olt, %sum, %sum : f32
    cnn.yield %1 : i1
  }
  return
}
