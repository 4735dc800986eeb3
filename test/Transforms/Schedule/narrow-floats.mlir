// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-narrow-floats --split-input-file | FileCheck %s

#map = affine_map<(n) -> (n)>
#cube = affine_map<(n, c, x) -> (n, c, x)>
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [80]>, precision = f16>
module attributes {cnn.target = #target} {

// The first convolution reads plain f32 data, and the last operation writes f32: no conversions are added.
// CHECK-LABEL: func.func @network(
// CHECK-SAME:    %[[X:.+]]: tensor<1x3x8x8xf32>) -> tensor<1x32x4x4xf32>
func.func @network(%x: tensor<1x3x8x8xf32>) -> tensor<1x32x4x4xf32> {
  %w = arith.constant dense<1.0> : tensor<1x1x1x3x3x3x32xf16>
  %v = arith.constant dense<1.0> : tensor<1x1x2x1x1x16x32xf16>
  // CHECK: %[[C:.+]] = cnn.conv %[[X]], %{{.+}} : (tensor<1x3x8x8xf32>, tensor<1x1x1x3x3x3x32xf16>) -> tensor<1x2x8x8x16xf16>
  %0 = cnn.conv %x, %w {filter_shape = array<i64: 32, 3, 3, 3>, output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
    : (tensor<1x3x8x8xf32>, tensor<1x1x1x3x3x3x32xf16>) -> tensor<1x2x8x8x16xf32>
  // CHECK-NEXT: %[[P:.+]] = cnn.max_pool %[[C]] {{.*}} -> tensor<1x2x4x4x16xf16>
  %1 = cnn.max_pool %0 {window = #cnn.window<[2, 2], strides = [2, 2]>}
    : (tensor<1x2x8x8x16xf32>) -> tensor<1x2x4x4x16xf32>
  // CHECK-NEXT: %[[D:.+]] = cnn.conv %[[P]], {{.*}} residual(%[[P]]) {{.*}} -> tensor<1x2x4x4x16xf16>
  %2 = cnn.conv %1, %v residual(%1) {filter_shape = array<i64: 32, 32, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
    : (tensor<1x2x4x4x16xf32>, tensor<1x1x2x1x1x16x32xf16>, tensor<1x2x4x4x16xf32>) -> tensor<1x2x4x4x16xf32>
  // CHECK-NEXT: %[[Y:.+]] = cnn.reorder %[[D]] {{.*}} : (tensor<1x2x4x4x16xf16>) -> tensor<1x32x4x4xf32>
  %3 = cnn.reorder %2 {block = 0 : i64, channels = 32 : i64} : (tensor<1x2x4x4x16xf32>) -> tensor<1x32x4x4xf32>
  // CHECK-NEXT: return %[[Y]]
  return %3 : tensor<1x32x4x4xf32>
}

// Factors that are small integers are exact in f16, their sums are not.
// CHECK-LABEL: func.func @exact(
func.func @exact(%x: tensor<1x3x8x8xi16>) -> tensor<1x2x8x8x16xi32> {
  // CHECK: %[[C:.+]] = cnn.cast %{{.+}} -> tensor<1x3x8x8xf32>
  // CHECK: cnn.conv %{{.+}} -> tensor<1x2x8x8x16xf32>
  %w = arith.constant dense<1.0> : tensor<1x1x1x3x3x3x32xf16>
  %0 = cnn.cast %x {to = f32} : (tensor<1x3x8x8xi16>) -> tensor<1x3x8x8xf32>
  %1 = cnn.conv %0, %w {exact, filter_shape = array<i64: 32, 3, 3, 3>, output_block = 16 : i64,
      window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
    : (tensor<1x3x8x8xf32>, tensor<1x1x1x3x3x3x32xf16>) -> tensor<1x2x8x8x16xf32>
  %2 = cnn.cast %1 {to = i32} : (tensor<1x2x8x8x16xf32>) -> tensor<1x2x8x8x16xi32>
  return %2 : tensor<1x2x8x8x16xi32>
}

// Bodies compute in f32 and round once. The sum and the quotient of a mean are f32. The data minus its mean
// is f16 again.
// CHECK-LABEL: func.func @centre(
func.func @centre(%x: tensor<1x1x8xf32>) -> tensor<1x4xf32> {
  %zero = arith.constant 0.0 : f32
  %four = arith.constant 4.0 : f32
  %pooled = cnn.max_pool %x {window = #cnn.window<[2], strides = [2]>} : (tensor<1x1x8xf32>) -> tensor<1x1x4xf32>
  // CHECK: %[[P:.+]] = tensor.collapse_shape %{{.+}} : tensor<1x1x4xf16> into tensor<1x4xf16>
  %p = tensor.collapse_shape %pooled [[0, 1], [2]] : tensor<1x1x4xf32> into tensor<1x4xf32>
  %e = tensor.empty() : tensor<1xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<1xf32>) -> tensor<1xf32>
  // CHECK: %[[SUM:.+]] = linalg.generic {{.*}} ins(%[[P]] : tensor<1x4xf16>) outs(%{{.+}} : tensor<1xf32>)
  %sum = linalg.generic {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n)>],
      iterator_types = ["parallel", "reduction"]} ins(%p : tensor<1x4xf32>) outs(%f : tensor<1xf32>) {
  // CHECK-NEXT: ^bb0(%[[E:.+]]: f16, %[[S:.+]]: f32):
  // CHECK-NEXT: %[[W:.+]] = arith.extf %[[E]] : f16 to f32
  ^bb0(%a: f32, %s: f32):
    // CHECK-NEXT: arith.addf %[[S]], %[[W]] : f32
    %t = arith.addf %s, %a : f32
    linalg.yield %t : f32
  } -> tensor<1xf32>
  // CHECK: %[[MEAN:.+]] = linalg.generic {{.*}} ins(%[[SUM]] : tensor<1xf32>) outs(%{{.+}} : tensor<1xf32>)
  %mean = linalg.generic {indexing_maps = [affine_map<(n) -> (n)>, affine_map<(n) -> (n)>],
      iterator_types = ["parallel"]} ins(%sum : tensor<1xf32>) outs(%e : tensor<1xf32>) {
  ^bb0(%a: f32, %s: f32):
    %t = arith.divf %a, %four : f32
    linalg.yield %t : f32
  } -> tensor<1xf32>
  %e2 = tensor.empty() : tensor<1x4xf32>
  // CHECK: %[[Y:.+]] = linalg.generic {{.*}} ins(%[[P]], %[[MEAN]] : tensor<1x4xf16>, tensor<1xf32>) outs(%{{.+}} : tensor<1x4xf16>)
  %y = linalg.generic
      {indexing_maps = [affine_map<(n, c) -> (n, c)>, affine_map<(n, c) -> (n)>, affine_map<(n, c) -> (n, c)>],
      iterator_types = ["parallel", "parallel"]} ins(%p, %mean : tensor<1x4xf32>, tensor<1xf32>)
      outs(%e2 : tensor<1x4xf32>) {
  ^bb0(%a: f32, %m: f32, %o: f32):
    // CHECK: %[[D:.+]] = arith.subf %{{.+}}, %{{.+}} : f32
    %d = arith.subf %a, %m : f32
    // CHECK-NEXT: %[[R:.+]] = arith.truncf %[[D]] : f32 to f16
    // CHECK-NEXT: linalg.yield %[[R]]
    linalg.yield %d : f32
  } -> tensor<1x4xf32>
  // CHECK: cnn.softmax %[[Y]] {{.*}} : (tensor<1x4xf16>) -> tensor<1x4xf32>
  %z = cnn.softmax %y {axis = 1 : i64} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  return %z : tensor<1x4xf32>
}

// Exponentials, squares, powers, quotients and sums of large numbers stay f32. A logistic function, the
// exponential of an elu, and roots are never large.
// CHECK-LABEL: func.func @growth(
func.func @growth(%x: tensor<4xf32>, %z: tensor<4xf32>) -> (tensor<8xi1>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  // CHECK: %[[EXP:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<4xf32>)
  %exp = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    // CHECK: math.exp
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  // CHECK: linalg.generic {{.*}} outs(%{{.+}} : tensor<4xf32>)
  %square = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    // CHECK: arith.mulf
    %r = arith.mulf %a, %a : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  // CHECK: linalg.generic {{.*}} outs(%{{.+}} : tensor<4xf32>)
  %inverse = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    // CHECK: arith.divf
    %r = arith.divf %one, %a : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  // CHECK: %[[LARGE:.+]] = linalg.generic {{.*}} ins(%[[EXP]], %{{.+}}) outs(%{{.+}} : tensor<4xf32>)
  %sum = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]}
      ins(%exp, %x : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    // CHECK: arith.addf
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  // CHECK: linalg.generic {{.*}} outs(%{{.+}} : tensor<4xf16>)
  %sigmoid = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %n = arith.negf %a : f32
    %p = math.exp %n : f32
    %d = arith.addf %one, %p : f32
    // CHECK: %[[LOGISTIC:.+]] = arith.divf
    %r = arith.divf %one, %d : f32
    // CHECK-NEXT: arith.truncf %[[LOGISTIC]] : f32 to f16
    linalg.yield %r : f32
  } -> tensor<4xf32>
  // CHECK: linalg.generic {{.*}} outs(%{{.+}} : tensor<4xf16>)
  %elu = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %c = arith.cmpf olt, %zero, %a : f32
    %m = arith.select %c, %zero, %a : f32
    %p = math.exp %m : f32
    // CHECK: arith.subf
    %s = arith.subf %p, %one : f32
    %l = arith.cmpf olt, %a, %zero : f32
    %r = arith.select %l, %s, %a : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  // CHECK: linalg.generic {{.*}} ins(%[[LARGE]], %{{.+}}) outs(%{{.+}} : tensor<4xf16>)
  %root = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]}
      ins(%sum, %x : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    // CHECK: math.sqrt
    %q = math.sqrt %a : f32
    %r = arith.addf %q, %b : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  %ei = tensor.empty() : tensor<4xi1>
  %small = linalg.generic {indexing_maps = [#map, #map, #map, #map, #map, #map], iterator_types = ["parallel"]}
      ins(%square, %inverse, %sigmoid, %elu, %root : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>,
      tensor<4xf32>) outs(%ei : tensor<4xi1>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32, %f: f32, %o: i1):
    %0 = arith.addf %a, %b : f32
    %1 = arith.addf %c, %d : f32
    %2 = arith.addf %0, %1 : f32
    %3 = arith.cmpf olt, %2, %f : f32
    linalg.yield %3 : i1
  } -> tensor<4xi1>
  %all = cnn.concat %small, %small {axis = 0 : i64} : (tensor<4xi1>, tensor<4xi1>) -> tensor<8xi1>
  return %all : tensor<8xi1>
}

// A large bound of a clamp does not make the result large, but the large numbers of a mask do.
// CHECK-LABEL: func.func @bounds(
func.func @bounds(%x: tensor<4xf32>) -> tensor<4xf32> {
  %most = arith.constant 3.40282347E+38 : f32
  %mask = arith.constant dense<[0.0, 0.0, -1.0e9, -1.0e9]> : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  // CHECK: %[[C:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<4xf16>)
  %clip = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    // CHECK: arith.cmpf
    %c = arith.cmpf olt, %most, %a : f32
    %r = arith.select %c, %most, %a : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  // CHECK: linalg.generic {{.*}} ins(%[[C]], %{{.+}}) outs(%{{.+}} : tensor<4xf32>)
  %masked = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel"]}
      ins(%clip, %mask : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  %y = cnn.softmax %masked {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: return
  return %y : tensor<4xf32>
}

// The operands of a concatenation have one type: inputs and constants are converted. A value that is
// returned stays f32 for all its readers.
// CHECK-LABEL: func.func @join(
func.func @join(%x: tensor<1x4xf32>, %y: tensor<4x4xf32>) -> (tensor<1x12xf32>, tensor<1x12xf32>) {
  %c = arith.constant dense<0.25> : tensor<1x4xf32>
  // CHECK: %[[P:.+]] = cnn.matmul {{.*}} -> tensor<1x4xf16>{{$}}
  %0 = cnn.matmul %x, %y : (tensor<1x4xf32>, tensor<4x4xf32>) -> tensor<1x4xf32>
  // CHECK: %[[H:.+]] = linalg.generic {{.*}} ins(%{{.+}} : tensor<1x4xf32>) outs(%{{.+}} : tensor<1x4xf16>)
  // CHECK: arith.truncf
  // CHECK: %[[K:.+]] = arith.constant dense<2.500000e-01> : tensor<1x4xf16>
  // CHECK: %[[J:.+]] = cnn.concat %[[P]], %[[H]], %[[K]] {{.*}} -> tensor<1x12xf16>
  %1 = cnn.concat %0, %x, %c {axis = 1 : i64} : (tensor<1x4xf32>, tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x12xf32>
  // CHECK: %[[S:.+]] = cnn.softmax %[[J]] {{.*}} : (tensor<1x12xf16>) -> tensor<1x12xf32>
  %2 = cnn.softmax %1 {axis = 1 : i64} : (tensor<1x12xf32>) -> tensor<1x12xf32>
  // CHECK: %[[T:.+]] = cnn.softmax %[[S]] {{.*}} : (tensor<1x12xf32>) -> tensor<1x12xf32>
  %3 = cnn.softmax %2 {axis = 1 : i64} : (tensor<1x12xf32>) -> tensor<1x12xf32>
  // CHECK: return %[[S]], %[[T]]
  return %2, %3 : tensor<1x12xf32>, tensor<1x12xf32>
}

// If an operand may be large, a concatenation is f32, and so is a pool of it.
// CHECK-LABEL: func.func @large_parts(
func.func @large_parts(%x: tensor<1x1x4xf32>, %y: tensor<4x4xf32>) -> tensor<1x1x4xf32> {
  // CHECK: %[[P:.+]] = cnn.matmul {{.*}} -> tensor<1x1x4xf16>
  %0 = cnn.matmul %x, %y : (tensor<1x1x4xf32>, tensor<4x4xf32>) -> tensor<1x1x4xf32>
  %e = tensor.empty() : tensor<1x1x4xf32>
  // CHECK: %[[W:.+]] = linalg.generic {{.*}} ins(%[[P]] : tensor<1x1x4xf16>) outs(%{{.+}} : tensor<1x1x4xf32>)
  %exp = linalg.generic {indexing_maps = [#cube, #cube], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<1x1x4xf32>) outs(%e : tensor<1x1x4xf32>) {
  // CHECK: arith.extf
  ^bb0(%a: f32, %o: f32):
    %r = math.exp %a : f32
    linalg.yield %r : f32
  } -> tensor<1x1x4xf32>
  // CHECK: %[[J:.+]] = cnn.concat %[[W]], %{{.+}} {{.*}} -> tensor<1x1x8xf32>
  %1 = cnn.concat %0, %exp {axis = 2 : i64} : (tensor<1x1x4xf32>, tensor<1x1x4xf32>) -> tensor<1x1x8xf32>
  // CHECK: %[[M:.+]] = cnn.max_pool %[[J]] {{.*}} -> tensor<1x1x4xf32>
  %2 = cnn.max_pool %1 {window = #cnn.window<[2], strides = [2]>} : (tensor<1x1x8xf32>) -> tensor<1x1x4xf32>
  // CHECK: linalg.generic {{.*}} ins(%[[M]], %[[P]] : tensor<1x1x4xf32>, tensor<1x1x4xf16>) outs(%{{.+}} : tensor<1x1x4xf32>)
  %3 = linalg.generic {indexing_maps = [#cube, #cube, #cube], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%2, %0 : tensor<1x1x4xf32>, tensor<1x1x4xf32>) outs(%e : tensor<1x1x4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<1x1x4xf32>
  %4 = cnn.softmax %3 {axis = 2 : i64} : (tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  return %4 : tensor<1x1x4xf32>
}

// A pad of f16 is filled with f16. Indices are not narrowed. A matrix product of many rows reads
// f16.
// CHECK-LABEL: func.func @pad_and_gather(
func.func @pad_and_gather(%x: tensor<16x16xf32>, %i: tensor<4xi64>) -> (tensor<4x16xf32>, tensor<16x32xf32>) {
  %zero = arith.constant 0.0 : f32
  %w = arith.constant dense<1.0> : tensor<1x16x32xf16>
  // CHECK: %[[P:.+]] = cnn.matmul {{.*}} -> tensor<16x16xf16>
  %0 = cnn.matmul %x, %x : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  // CHECK: %[[ZERO:.+]] = arith.constant 0.000000e+00 : f16
  %e = tensor.empty() : tensor<20x16xf32>
  // CHECK: %[[F:.+]] = linalg.fill ins(%[[ZERO]] : f16) outs(%{{.+}} : tensor<20x16xf16>)
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<20x16xf32>) -> tensor<20x16xf32>
  // CHECK: %[[Q:.+]] = tensor.insert_slice %[[P]] into %[[F]]{{.*}} : tensor<16x16xf16> into tensor<20x16xf16>
  %1 = tensor.insert_slice %0 into %f[2, 0] [16, 16] [1, 1] : tensor<16x16xf32> into tensor<20x16xf32>
  // CHECK: cnn.gather %[[Q]], %{{.+}} : (tensor<20x16xf16>, tensor<4xi64>) -> tensor<4x16xf16>
  %2 = cnn.gather %1, %i {axis = 0 : i64} : (tensor<20x16xf32>, tensor<4xi64>) -> tensor<4x16xf32>
  // CHECK: %[[X:.+]] = linalg.generic {{.*}} ins(%{{.+}} : tensor<16x16xf32>) outs(%{{.+}} : tensor<16x16xf16>)
  %3 = cnn.softmax %2 {axis = 1 : i64} : (tensor<4x16xf32>) -> tensor<4x16xf32>
  // CHECK: cnn.dense %[[X]], {{.*}} : (tensor<16x16xf16>, tensor<1x16x32xf16>) -> tensor<16x32xf32>
  %4 = cnn.dense %x, %w {filter_shape = array<i64: 32, 16>} : (tensor<16x16xf32>, tensor<1x16x32xf16>) -> tensor<16x32xf32>
  return %3, %4 : tensor<4x16xf32>, tensor<16x32xf32>
}

// Devices exchange f16, but the terms of a sum are f32.
// CHECK-LABEL: func.func @devices(
func.func @devices(%x: tensor<1x4xf32>, %y: tensor<8x8xf32>) -> tensor<1x8xf32> {
  // CHECK: %[[H:.+]] = linalg.generic {{.*}} outs(%{{.+}} : tensor<1x4xf16>)
  // CHECK: %[[G:.+]] = cnn.all_gather %[[H]] {{.*}} -> tensor<1x8xf16>
  %0 = cnn.all_gather %x {axis = 1 : i64, bounds = array<i64: 0, 4, 8>, device = 0 : i64} : (tensor<1x4xf32>) -> tensor<1x8xf32>
  // CHECK: %[[M:.+]] = cnn.matmul %[[G]], {{.*}} -> tensor<1x8xf32>
  %1 = cnn.matmul %0, %y : (tensor<1x8xf32>, tensor<8x8xf32>) -> tensor<1x8xf32>
  // CHECK: %[[A:.+]] = cnn.all_reduce %[[M]] {{.*}} : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %2 = cnn.all_reduce %1 {device = 0 : i64, devices = 2 : i64} : (tensor<1x8xf32>) -> tensor<1x8xf32>
  // CHECK: cnn.softmax %[[A]]
  %3 = cnn.softmax %2 {axis = 1 : i64} : (tensor<1x8xf32>) -> tensor<1x8xf32>
  return %3 : tensor<1x8xf32>
}
}

// -----

// With any other precision, data in memory stays f32.
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [80]>, precision = tf32>
module attributes {cnn.target = #target} {

// CHECK-LABEL: func.func @network(
func.func @network(%x: tensor<1x3x8x8xf32>) -> tensor<1x32x4x4xf32> {
  // CHECK-NOT: x16xf16>
  %w = arith.constant dense<1.0> : tensor<1x1x1x3x3x3x32xf16>
  %v = arith.constant dense<1.0> : tensor<1x1x2x1x1x16x32xf16>
  // CHECK: cnn.conv {{.*}} -> tensor<1x2x8x8x16xf32>
  %0 = cnn.conv %x, %w {filter_shape = array<i64: 32, 3, 3, 3>, output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
    : (tensor<1x3x8x8xf32>, tensor<1x1x1x3x3x3x32xf16>) -> tensor<1x2x8x8x16xf32>
  // CHECK-NEXT: cnn.max_pool {{.*}} -> tensor<1x2x4x4x16xf32>
  %1 = cnn.max_pool %0 {window = #cnn.window<[2, 2], strides = [2, 2]>}
    : (tensor<1x2x8x8x16xf32>) -> tensor<1x2x4x4x16xf32>
  // CHECK-NEXT: cnn.conv {{.*}} -> tensor<1x2x4x4x16xf32>
  %2 = cnn.conv %1, %v residual(%1) {filter_shape = array<i64: 32, 32, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
    // CHECK-NOT: f16
    : (tensor<1x2x4x4x16xf32>, tensor<1x1x2x1x1x16x32xf16>, tensor<1x2x4x4x16xf32>) -> tensor<1x2x4x4x16xf32>
  %3 = cnn.reorder %2 {block = 0 : i64, channels = 32 : i64} : (tensor<1x2x4x4x16xf32>) -> tensor<1x32x4x4xf32>
  // CHECK: return
  return %3 : tensor<1x32x4x4xf32>
}
}
