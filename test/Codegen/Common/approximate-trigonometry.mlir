// RUN: convoy-opt %s --cnn-approximate-math \
// RUN:   | FileCheck %s --implicit-check-not='math.{{exp|log|sin|cos|tan|asin|acos|atan|sinh|cosh|asinh|acosh|atanh}}'

// The numbers are tested in test/Integration/test_ops_elementwise_types.py.

// Only large angles need many bits of pi: they are behind one branch for all lanes.
// CHECK-LABEL: func.func @sine(
// CHECK:         %[[LARGE:.+]] = arith.cmpf olt, %{{.+}}, %{{.+}} : vector<8xf32>
// CHECK:         %[[ANY:.+]] = vector.reduction <or>, %[[LARGE]] : vector<8xi1> into i1
// CHECK:         %[[REDUCED:.+]]:2 = scf.if %[[ANY]] -> (vector<8xf32>, vector<8xi32>) {
// CHECK:           arith.muli %{{.+}}, %{{.+}} : vector<8xi64>
// CHECK:           arith.select %[[LARGE]]
// CHECK:         } else {
// CHECK-NOT:       arith.muli
// CHECK:         arith.mulf %[[REDUCED]]#0, %[[REDUCED]]#0
func.func @sine(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.sin %x : vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func.func @scalars(
// CHECK:         scf.if %{{.+}} -> (f32, i32)
// CHECK:         scf.if %{{.+}} -> (f32, i32)
// CHECK:         arith.divf
func.func @scalars(%x: f32) -> (f32, f32) {
  %0 = math.cos %x : f32
  %1 = math.tan %x : f32
  return %0, %1 : f32, f32
}

// No other function has a branch.
// CHECK-LABEL: func.func @others(
// CHECK-NOT:     scf.if
// CHECK:         return
func.func @others(%x: vector<4xf32>) -> vector<4xf32> {
  %0 = math.asin %x : vector<4xf32>
  %1 = math.acos %0 : vector<4xf32>
  %2 = math.atan %1 : vector<4xf32>
  %3 = math.sinh %2 : vector<4xf32>
  %4 = math.cosh %3 : vector<4xf32>
  %5 = math.asinh %4 : vector<4xf32>
  %6 = math.acosh %5 : vector<4xf32>
  %7 = math.atanh %6 : vector<4xf32>
  return %7 : vector<4xf32>
}
