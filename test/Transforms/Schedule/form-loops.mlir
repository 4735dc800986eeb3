// RUN: convoy-opt %s --cnn-form-loops --split-input-file --verify-diagnostics | FileCheck %s

// The body is what depends on a variable. The destinations that it alone fills are in it, too. The variables are written at the end.
// CHECK-LABEL: func.func @variables(
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>, %[[W:.+]]: tensor<4xf32>, %[[GO:.+]]: tensor<i1>)
func.func @variables(%x: tensor<4xf32>, %w: tensor<4xf32>, %go: tensor<i1>) -> (tensor<4xf32>, tensor<5x4xf32>) {
  // CHECK:      %[[OUTSIDE:.+]] = cnn.unary <neg> %[[W]]
  // CHECK:      %[[ROWS:.+]] = tensor.empty() : tensor<5x4xf32>
  // CHECK:      %[[R:.+]]:4 = scf.while (%[[A0:.+]] = %[[GO]], %{{.+}} = %{{.+}}, %{{.+}} = %[[X]], %{{.+}} = %[[ROWS]])
  // CHECK-NEXT:   %[[T:.+]] = tensor.extract %[[A0]][] : tensor<i1>
  // CHECK-NEXT:   scf.condition(%[[T]])
  // CHECK-NEXT: } do {
  // CHECK-NEXT: ^bb0(%[[A:.+]]: tensor<i1>, %[[I:.+]]: tensor<i64>, %[[V:.+]]: tensor<4xf32>, %[[ALL:.+]]: tensor<5x4xf32>):
  // CHECK:        %[[Y:.+]] = cnn.binary <add> %[[V]], %[[OUTSIDE]]
  // CHECK:        %[[N:.+]] = cnn.binary <add> %[[I]]
  // CHECK:        %[[MORE:.+]] = cnn.binary <less> %[[N]]
  // CHECK-NEXT:   %[[C:.+]] = cnn.compute "collect" points [4] keeps %[[Y]], %[[I]] outs(%[[ALL]])
  // CHECK:        %[[NA:.+]] = bufferization.materialize_in_destination %[[MORE]] in %[[A]]
  // CHECK-NEXT:   %[[NI:.+]] = bufferization.materialize_in_destination %[[N]] in %[[I]]
  // CHECK-NEXT:   %[[NV:.+]] = bufferization.materialize_in_destination %[[Y]] in %[[V]]
  // CHECK-NEXT:   scf.yield %[[NA]], %[[NI]], %[[NV]], %[[C]]
  // CHECK:      return %[[R]]#2, %[[R]]#3
  %zero = arith.constant dense<0> : tensor<i64>
  %one = arith.constant dense<1> : tensor<i64>
  %five = arith.constant dense<5> : tensor<i64>
  %v:3 = cnn.loop_begin %go, %zero, %x : (tensor<i1>, tensor<i64>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  %e0 = tensor.empty() : tensor<4xf32>
  %0 = cnn.unary <neg> %w outs(%e0) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %e1 = tensor.empty() : tensor<4xf32>
  %1 = cnn.binary <add> %v#2, %0 outs(%e1) : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %e2 = tensor.empty() : tensor<i64>
  %2 = cnn.binary <add> %v#1, %one outs(%e2) : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<i64>
  %e3 = tensor.empty() : tensor<i1>
  %3 = cnn.binary <less> %2, %five outs(%e3) : (tensor<i64>, tensor<i64>, tensor<i1>) -> tensor<i1>
  %r:4 = cnn.loop_end %v#0 next(%3, %2, %1) rows(%1)
    : (tensor<i1>, tensor<i1>, tensor<i64>, tensor<4xf32>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<4xf32>, tensor<5x4xf32>)
  return %r#2, %r#3 : tensor<4xf32>, tensor<5x4xf32>
}

// -----

// Variables that change places: one is copied before the other is written. One that stays is not written.
// CHECK-LABEL: func.func @exchange(
func.func @exchange(%x: tensor<4xf32>, %y: tensor<4xf32>, %go: tensor<i1>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK:      ^bb0(%[[A:.+]]: tensor<i1>, %[[I:.+]]: tensor<i64>, %[[V:.+]]: tensor<4xf32>, %[[W:.+]]: tensor<4xf32>):
  // CHECK:        %[[WAS_W:.+]] = bufferization.materialize_in_destination %[[W]] in %{{.+}}
  // CHECK:        %[[WAS_V:.+]] = bufferization.materialize_in_destination %[[V]] in %{{.+}}
  // CHECK:        %[[NV:.+]] = bufferization.materialize_in_destination %[[WAS_W]] in %[[V]]
  // CHECK-NEXT:   %[[NW:.+]] = bufferization.materialize_in_destination %[[WAS_V]] in %[[W]]
  // CHECK-NEXT:   scf.yield %{{.+}}, %[[I]], %[[NV]], %[[NW]]
  %no = arith.constant dense<false> : tensor<i1>
  %zero = arith.constant dense<0> : tensor<i64>
  %v:4 = cnn.loop_begin %go, %zero, %x, %y : (tensor<i1>, tensor<i64>, tensor<4xf32>, tensor<4xf32>)
    -> (tensor<i1>, tensor<i64>, tensor<4xf32>, tensor<4xf32>)
  %r:4 = cnn.loop_end %v#0 next(%no, %v#1, %v#3, %v#2) : (tensor<i1>, tensor<i1>, tensor<i64>, tensor<4xf32>, tensor<4xf32>)
    -> (tensor<i1>, tensor<i64>, tensor<4xf32>, tensor<4xf32>)
  return %r#2, %r#3 : tensor<4xf32>, tensor<4xf32>
}

// -----

// A loop with a limit: it is checked when the variables are written.
// CHECK-LABEL: func.func @limit(
// CHECK:      ^bb0(%[[A:.+]]: tensor<i1>, %[[I:.+]]: tensor<i64>):
// CHECK:        %[[NA:.+]] = bufferization.materialize_in_destination %{{.+}} in %[[A]]
// CHECK:        %[[NI:.+]] = bufferization.materialize_in_destination %{{.+}} in %[[I]]
// CHECK:        %[[LA:.+]] = cnn.limit_loop %[[NI]] outs(%[[NA]]) {limit = 9 : i64}
// CHECK:        scf.yield %[[LA]], %[[NI]]
func.func @limit(%go: tensor<i1>, %more: tensor<i1>, %n: tensor<i64>) -> tensor<i64> {
  %v:2 = cnn.loop_begin %go, %n : (tensor<i1>, tensor<i64>) -> (tensor<i1>, tensor<i64>)
  %r:2 = cnn.loop_end %v#0 next(%more, %n) {limit = 9 : i64} : (tensor<i1>, tensor<i1>, tensor<i64>) -> (tensor<i1>, tensor<i64>)
  return %r#1 : tensor<i64>
}

// -----

// A loop in the body of another one is formed first, and moves with the body.
// CHECK-LABEL: func.func @nested(
// CHECK:     scf.while
// CHECK:     do {
// CHECK:       scf.while
// CHECK:       } do {
// CHECK:         cnn.unary <tanh>
// CHECK:         scf.yield
// CHECK:       }
// CHECK:       scf.yield
func.func @nested(%x: tensor<4xf32>, %go: tensor<i1>) -> tensor<4xf32> {
  %no = arith.constant dense<false> : tensor<i1>
  %zero = arith.constant dense<0> : tensor<i64>
  %v:3 = cnn.loop_begin %go, %zero, %x : (tensor<i1>, tensor<i64>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  %w:3 = cnn.loop_begin %go, %zero, %v#2 : (tensor<i1>, tensor<i64>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  %e = tensor.empty() : tensor<4xf32>
  %0 = cnn.unary <tanh> %w#2 outs(%e) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r:3 = cnn.loop_end %w#0 next(%no, %w#1, %0) : (tensor<i1>, tensor<i1>, tensor<i64>, tensor<4xf32>)
    -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  %s:3 = cnn.loop_end %v#0 next(%no, %v#1, %r#2) : (tensor<i1>, tensor<i1>, tensor<i64>, tensor<4xf32>)
    -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  return %s#2 : tensor<4xf32>
}

// -----

func.func @outside(%x: tensor<4xf32>, %go: tensor<i1>) -> tensor<4xf32> {
  %no = arith.constant dense<false> : tensor<i1>
  %zero = arith.constant dense<0> : tensor<i64>
  %v:3 = cnn.loop_begin %go, %zero, %x : (tensor<i1>, tensor<i64>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  %r:3 = cnn.loop_end %v#0 next(%no, %v#1, %v#2) : (tensor<i1>, tensor<i1>, tensor<i64>, tensor<4xf32>)
    -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  // expected-error@+1 {{uses a value of an iteration outside of the loop}}
  return %v#2 : tensor<4xf32>
}
