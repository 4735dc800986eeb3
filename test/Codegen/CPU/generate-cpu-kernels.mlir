// RUN: convoy-opt %s --cnn-select-algorithm=algorithm=direct --cnn-generate-cpu-kernels --split-input-file | FileCheck %s

// Two equal layers share a kernel. A task is a row of one tile of 32 channels. Its
// sums, two vectors for each of 14 pixels, are carried through the loops.
// CHECK:       cnn.layers = ["first", "second"]
// CHECK-LABEL: func.func @main(
// CHECK-NOT:   cnn.conv
// CHECK:       cnn.launch @[[KERNEL:conv]] tasks(28) (%arg2, %[[W:.+]], %arg3)
// CHECK:       cnn.launch @[[KERNEL]] tasks(28) (%arg3, %[[W]], %arg2)
// CHECK:       func.func private @[[KERNEL]](%[[BEGIN:.+]]: index, %[[END:.+]]: index,
// CHECK:       scf.for %{{.+}} = %[[BEGIN]] to %[[END]]
// CHECK-COUNT-28: vector.fma
// CHECK-COUNT-28: vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<4096xi8>, %x: memref<1x2x28x14x16xf32>, %y: memref<1x2x28x14x16xf32>) {
    %c0 = arith.constant 0 : index
    %w = memref.view %weights[%c0][] : memref<4096xi8> to memref<1x1x2x1x1x16x32xf32>
    cnn.conv %x, %w outs(%y) {filter_shape = array<i64: 32, 32, 1, 1>, output_block = 16 : i64,
        window = #cnn.window<[1, 1]>}
        : (memref<1x2x28x14x16xf32>, memref<1x1x2x1x1x16x32xf32>, memref<1x2x28x14x16xf32>) -> () loc("first")
    cnn.conv %y, %w outs(%x) {filter_shape = array<i64: 32, 32, 1, 1>, output_block = 16 : i64,
        window = #cnn.window<[1, 1]>}
        : (memref<1x2x28x14x16xf32>, memref<1x1x2x1x1x16x32xf32>, memref<1x2x28x14x16xf32>) -> () loc("second")
    return
  }
}

// -----

// If the residual is also the result, both are one argument, because arguments do not overlap. So
// this needs a kernel of its own.
// CHECK:       cnn.launch @[[UPDATE:.+]] tasks({{.+}}) (%arg2, %arg3, %arg4) :
// CHECK:       cnn.launch @[[APART:.+]] tasks({{.+}}) (%arg2, %arg3, %arg4, %arg5) :
// CHECK:       cnn.launch @[[UPDATE]] tasks({{.+}}) (%arg4, %arg3, %arg5) :
// CHECK:       func.func private @[[UPDATE]](%{{[^,]+}}: index,
// CHECK-SAME:    %{{[^,]+}}: index,
// CHECK-SAME:    %{{[^,]+}}: memref<1x1x4x4x16xf32>,
// CHECK-SAME:    %{{[^,]+}}: memref<1x1x1x1x1x16x16xf32>, %[[SUM:[^,]+]]: memref<1x1x4x4x16xf32>)
// CHECK:       %[[STORED:.+]] = memref.reinterpret_cast %[[SUM]]
// CHECK:       %[[LOADED:.+]] = memref.reinterpret_cast %[[SUM]]
// CHECK:       %[[RESIDUAL:.+]] = vector.load %[[LOADED]]
// CHECK:       arith.addf %{{.+}}, %[[RESIDUAL]]
// CHECK:       vector.store %{{.+}}, %[[STORED]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x1x4x4x16xf32>,
      %w: memref<1x1x1x1x1x16x16xf32>, %a: memref<1x1x4x4x16xf32>, %b: memref<1x1x4x4x16xf32>) {
    cnn.conv %x, %w residual(%a) outs(%a)
        {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
        : (memref<1x1x4x4x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
    cnn.conv %x, %w residual(%a) outs(%b)
        {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
        : (memref<1x1x4x4x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
    cnn.conv %a, %w residual(%b) outs(%b)
        {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
        : (memref<1x1x4x4x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
    return
  }
}
