// RUN: convoy-opt %s --cnn-form-tables --split-input-file --verify-diagnostics | FileCheck %s

// x / (exp(x) + 1) of the integers from -3 to 4 in a table; 0 / 2 = 0.
// CHECK-LABEL: func.func @main(
// CHECK-DAG:     %[[TABLE:.+]] = arith.constant dense<[-2.857{{.+}}, -1.761{{.+}}, -0.731{{.+}}, 0.0{{.+}}, 0.268{{.+}}]> : vector<8xf32>
// CHECK-DAG:     %[[LOW:.+]] = arith.constant -3 : i32
// CHECK-NOT:     math.exp
// CHECK:         %[[ROUNDED:.+]] = math.roundeven
// CHECK-NEXT:    %[[NUMBER:.+]] = arith.fptosi %[[ROUNDED]] : f32 to i32
// CHECK-NEXT:    %[[INDEX:.+]] = arith.subi %[[NUMBER]], %[[LOW]] : i32
// CHECK-NEXT:    %[[POSITION:.+]] = arith.index_cast %[[INDEX]] : i32 to index
// CHECK-NEXT:    %[[Y:.+]] = vector.extract %[[TABLE]][%[[POSITION]]] : f32 from vector<8xf32>
// CHECK-NEXT:    linalg.yield %[[Y]] : f32
#id = affine_map<(d0) -> (d0)>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
    %low = arith.constant -3.0 : f32
    %high = arith.constant 4.0 : f32
    %one = arith.constant 1.0 : f32
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<64xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<64xf32>) outs(%e : tensor<64xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.cmpf olt, %low, %in : f32
      %1 = arith.select %0, %in, %low : f32
      %2 = arith.cmpf olt, %1, %high : f32
      %3 = arith.select %2, %1, %high : f32
      %4 = math.roundeven %3 : f32
      %5 = arith.addf %4, %zero : f32
      %6 = math.exp %5 : f32
      %7 = arith.addf %6, %one : f32
      // expected-remark @below {{result of type 'tensor<8xf32>' is computed while compiling}}
      %8 = arith.divf %5, %7 : f32
      linalg.yield %8 : f32
    } -> tensor<64xf32>
    return %y : tensor<64xf32>
  }
}

// -----

// A byte has 256 values. What follows depends on another input, too.
// CHECK-LABEL: func.func @main(
// CHECK-DAG:     %[[TABLE:.+]] = arith.constant dense<{{.+}}> : vector<256xi8>
// CHECK:         ^bb0(%[[IN:.+]]: i8, %[[OTHER:.+]]: i8, %{{.+}}: i8):
// CHECK-NEXT:    %[[INDEX:.+]] = arith.extui %[[IN]] : i8 to i32
// CHECK-NEXT:    %[[POSITION:.+]] = arith.index_cast %[[INDEX]] : i32 to index
// CHECK-NEXT:    %[[Y:.+]] = vector.extract %[[TABLE]][%[[POSITION]]] : i8 from vector<256xi8>
// CHECK-NEXT:    %[[SUM:.+]] = arith.addi %[[Y]], %[[OTHER]] : i8
// CHECK-NEXT:    linalg.yield %[[SUM]] : i8
#id = affine_map<(d0) -> (d0)>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%x: tensor<64xi8>, %other: tensor<64xi8>) -> tensor<64xi8> {
    %scale = arith.constant 0.01 : f32
    %e = tensor.empty() : tensor<64xi8>
    %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
        ins(%x, %other : tensor<64xi8>, tensor<64xi8>) outs(%e : tensor<64xi8>) {
    ^bb0(%in: i8, %in_other: i8, %out: i8):
      %0 = arith.sitofp %in : i8 to f32
      %1 = arith.mulf %0, %scale : f32
      %2 = math.exp %1 : f32
      %3 = arith.divf %2, %scale : f32
      %4 = arith.fptosi %3 : f32 to i32
      // expected-remark @below {{result of type 'tensor<256xi8>' is computed while compiling}}
      %5 = arith.trunci %4 : i32 to i8
      %6 = arith.addi %5, %in_other : i8
      linalg.yield %6 : i8
    } -> tensor<64xi8>
    return %y : tensor<64xi8>
  }
}

// -----

