// RUN: convoy-opt %s --cnn-sink-branches --split-input-file --verify-diagnostics | FileCheck %s

// What one result alone needs moves into its branch; what both need, or something else, stays.
// CHECK-LABEL: func.func @branches(
// CHECK-SAME:    %[[X:.+]]: tensor<1x8xf32>, %[[C:.+]]: tensor<i1>)
func.func @branches(%x: tensor<1x8xf32>, %c: tensor<i1>) -> (tensor<1x8xf32>, tensor<1x8xf32>) {
  // CHECK:      %[[S:.+]] = cnn.softmax %[[X]]
  // CHECK-NEXT: %[[E:.+]] = tensor.empty()
  // CHECK-NEXT: %[[T:.+]] = tensor.extract %[[C]][] : tensor<i1>
  // CHECK-NEXT: %[[R:.+]] = scf.if %[[T]] -> (tensor<1x8xf32>) {
  // CHECK-NEXT:   tensor.empty()
  // CHECK-NEXT:   %[[A:.+]] = cnn.unary <relu> %[[S]]
  // CHECK-NEXT:   tensor.empty()
  // CHECK-NEXT:   %[[B:.+]] = cnn.unary <neg> %[[A]]
  // CHECK-NEXT:   %[[M:.+]] = bufferization.materialize_in_destination %[[B]] in %[[E]]
  // CHECK-NEXT:   scf.yield %[[M]]
  // CHECK-NEXT: } else {
  // CHECK-NEXT:   %[[N:.+]] = bufferization.materialize_in_destination %[[S]] in %[[E]]
  // CHECK-NEXT:   scf.yield %[[N]]
  // CHECK-NEXT: }
  // CHECK-NEXT: return %[[R]], %[[S]]
  %e0 = tensor.empty() : tensor<1x8xf32>
  %0 = cnn.softmax %x outs(%e0) {axis = 1 : i64} : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  %e1 = tensor.empty() : tensor<1x8xf32>
  %1 = cnn.unary <relu> %0 outs(%e1) : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  %e2 = tensor.empty() : tensor<1x8xf32>
  %2 = cnn.unary <neg> %1 outs(%e2) : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  %e3 = tensor.empty() : tensor<1x8xf32>
  %3 = cnn.choose %c, %2, %0 outs(%e3) : (tensor<i1>, tensor<1x8xf32>, tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  return %3, %0 : tensor<1x8xf32>, tensor<1x8xf32>
}

// -----

// Two results of one condition share the branches; what they share moves, too. The third depends on the first.
// CHECK-LABEL: func.func @several(
func.func @several(%x: tensor<8xf32>, %c: tensor<i1>) -> (tensor<8xf32>, tensor<8xf32>) {
  // CHECK:     scf.if %{{.+}} -> (tensor<8xf32>, tensor<8xf32>) {
  // CHECK:       cnn.unary <relu>
  // CHECK:       cnn.unary <neg>
  // CHECK:     } else {
  // CHECK:       cnn.unary <abs>
  // CHECK:     }
  // CHECK:     scf.if %{{.+}} -> (tensor<8xf32>) {
  // CHECK:       cnn.unary <exp>
  // CHECK:     } else {
  // CHECK-NOT:   cnn.
  %e0 = tensor.empty() : tensor<8xf32>
  %0 = cnn.unary <relu> %x outs(%e0) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e1 = tensor.empty() : tensor<8xf32>
  %1 = cnn.unary <neg> %0 outs(%e1) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e2 = tensor.empty() : tensor<8xf32>
  %2 = cnn.unary <abs> %x outs(%e2) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e3 = tensor.empty() : tensor<8xf32>
  %3 = cnn.choose %c, %0, %2 outs(%e3) : (tensor<i1>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e4 = tensor.empty() : tensor<8xf32>
  %4 = cnn.choose %c, %1, %x outs(%e4) : (tensor<i1>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e5 = tensor.empty() : tensor<8xf32>
  %5 = cnn.unary <exp> %3 outs(%e5) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e6 = tensor.empty() : tensor<8xf32>
  %6 = cnn.choose %c, %5, %3 outs(%e6) : (tensor<i1>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %4, %6 : tensor<8xf32>, tensor<8xf32>
}

// -----

// Branches in a branch move with it, and so does what computes their condition.
// CHECK-LABEL: func.func @nested(
func.func @nested(%x: tensor<8xf32>, %a: tensor<i1>, %c: tensor<i1>) -> tensor<8xf32> {
  // CHECK-NOT: cnn.
  // CHECK:     scf.if %{{.+}} -> (tensor<8xf32>) {
  // CHECK:       cnn.unary <logical_not>
  // CHECK:       scf.if %{{.+}} -> (tensor<8xf32>) {
  // CHECK:         cnn.unary <relu>
  // CHECK:       } else {
  // CHECK-NOT:     cnn.
  // CHECK:       }
  // CHECK:     } else {
  // CHECK:       cnn.unary <neg>
  // CHECK:     }
  %e0 = tensor.empty() : tensor<i1>
  %0 = cnn.unary <logical_not> %a outs(%e0) : (tensor<i1>, tensor<i1>) -> tensor<i1>
  %e1 = tensor.empty() : tensor<8xf32>
  %1 = cnn.unary <relu> %x outs(%e1) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e2 = tensor.empty() : tensor<8xf32>
  %2 = cnn.choose %0, %1, %x outs(%e2) : (tensor<i1>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e3 = tensor.empty() : tensor<8xf32>
  %3 = cnn.unary <neg> %x outs(%e3) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e4 = tensor.empty() : tensor<8xf32>
  %4 = cnn.choose %c, %2, %3 outs(%e4) : (tensor<i1>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %4 : tensor<8xf32>
}

// -----

// All devices have communication in the same order, so it is in no branch, and neither is what it reads.
// CHECK-LABEL: func.func @communication(
func.func @communication(%x: tensor<8xf32>, %c: tensor<i1>) -> tensor<8xf32> {
  // CHECK: cnn.unary <relu>
  // CHECK: cnn.all_reduce
  // CHECK: scf.if
  // CHECK: cnn.unary <neg>
  %e0 = tensor.empty() : tensor<8xf32>
  %0 = cnn.unary <relu> %x outs(%e0) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e1 = tensor.empty() : tensor<8xf32>
  %1 = cnn.all_reduce %0 outs(%e1) {device = 0 : i64, devices = 2 : i64} : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e2 = tensor.empty() : tensor<8xf32>
  %2 = cnn.unary <neg> %1 outs(%e2) : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %e3 = tensor.empty() : tensor<8xf32>
  %3 = cnn.choose %c, %2, %x outs(%e3) : (tensor<i1>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %3 : tensor<8xf32>
}

// -----

func.func @value_form(%x: tensor<8xf32>, %y: tensor<8xf32>, %c: tensor<i1>) -> tensor<8xf32> {
  // expected-error @below {{has no destination; run cnn-to-destination-style first}}
  %0 = cnn.choose %c, %x, %y : (tensor<i1>, tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}
