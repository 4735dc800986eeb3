// RUN: convoy-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: convoy-opt %s --cse --canonicalize --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=SIMPLE

// Two loops that begin in the same way are two loops. One whose results are not used vanishes.
// CHECK-LABEL:  func.func @loops(
// CHECK-COUNT-3: cnn.loop_begin
// SIMPLE-LABEL: func.func @loops(
// SIMPLE-COUNT-2: cnn.loop_begin
// SIMPLE-NOT:   cnn.loop_begin
// SIMPLE:       return
func.func @loops(%x: tensor<4xf32>, %go: tensor<i1>, %i: tensor<i64>) -> (tensor<4xf32>, tensor<4xf32>) {
  %no = arith.constant dense<false> : tensor<i1>
  %a:3 = cnn.loop_begin %go, %i, %x : (tensor<i1>, tensor<i64>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  %b:3 = cnn.loop_begin %go, %i, %x : (tensor<i1>, tensor<i64>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  %c:3 = cnn.loop_begin %go, %i, %x : (tensor<i1>, tensor<i64>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  %0 = cnn.unary <neg> %a#2 : (tensor<4xf32>) -> tensor<4xf32>
  %1 = cnn.unary <exp> %b#2 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = cnn.unary <abs> %c#2 : (tensor<4xf32>) -> tensor<4xf32>
  %r:3 = cnn.loop_end %a#0 next(%no, %a#1, %0) : (tensor<i1>, tensor<i1>, tensor<i64>, tensor<4xf32>)
    -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  %s:3 = cnn.loop_end %b#0 next(%no, %b#1, %1) : (tensor<i1>, tensor<i1>, tensor<i64>, tensor<4xf32>)
    -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  %t:3 = cnn.loop_end %c#0 next(%no, %c#1, %2) : (tensor<i1>, tensor<i1>, tensor<i64>, tensor<4xf32>)
    -> (tensor<i1>, tensor<i64>, tensor<4xf32>)
  return %r#2, %s#2 : tensor<4xf32>, tensor<4xf32>
}

// -----

func.func @first_variables(%x: tensor<4xf32>) {
  // expected-error@+1 {{needs an i1 and an i64 of rank 0 as its first variables}}
  %v:2 = cnn.loop_begin %x, %x : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return
}

// -----

func.func @types(%go: tensor<i1>, %i: tensor<i64>, %x: tensor<4xf32>) {
  // expected-error@+1 {{has variables of other types than their first values}}
  %v:3 = cnn.loop_begin %go, %i, %x : (tensor<i1>, tensor<i64>, tensor<4xf32>) -> (tensor<i1>, tensor<i64>, tensor<5xf32>)
  return
}

// -----

func.func @no_begin(%go: tensor<i1>, %i: tensor<i64>) {
  // expected-error@+1 {{needs the first variable of a cnn.loop_begin}}
  %r:2 = cnn.loop_end %go next(%go, %i) : (tensor<i1>, tensor<i1>, tensor<i64>) -> (tensor<i1>, tensor<i64>)
  return
}

// -----

func.func @other_nexts(%go: tensor<i1>, %i: tensor<i64>) {
  %v:2 = cnn.loop_begin %go, %i : (tensor<i1>, tensor<i64>) -> (tensor<i1>, tensor<i64>)
  // expected-error@+1 {{has variables of other types than its cnn.loop_begin}}
  %r:2 = cnn.loop_end %v#0 next(%v#0, %go) : (tensor<i1>, tensor<i1>, tensor<i1>) -> (tensor<i1>, tensor<i1>)
  return
}

// -----

func.func @rows(%go: tensor<i1>, %i: tensor<i64>) {
  %v:2 = cnn.loop_begin %go, %i : (tensor<i1>, tensor<i64>) -> (tensor<i1>, tensor<i64>)
  // expected-error@+1 {{collects rows of type 'tensor<i64>' in 'tensor<5x2xi64>'}}
  %r:3 = cnn.loop_end %v#0 next(%v#0, %v#1) rows(%v#1) : (tensor<i1>, tensor<i1>, tensor<i64>, tensor<i64>)
    -> (tensor<i1>, tensor<i64>, tensor<5x2xi64>)
  return
}