// No table: too cheap; too many values; not rounded; two numbers; -0.0 would differ from 0.0.
// CHECK-LABEL: func.func @main(
// CHECK-NOT:     vector.extract
// CHECK-COUNT-4: math.exp
// CHECK-NOT:     vector.extract
#id = affine_map<(d0) -> (d0)>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%x: tensor<64xf32>, %n: tensor<64xi8>)
      -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
    %low = arith.constant -3.0 : f32
    %high = arith.constant 4.0 : f32
    %many = arith.constant 253.0 : f32
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<64xf32>
    %y:5 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id, #id, #id], iterator_types = ["parallel"]}
        ins(%x, %n : tensor<64xf32>, tensor<64xi8>)
        outs(%e, %e, %e, %e, %e : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>) {
    ^bb0(%in: f32, %number: i8, %o0: f32, %o1: f32, %o2: f32, %o3: f32, %o4: f32):
      %0 = arith.cmpf olt, %low, %in : f32
      %1 = arith.select %0, %in, %low : f32
      %2 = arith.cmpf olt, %1, %high : f32
      %3 = arith.select %2, %1, %high : f32
      %cheap = arith.uitofp %number : i8 to f32
      %4 = arith.cmpf olt, %1, %many : f32
      %5 = arith.select %4, %1, %many : f32
      %6 = math.roundeven %5 : f32
      %7 = arith.addf %6, %zero : f32
      %8 = math.exp %7 : f32
      %wide = arith.divf %8, %7 : f32
      %9 = math.exp %3 : f32
      %unrounded = arith.divf %9, %3 : f32
      %10 = arith.addf %cheap, %in : f32
      %11 = math.exp %10 : f32
      %two = arith.divf %11, %10 : f32
      %12 = math.roundeven %3 : f32
      %13 = math.exp %12 : f32
      %signed = arith.divf %13, %12 : f32
      linalg.yield %cheap, %wide, %unrounded, %two, %signed : f32, f32, f32, f32, f32
    } -> (tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>)
    return %y#0, %y#1, %y#2, %y#3, %y#4 : tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>, tensor<64xf32>
  }
}

// -----

// On GPUs nothing happens.
// CHECK-LABEL: func.func @main(
// CHECK-NOT:     vector.extract
// CHECK:         math.exp
// CHECK-NOT:     vector.extract
#id = affine_map<(d0) -> (d0)>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576, gpu = <cuda, [80]>>} {
  func.func @main(%x: tensor<64xi8>) -> tensor<64xf32> {
    %e = tensor.empty() : tensor<64xf32>
    %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<64xi8>) outs(%e : tensor<64xf32>) {
    ^bb0(%in: i8, %out: f32):
      %0 = arith.sitofp %in : i8 to f32
      %1 = math.exp %0 : f32
      %2 = arith.divf %1, %0 : f32
      linalg.yield %2 : f32
    } -> tensor<64xf32>
    return %y : tensor<64xf32>
  }
}

// -----

// The table has integers of eight bits, -3 to 4 times two, and the CPU looks up such ones in registers, many at once. So the
// reader stores the indices, and another operation looks up.
// CHECK-LABEL: func.func @main(
// CHECK:         %[[TABLE:.+]] = arith.constant dense<[-6.0{{.+}}, -4.0{{.+}}, -2.0{{.+}}, 0.0{{.+}}]> : vector<8xf32>
// CHECK:         %[[BYTES:.+]] = linalg.generic {{.+}} ins(%arg0, %arg1 : tensor<64xf32>, tensor<64xf32>) outs(%{{.+}} : tensor<64xi8>)
// CHECK:           %[[INDEX:.+]] = arith.subi
// CHECK-NEXT:      %[[BYTE:.+]] = arith.trunci %[[INDEX]] : i32 to i8
// CHECK-NEXT:      linalg.yield %[[BYTE]] : i8
// CHECK:         %[[Y:.+]] = linalg.generic {{.+}} ins(%[[BYTES]] : tensor<64xi8>) outs(%{{.+}} : tensor<64xf32>)
// CHECK:           %[[NUMBER:.+]] = arith.extui %{{.+}} : i8 to i32
// CHECK-NEXT:      %[[POSITION:.+]] = arith.index_cast %[[NUMBER]] : i32 to index
// CHECK-NEXT:      %[[ELEMENT:.+]] = vector.extract %[[TABLE]][%[[POSITION]]] : f32 from vector<8xf32>
// CHECK-NEXT:      linalg.yield %[[ELEMENT]] : f32
// CHECK:         return %[[Y]]
#id = affine_map<(d0) -> (d0)>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "+avx2",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%x: tensor<64xf32>, %scale: tensor<64xf32>) -> tensor<64xf32> {
    %low = arith.constant -3.0 : f32
    %high = arith.constant 4.0 : f32
    %two = arith.constant 2.0 : f32
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<64xf32>
    %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
        ins(%x, %scale : tensor<64xf32>, tensor<64xf32>) outs(%e : tensor<64xf32>) {
    ^bb0(%in: f32, %in_scale: f32, %out: f32):
      %product = arith.mulf %in, %in_scale : f32
      %0 = arith.cmpf olt, %low, %product : f32
      %1 = arith.select %0, %product, %low : f32
      %2 = arith.cmpf olt, %1, %high : f32
      %3 = arith.select %2, %1, %high : f32
      %4 = math.roundeven %3 : f32
      %5 = arith.addf %4, %zero : f32
      %6 = math.exp %5 : f32
      %7 = arith.mulf %6, %zero : f32
      %8 = arith.mulf %5, %two : f32
      %9 = arith.divf %8, %two : f32
      // expected-remark @below {{result of type 'tensor<8xf32>' is computed while compiling}}
      %10 = math.fma %9, %two, %7 : f32
      linalg.yield %10 : f32
    } -> tensor<64xf32>
    return %y : tensor<64xf32>
  }
}
