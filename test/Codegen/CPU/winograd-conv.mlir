// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// 49 tiles of 4x4 are one strip: register tiles of 13, 12, 12 and 12, two vectors each. A task is two blocks
// of output channels. The transformed input V and the products M are in the thread's scratch memory.
// CHECK:         cnn.scratch_size = [[SIZE:[0-9]+]] : i64
// CHECK:         cnn.launch @winograd_conv tasks(2) (%{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}}) : memref<1x2x28x28x16xf32>,
// CHECK-SAME:      memref<1x2x36x32x32xf32>
// CHECK-LABEL: func.func private @winograd_conv(
// CHECK-SAME:    %[[BEGIN:[a-z0-9]+]]: index, {{.*}}, %[[SCRATCH:[a-z0-9]+]]: memref<[[SIZE]]xi8> {cnn.scratch})
// CHECK:         scf.for %[[TASK:.+]] = %[[BEGIN]] to
// CHECK:         %[[V:.+]] = memref.view %[[SCRATCH]]{{.+}} to memref<36x1648xf32>
// CHECK:         %[[M:.+]] = memref.view %[[SCRATCH]]{{.+}} to memref<36x1648xf32>
// The first task of a thread or a strip transforms the input.
// CHECK:         %[[FIRST:.+]] = arith.cmpi eq, %[[TASK]], %[[BEGIN]]
// CHECK:         scf.if
// CHECK-COUNT-36:  vector.store %{{.+}}, %[[V]]
// The products.
// CHECK:         memref.prefetch %{{.+}}, read, locality<2>, data
// CHECK-COUNT-26: vector.fma
// CHECK:         scf.yield
// CHECK-COUNT-26: vector.store %{{.+}}, %[[M]]
// CHECK-COUNT-24: vector.fma
// CHECK:         scf.yield
// CHECK-COUNT-24: vector.store %{{.+}}, %[[M]]
// The output and the epilogue: 7 tiles of 4 rows cover 28 rows, so none is cut.
// CHECK:         vector.load %[[M]]
// CHECK:         arith.select %{{.+}} : vector<16xi1>
// CHECK:         vector.store %{{.+}}, %arg6
// CHECK-NOT:     scf.if
// CHECK:         return
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x2x28x28x16xf32>,
      %w: memref<1x2x36x32x32xf32>, %b: memref<64xf32>, %r: memref<1x4x28x28x16xf32>, %y: memref<1x4x28x28x16xf32>) {
    cnn.conv %x, %w, %b residual(%r) outs(%y)
        {schedule = #cnn.schedule<winograd_4x4, tile = 14x2x16, strip = 49, filter = <winograd, 1x2x36x32x32xf32>,
        scratch = 474624>, filter_shape = array<i64: 64, 32, 3, 3>, output_block = 16 : i64,
        activation = #cnn.function<relu>, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x2x28x28x16xf32>, memref<1x2x36x32x32xf32>, memref<64xf32>, memref<1x4x28x28x16xf32>,
        memref<1x4x28x28x16xf32>) -> ()
    return
  }
}

// -----

