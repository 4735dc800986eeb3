// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-to-destination-style --split-input-file | FileCheck %s

// All operands stay, and a destination is added.
// CHECK-LABEL: func.func @conv(
// CHECK-SAME:    %[[X:.+]]: tensor<1x2x4x4xf32> {bufferization.writable = false}
func.func @conv(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x1x1xf32>, %r: tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> {
  // CHECK: %[[E:.+]] = tensor.empty() : tensor<1x3x4x4xf32>
  // CHECK: cnn.conv %[[X]], %{{.+}} residual(%{{.+}}) outs(%[[E]])
  %0 = cnn.conv %x, %w residual(%r) {window = #cnn.window<[1, 1]>}
     : (tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>, tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

// -----

// An operation that has a destination already keeps it, unless another operation has the same one.
// CHECK-LABEL: func.func @concat(
func.func @concat(%x: tensor<1x2xf32>) -> tensor<1x4xf32> {
  // CHECK: %[[E:.+]] = tensor.empty() : tensor<1x4xf32>
  %e = tensor.empty() : tensor<1x4xf32>
  // CHECK: %[[F:.+]] = tensor.empty() : tensor<1x4xf32>
  // CHECK: %[[C:.+]] = cnn.concat %{{.+}}, %{{.+}} outs(%[[F]])
  %0 = cnn.concat %x, %x outs(%e) {axis = 1 : i64} : (tensor<1x2xf32>, tensor<1x2xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  // CHECK: cnn.softmax %[[C]] outs(%[[E]])
  %1 = cnn.softmax %0 outs(%e) {axis = 1 : i64} : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  return %1 : tensor<1x4xf32>
}

// -----

// A fill belongs to the destination: each of two operations gets a fill of its own.
// CHECK-LABEL: func.func @fill(
func.func @fill(%x: tensor<4x8xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = arith.constant 1.0 : f32
  // CHECK: %[[E:.+]] = tensor.empty() : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  // CHECK: %[[EF:.+]] = linalg.fill ins(%{{.+}}) outs(%[[E]] : tensor<4xf32>)
  %f = linalg.fill ins(%one : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  // CHECK: %[[F:.+]] = tensor.empty() : tensor<4xf32>
  // CHECK: %[[FF:.+]] = linalg.fill ins(%{{.+}}) outs(%[[F]] : tensor<4xf32>)
  // CHECK: linalg.reduce { arith.addf } {{.+}} outs(%[[FF]] :
  %0 = linalg.reduce { arith.addf } ins(%x : tensor<4x8xf32>) outs(%f : tensor<4xf32>) dimensions = [1]
  // CHECK: linalg.reduce { arith.mulf } {{.+}} outs(%[[EF]] :
  %1 = linalg.reduce { arith.mulf } ins(%x : tensor<4x8xf32>) outs(%f : tensor<4xf32>) dimensions = [1]
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Slices of an argument and slices with gaps are copied. Other slices stay views.
// CHECK-LABEL: func.func @slices(
// CHECK-SAME:    %[[X:.+]]: tensor<2x4xf32>
func.func @slices(%x: tensor<2x4xf32>) -> (tensor<1x4xf32>, tensor<1x4xf32>, tensor<2x3xf32>, tensor<1x2xf32>) {
  // CHECK: %[[S0:.+]] = tensor.extract_slice %[[X]]
  %s0 = tensor.extract_slice %x[0, 0] [1, 4] [1, 1] : tensor<2x4xf32> to tensor<1x4xf32>
  // CHECK: %[[C0:.+]] = bufferization.materialize_in_destination %[[S0]] in %{{.+}}
  // CHECK: cnn.softmax %[[C0]]
  %0 = cnn.softmax %s0 {axis = 1 : i64} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  // CHECK: %[[Y:.+]] = cnn.softmax %[[X]]
  %y = cnn.softmax %x {axis = 1 : i64} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  // CHECK: %[[S1:.+]] = tensor.extract_slice %[[Y]][1, 0] [1, 4] [1, 1]
  %s1 = tensor.extract_slice %y[1, 0] [1, 4] [1, 1] : tensor<2x4xf32> to tensor<1x4xf32>
  // CHECK: cnn.softmax %[[S1]]
  %1 = cnn.softmax %s1 {axis = 1 : i64} : (tensor<1x4xf32>) -> tensor<1x4xf32>
  // CHECK: %[[S2:.+]] = tensor.extract_slice %[[Y]][0, 1] [2, 3] [1, 1]
  %s2 = tensor.extract_slice %y[0, 1] [2, 3] [1, 1] : tensor<2x4xf32> to tensor<2x3xf32>
  // CHECK: %[[C2:.+]] = bufferization.materialize_in_destination %[[S2]]
  // CHECK: cnn.softmax %[[C2]]
  %2 = cnn.softmax %s2 {axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: %[[S3:.+]] = tensor.extract_slice %[[Y]][0, 0] [1, 2] [1, 2]
  %s3 = tensor.extract_slice %y[0, 0] [1, 2] [1, 2] : tensor<2x4xf32> to tensor<1x2xf32>
  // CHECK: %[[C3:.+]] = bufferization.materialize_in_destination %[[S3]]
  // CHECK: cnn.softmax %[[C3]]
  %3 = cnn.softmax %s3 {axis = 1 : i64} : (tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0, %1, %2, %3 : tensor<1x4xf32>, tensor<1x4xf32>, tensor<2x3xf32>, tensor<1x2xf32>
}

// -----

// Slices of images stay views if all their readers can have images with gaps between them. A reader of the
// second slice, the softmax, cannot. In the third slice, the images themselves have gaps.
// CHECK-LABEL: func.func @images(
func.func @images(%x: tensor<2x2x4x4x16xf32>)
    -> (tensor<2x1x1x1x16xf32>, tensor<2x1x1x1x16xf32>, tensor<2x1x4x4x16xf32>, tensor<2x2x1x1x16xf32>) {
  // CHECK: %[[Y:.+]] = cnn.max_pool
  %y = cnn.max_pool %x {window = #cnn.window<[1, 1]>} : (tensor<2x2x4x4x16xf32>) -> tensor<2x2x4x4x16xf32>
  // CHECK: %[[S0:.+]] = tensor.extract_slice %[[Y]][0, 1, 0, 0, 0]
  %s0 = tensor.extract_slice %y[0, 1, 0, 0, 0] [2, 1, 4, 4, 16] [1, 1, 1, 1, 1] : tensor<2x2x4x4x16xf32> to tensor<2x1x4x4x16xf32>
  // CHECK: cnn.global_pool <maximum> %[[S0]]
  %0 = cnn.global_pool <maximum> %s0 {blocked} : (tensor<2x1x4x4x16xf32>) -> tensor<2x1x1x1x16xf32>
  // CHECK: %[[S1:.+]] = tensor.extract_slice %[[Y]][0, 0, 0, 0, 0]
  %s1 = tensor.extract_slice %y[0, 0, 0, 0, 0] [2, 1, 4, 4, 16] [1, 1, 1, 1, 1] : tensor<2x2x4x4x16xf32> to tensor<2x1x4x4x16xf32>
  // CHECK: %[[C1:.+]] = bufferization.materialize_in_destination %[[S1]]
  // CHECK: cnn.global_pool <maximum> %[[C1]]
  %1 = cnn.global_pool <maximum> %s1 {blocked} : (tensor<2x1x4x4x16xf32>) -> tensor<2x1x1x1x16xf32>
  // CHECK: cnn.softmax %[[C1]]
  %2 = cnn.softmax %s1 {axis = 1 : i64} : (tensor<2x1x4x4x16xf32>) -> tensor<2x1x4x4x16xf32>
  // CHECK: %[[S2:.+]] = tensor.extract_slice %[[Y]][0, 0, 1, 0, 0]
  %s3 = tensor.extract_slice %y[0, 0, 1, 0, 0] [2, 2, 2, 4, 16] [1, 1, 1, 1, 1] : tensor<2x2x4x4x16xf32> to tensor<2x2x2x4x16xf32>
  // CHECK: %[[C2:.+]] = bufferization.materialize_in_destination %[[S2]]
  // CHECK: cnn.global_pool <maximum> %[[C2]]
  %3 = cnn.global_pool <maximum> %s3 {blocked} : (tensor<2x2x2x4x16xf32>) -> tensor<2x2x1x1x16xf32>
  return %0, %1, %2, %3 : tensor<2x1x1x1x16xf32>, tensor<2x1x1x1x16xf32>, tensor<2x1x4x4x16xf32>, tensor<2x2x1x1x16xf32>
}
