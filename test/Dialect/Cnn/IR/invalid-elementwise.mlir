// RUN: convoy-opt %s --split-input-file --verify-diagnostics=only-expected

//===--------------------------------------------------------------------===//
// Dense layers
//===--------------------------------------------------------------------===//

func.func @dense_rank(%a: tensor<1x2x4xf32>, %b: tensor<5x4xf32>) {
  // expected-error @below {{input and filter have ranks 3 and 2, expected 2}}
  %0 = cnn.dense %a, %b : (tensor<1x2x4xf32>, tensor<5x4xf32>) -> tensor<1x2x4xf32>
  return
}

// -----

func.func @dense_width(%a: tensor<3x4xf32>, %b: tensor<5x6xf32>) {
  // expected-error @below {{input has 4 elements in dimension 1, filter wants 6}}
  %0 = cnn.dense %a, %b : (tensor<3x4xf32>, tensor<5x6xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @dense_bias(%a: tensor<3x4xf32>, %b: tensor<5x4xf32>, %c: tensor<2xf32>) {
  // expected-error @below {{bias has 2 elements, expected 5}}
  %0 = cnn.dense %a, %b, %c : (tensor<3x4xf32>, tensor<5x4xf32>, tensor<2xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @dense_rows(%a: tensor<3x4xf32>, %b: tensor<5x4xf32>, %n: tensor<1xi64>) {
  // expected-error @below {{rows is no single i64}}
  %0 = cnn.dense %a, %b rows(%n) : (tensor<3x4xf32>, tensor<5x4xf32>, tensor<1xi64>) -> tensor<3x5xf32>
  return
}

// -----

func.func @matmul_rank(%a: tensor<4xf32>, %b: tensor<4x5xf32>) {
  // expected-error @below {{operands have ranks 1 and 2, expected 2 or more}}
  %0 = cnn.matmul %a, %b : (tensor<4xf32>, tensor<4x5xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @matmul_inner(%a: tensor<3x4xf32>, %b: tensor<3x4xf32>) {
  // expected-error @below {{lhs has 4 columns, rhs 3 rows}}
  %0 = cnn.matmul %a, %b : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @matmul_batch(%a: tensor<2x3x4xf32>, %b: tensor<3x4x5xf32>) {
  // expected-error @below {{dimension 0 does not broadcast: 2 against 3}}
  %0 = cnn.matmul %a, %b : (tensor<2x3x4xf32>, tensor<3x4x5xf32>) -> tensor<2x3x5xf32>
  return
}

// -----

//===--------------------------------------------------------------------===//
// Element-wise operations and reductions
//===--------------------------------------------------------------------===//

func.func @binary_shape(%a: tensor<3x4xf32>, %b: tensor<3xf32>) {
  // expected-error @below {{dimension 1 does not broadcast: 4 against 3}}
  %0 = cnn.binary <add> %a, %b : (tensor<3x4xf32>, tensor<3xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @binary_types(%a: tensor<4xf32>, %b: tensor<4xi64>) {
  // expected-error @below {{element types differ: 'f32' and 'i64'}}
  %0 = cnn.binary <add> %a, %b : (tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32>
  return
}

// -----

func.func @select_types(%a: tensor<4xi1>, %b: tensor<4xf32>, %c: tensor<4xi64>) {
  // expected-error @below {{element types differ: 'f32' and 'i64'}}
  %0 = cnn.select %a, %b, %c : (tensor<4xi1>, tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32>
  return
}

// -----

func.func @choose_types(%a: tensor<i1>, %b: tensor<4xf32>, %c: tensor<4xi64>) {
  // expected-error @below {{element types differ: 'f32' and 'i64'}}
  %0 = cnn.choose %a, %b, %c : (tensor<i1>, tensor<4xf32>, tensor<4xi64>) -> tensor<4xf32>
  return
}

// -----

func.func @choose_shapes(%a: tensor<i1>, %b: tensor<4xf32>, %c: tensor<1x4xf32>) {
  // expected-error @below {{shapes differ: 'tensor<4xf32>' and 'tensor<1x4xf32>'}}
  %0 = cnn.choose %a, %b, %c : (tensor<i1>, tensor<4xf32>, tensor<1x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @choose_condition(%a: tensor<1xi1>, %b: tensor<4xf32>) {
  // expected-error @below {{condition is not an i1 of rank 0}}
  %0 = cnn.choose %a, %b, %b : (tensor<1xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @select_condition(%a: tensor<4xf32>, %b: tensor<4xf32>, %c: tensor<4xf32>) {
  // expected-error @below {{condition is not i1}}
  %0 = cnn.select %a, %b, %c : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @reduce_axis(%a: tensor<3x4xf32>) {
  // expected-error @below {{axis -1 is outside of [0, 2)}}
  %0 = cnn.reduce <sum> %a {axes = array<i64: -1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @reduce_twice(%a: tensor<3x4xf32>) {
  // expected-error @below {{axis 1 is named twice}}
  %0 = cnn.reduce <sum> %a {axes = array<i64: 1, 1>} : (tensor<3x4xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @softmax_axis(%a: tensor<3x4xf32>) {
  // expected-error @below {{axis 2 is outside of [0, 2)}}
  %0 = cnn.softmax %a {axis = 2 : i64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @log_softmax_axis(%a: tensor<3x4xf32>) {
  // expected-error @below {{axis -1 is outside of [0, 2)}}
  %0 = cnn.log_softmax %a {axis = -1 : i64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

//===--------------------------------------------------------------------===//
// Data movement
//===--------------------------------------------------------------------===//

func.func @concat_nothing() {
  // expected-error @below {{has no operands}}
  %0 = "cnn.concat"() {axis = 0 : i64, operandSegmentSizes = array<i32: 0, 0>} : () -> tensor<4xf32>
  return
}

// -----

func.func @concat_destination_only(%a: tensor<4xf32>) {
  // expected-error @below {{has no inputs}}
  %0 = cnn.concat outs(%a) {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @concat_axis(%a: tensor<3x4xf32>, %b: tensor<3x4xf32>) {
  // expected-error @below {{axis 2 is outside of [0, 2)}}
  %0 = cnn.concat %a, %b {axis = 2 : i64} : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @concat_rank(%a: tensor<3x4xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{input 1 has rank 1, expected 2}}
  %0 = cnn.concat %a, %b {axis = 0 : i64} : (tensor<3x4xf32>, tensor<4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @concat_extent(%a: tensor<3x4xf32>, %b: tensor<3x5xf32>) {
  // expected-error @below {{input 1 has extent 5 in dimension 1, expected 4}}
  %0 = cnn.concat %a, %b {axis = 0 : i64} : (tensor<3x4xf32>, tensor<3x5xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @concat_type(%a: tensor<3x4xf32>, %b: tensor<3x4xi64>) {
  // expected-error @below {{input 1 has another element type}}
  %0 = cnn.concat %a, %b {axis = 0 : i64} : (tensor<3x4xf32>, tensor<3x4xi64>) -> tensor<3x4xf32>
  return
}

// -----

func.func @gather_axis(%a: tensor<3x4xf32>, %b: tensor<1xi64>) {
  // expected-error @below {{axis 2 is outside of [0, 2)}}
  %0 = cnn.gather %a, %b {axis = 2 : i64} : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<3x4xf32>
  return
}

// -----

func.func @broadcast_shape(%a: tensor<3x4xf32>) {
  // expected-error @below {{dimension 1 does not broadcast: 4 against 5}}
  %0 = cnn.broadcast %a {shape = array<i64: 3, 5>} : (tensor<3x4xf32>) -> tensor<3x5xf32>
  return
}

// -----

func.func @resize_shape(%a: tensor<3x4xf32>) {
  // expected-error @below {{shape has 1 entries, expected 2}}
  %0 = cnn.resize <nearest> %a {shape = array<i64: 3>, scales = array<f32: 1.0, 1.0>,
      coordinates = #cnn.coordinate_mode<half_pixel>, nearest = #cnn.nearest_mode<floor>}
      : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @resize_scales(%a: tensor<3x4xf32>) {
  // expected-error @below {{scales has 1 entries, expected 2}}
  %0 = cnn.resize <nearest> %a {shape = array<i64: 3, 4>, scales = array<f32: 1.0>,
      coordinates = #cnn.coordinate_mode<half_pixel>, nearest = #cnn.nearest_mode<floor>}
      : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @resize_extent(%a: tensor<3x4xf32>) {
  // expected-error @below {{shape is 0 in dimension 1}}
  %0 = cnn.resize <nearest> %a {shape = array<i64: 3, 0>, scales = array<f32: 1.0, 1.0>,
      coordinates = #cnn.coordinate_mode<half_pixel>, nearest = #cnn.nearest_mode<floor>}
      : (tensor<3x4xf32>) -> tensor<3x0xf32>
  return
}

// -----

func.func @reorder_rank(%a: tensor<3x4xf32>) {
  // expected-error @below {{input has rank 2, expected at least 3}}
  %0 = cnn.reorder %a {block = 8 : i64} : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return
}

// -----

func.func @reorder_channels(%a: tensor<1x2x4x8xf32>) {
  // expected-error @below {{dimension 1 has 2 blocks of 8, not the 17 channels asked for}}
  %0 = cnn.reorder %a {block = 0 : i64, channels = 17 : i64} : (tensor<1x2x4x8xf32>) -> tensor<1x17x4xf32>
  return
}

// -----

func.func @reorder_shuffle(%a: tensor<1x6x4xf32>) {
  // expected-error@+1 {{shuffle is 4, expected a divisor of the 6 channels of plain data}}
  %0 = cnn.reorder %a {block = 8 : i64, shuffle = 4 : i64} : (tensor<1x6x4xf32>) -> tensor<1x1x4x8xf32>
  return
}

// -----

func.func @cast_to_another_type(%a: tensor<4xf32>) {
  // expected-error @below {{inferred type(s) 'tensor<4xi32>' are incompatible with return type(s) of operation 'tensor<4xi64>'}}
  %0 = cnn.cast %a {to = i32} : (tensor<4xf32>) -> tensor<4xi64>
  return
}

// -----

func.func @compute_points(%a: tensor<4xf32>) {
  // expected-error @below {{points has an extent below 1}}
  %0 = cnn.compute "x" points [0] %a : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%i: index, %in: memref<4xf32>, %out: memref<4xf32>):
  }
  return
}

// -----

func.func @compute_arguments(%a: tensor<4xf32>) {
  // expected-error @below {{body has 2 arguments, expected 1 coordinates, 1 inputs and the result}}
  %0 = cnn.compute "x" points [4] %a : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%i: index, %out: memref<4xf32>):
  }
  return
}

// -----

func.func @compute_coordinate(%a: tensor<4xf32>) {
  // expected-error @below {{body has a coordinate that is no index}}
  %0 = cnn.compute "x" points [4] %a : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%i: i64, %in: memref<4xf32>, %out: memref<4xf32>):
  }
  return
}

// -----

func.func @compute_buffer(%a: tensor<4xf32>) {
  // expected-error @below {{body's argument 1 is no contiguous memref of static shape}}
  %0 = cnn.compute "x" points [4] %a : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%i: index, %in: memref<?xf32>, %out: memref<4xf32>):
  }
  return
}

// -----

func.func @compute_input(%a: tensor<4xf32>) {
  // expected-error @below {{input 0 is a 'tensor<4xf32>', the body expects a 'memref<4xi32>'}}
  %0 = cnn.compute "x" points [4] %a : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%i: index, %in: memref<4xi32>, %out: memref<4xf32>):
  }
  return
}

// -----

func.func @compute_result(%a: tensor<4xf32>) {
  // expected-error @below {{inferred type(s) 'tensor<5xf32>' are incompatible with return type(s) of operation 'tensor<4xf32>'}}
  %0 = cnn.compute "x" points [4] %a : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%i: index, %in: memref<4xf32>, %out: memref<5xf32>):
  }
  return
}

// -----

func.func @bitcast_to_another_width(%a: tensor<4xf32>) {
  // expected-error @below {{element types differ in width: 'f32' and 'i64'}}
  %0 = cnn.bitcast %a {to = i64} : (tensor<4xf32>) -> tensor<4xi64>
  return
}