// Filters that are not transformed: a task transforms them, half of the 256 input channels at a time, into the thread's
// scratch memory, U, and adds the products of the second half to those of the first. 16 tiles are register tiles of 8.
// CHECK-LABEL: func.func private @winograd_conv(
// CHECK:         %[[V:.+]] = memref.view {{.+}} to memref<36x4176xf32>
// CHECK:         %[[M:.+]] = memref.view {{.+}} to memref<36x592xf32>
// CHECK:         %[[U:.+]] = memref.view {{.+}} to memref<128x1168xf32>
// CHECK:         scf.for %{{.+}} = %c0 to %c128
// CHECK-COUNT-9:   vector.load %{{.+}} : memref<1x1x256x9x32xf32>, vector<16xf32>
// CHECK-COUNT-36:  vector.store %{{.+}}, %[[U]]
// CHECK-NOT:     vector.load %[[M]]
// CHECK:         memref.prefetch %{{.+}} : memref<1x1x256x9x32xf32>
// CHECK-COUNT-16: vector.fma
// CHECK:         scf.yield
// CHECK-COUNT-16: vector.store %{{.+}}, %[[M]]
// CHECK:         scf.for %{{.+}} = %c0 to %c128
// CHECK-COUNT-36:  vector.store %{{.+}}, %[[U]]
// CHECK-COUNT-16: vector.load %[[M]]
// CHECK:         vector.load %[[U]]
// CHECK-COUNT-16: vector.fma
// CHECK:         scf.yield
// CHECK-COUNT-16: vector.store %{{.+}}, %[[M]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x16x14x14x16xf32>,
      %w: memref<1x1x256x9x32xf32>, %y: memref<1x2x14x14x16xf32>) {
    cnn.conv %x, %w outs(%y)
        {schedule = #cnn.schedule<winograd_4x4_compact, tile = 14x2x16, strip = 16, chunk = 8,
        filter = <winograd_compact, 1x1x256x9x32xf32>, scratch = 1284608>, filter_shape = array<i64: 32, 256, 3, 3>,
        output_block = 16 : i64, window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x16x14x14x16xf32>, memref<1x1x256x9x32xf32>, memref<1x2x14x14x16xf32>) -> ()
    return
  }
}

// -----

// Integers: the data and the transformed data are i16, products are i32. A step multiplies two of the 20 channels for six
// tiles and two vectors of outputs. The sums of a tile, four times too large, go through memory, so that the code of the
// region is there once.
// CHECK-LABEL: func.func private @winograd_conv(
// CHECK:         %[[SUMS:.+]] = memref.alloca() {{.+}} : memref<2x2x8xi32>
// CHECK:         %[[V:.+]] = memref.view {{.+}} to memref<16x464xi16>
// CHECK:         %[[M:.+]] = memref.view {{.+}} to memref<16x336xi32>
// CHECK-COUNT-16: vector.store %{{.+}}, %[[V]]
// CHECK:         scf.for %{{.+}} = %c0 to %c4 step %c1 iter_args(
// CHECK-COUNT-2:   vector.load %{{.+}} : memref<1x1x16x10x32xi16>, vector<16xi16>
// CHECK:           vector.load %[[V]]{{.+}} : memref<16x464xi16>, vector<2xi16>
// CHECK-COUNT-12:  llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"
// CHECK:           scf.yield
// CHECK:         scf.for %{{.+}} = %c0 to %c2 step %c1 iter_args(
// CHECK-COUNT-4: vector.store %{{.+}}, %[[SUMS]]
// CHECK:         scf.for %{{.+}} = %c0 to %c2
// CHECK:         scf.for %{{.+}} = %c0 to %c2
// CHECK:         %[[SUM:.+]] = arith.shrsi %{{.+}}, %{{.+}} : vector<8xi32>
// CHECK:         %[[NARROW:.+]] = arith.trunci %[[SUM]] : vector<8xi32> to vector<8xi16>
// CHECK:         vector.store %[[NARROW]], %arg4
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 524288>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x3x8x8x8xi16>,
      %w: memref<1x1x16x10x16x2xi16>, %y: memref<1x2x8x8x8xi16>) {
    cnn.conv %x, %w outs(%y)
        {schedule = #cnn.schedule<winograd_2x2, tile = 6x2x8, strip = 16, filter = <winograd_dots, 1x1x16x10x16x2xi16>,
        scratch = 51200>, filter_shape = array<i64: 16, 20, 3, 3>, output_block = 8 : i64, epilogue_maps = [],
        window = #cnn.window<[3, 3], pads = [1, 1, 1, 1]>}
        : (memref<1x3x8x8x8xi16>, memref<1x1x16x10x16x2xi16>, memref<1x2x8x8x8xi16>) -> () {
    ^bb0(%sum: i32):
      %0 = arith.trunci %sum : i32 to i16
      cnn.yield %0 : i16
    }
    return
  }
}
