// RUN: convoy-opt %s --cnn-generate-cpu-kernels --canonicalize --cse --split-input-file | FileCheck %s

// Integration/test_ops_elementwise.py and test_random_graphs.py test the results of these kernels.

// Contiguous dimensions become one loop; an operand that is broadcast is loaded outside of it.
// CHECK:       cnn.launch @generic tasks(1)
// CHECK-LABEL: func.func private @generic(
// CHECK:         scf.for {{.+}} = %c0 to %c32 step %c1
// CHECK:           %[[S:.+]] = memref.load
// CHECK-NEXT:      scf.for {{.+}} = %c0 to %c784 step %c16
// CHECK:             %[[B:.+]] = vector.broadcast %[[S]] : f32 to vector<16xf32>
// CHECK-NEXT:        arith.mulf %{{.+}}, %[[B]] : vector<16xf32>
// CHECK-NEXT:        vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<1x32x28x28xf32>, %s: memref<1x32x1x1xf32>,
      %y: memref<1x32x28x28xf32>) {
    linalg.generic
        {indexing_maps = [affine_map<(n, c, h, w) -> (n, c, h, w)>, affine_map<(n, c, h, w) -> (n, c, 0, 0)>,
        affine_map<(n, c, h, w) -> (n, c, h, w)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
        ins(%x, %s : memref<1x32x28x28xf32>, memref<1x32x1x1xf32>) outs(%y : memref<1x32x28x28xf32>) {
    ^bb0(%a: f32, %b: f32, %o: f32):
      %m = arith.mulf %a, %b : f32
      linalg.yield %m : f32
    }
    return
  }
}

// -----

// A sum along the vectorised dimension: four vectors of partial sums, which are added in a fixed order.
// CHECK:       cnn.launch @generic tasks(1)
// CHECK-LABEL: func.func private @generic(
// CHECK-COUNT-6: vector.load {{.+}} : memref<3200xf32>, vector<16xf32>
// CHECK:         vector.load {{.+}} : memref<3200xf32>, vector<4xf32>
// CHECK-COUNT-4: vector.shuffle
// CHECK:         memref.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<32x100xf32>, %y: memref<32xf32>) {
    linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
        iterator_types = ["parallel", "reduction"]} ins(%x : memref<32x100xf32>) outs(%y : memref<32xf32>) {
    ^bb0(%a: f32, %o: f32):
      %m = arith.addf %a, %o : f32
      linalg.yield %m : f32
    }
    return
  }
}

// -----

// A transpose reads along the rows of the input and writes along the rows of the output. Four rounds of
// shuffles transpose a square of 16 vectors.
// CHECK:       cnn.launch @generic tasks(1)
// CHECK-LABEL: func.func private @generic(
// CHECK:         scf.for {{.+}} = %c0 to %c32 step %c16
// CHECK:           scf.for {{.+}} = %c0 to %c32 step %c16
// CHECK-COUNT-16:    vector.load {{.+}} : memref<1024xf32>, vector<16xf32>
// CHECK-COUNT-64:    vector.shuffle
// CHECK-NOT:         vector.shuffle
// CHECK-COUNT-16:    vector.store
// CHECK-NOT:         vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<32x32xf32>, %y: memref<32x32xf32>) {
    linalg.transpose ins(%x : memref<32x32xf32>) outs(%y : memref<32x32xf32>) permutation = [1, 0]
    return
  }
}

// -----

// Many elements are cut into tasks of whole vectors. The last task also computes the elements that are left.
// CHECK:       cnn.launch @generic tasks(6)
// CHECK-LABEL: func.func private @generic(
// CHECK:         %[[FROM:.+]] = arith.muli
// CHECK:         %[[TO:.+]] = arith.minui
// CHECK-NEXT:    scf.for {{.+}} = %[[FROM]] to %[[TO]] step %c16
// CHECK:           math.sqrt {{.+}} : vector<16xf32>
// CHECK:         scf.if
// CHECK:           math.sqrt {{.+}} : vector<2xf32>
// CHECK:           math.sqrt {{.+}} : f32
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<20003xf32>, %y: memref<20003xf32>) {
    linalg.sqrt ins(%x : memref<20003xf32>) outs(%y : memref<20003xf32>)
    return
  }
}

// -----

// A long sum is made of sums of 64 rows, so that its error grows with the logarithm of the count.
// CHECK-LABEL: func.func private @generic(
// CHECK-DAG:     %[[NEUTRAL:.+]] = arith.constant dense<0.000000e+00> : vector<16xf32>
// CHECK:         scf.for %[[FIRST:.+]] = %c0{{.*}} to %c3000 step %c64 iter_args(%[[SUM:.+]] = %{{.+}}) -> (vector<16xf32>)
// CHECK:           %[[END:.+]] = arith.addi %[[FIRST]], %c64
// CHECK:           %[[LAST:.+]] = arith.minui %[[END]], %c3000
// CHECK:           %[[BLOCK:.+]] = scf.for %{{.+}} = %[[FIRST]] to %[[LAST]] step %c1 iter_args(%{{.+}} = %[[NEUTRAL]])
// CHECK:             vector.load %{{.+}} : memref<48000xf32>, vector<16xf32>
// CHECK:           arith.addf %[[SUM]], %[[BLOCK]]
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<3000x16xf32>, %y: memref<16xf32>) {
    linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0)>],
                    iterator_types = ["parallel", "reduction"]}
        ins(%x : memref<3000x16xf32>) outs(%y : memref<16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %sum = arith.addf %out, %in : f32
      linalg.yield %sum : f32
    }
    return
  }
}

// -----

// A maximum is exact in any order, and has no blocks.
// CHECK-LABEL: func.func private @generic(
// CHECK:         scf.for %{{.+}} = %c0{{.*}} to %c3000 step %c1 iter_args
// CHECK-NEXT:      arith.muli
// CHECK:           arith.maximumf
// CHECK-NOT:       arith.maximumf
// CHECK:         vector.store
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v4", features = "",
    vector_lanes = 16, vector_registers = 32, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<3000x16xf32>, %y: memref<16xf32>) {
    linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, affine_map<(d0, d1) -> (d0)>],
                    iterator_types = ["parallel", "reduction"]}
        ins(%x : memref<3000x16xf32>) outs(%y : memref<16xf32>) {
    ^bb0(%in: f32, %out: f32):
      %max = arith.maximumf %out, %in : f32
      linalg.yield %max : f32
    }
    return
  }
}

// -----

// A table is a constant of the module. Vectors look up lane by lane, two lanes of which leave the vector at once; the element
// that fills no vector is a scalar.
// CHECK:       memref.global "private" constant @generic_table0 : memref<4xf32> = dense<[1.0{{.+}}, 2.0{{.+}}, 4.0{{.+}}, 8.0{{.+}}]>
// CHECK-NOT:   memref.global
// CHECK-LABEL: func.func private @generic(
// CHECK:         %[[TABLE:.+]] = memref.get_global @generic_table0
// CHECK:         %[[X:.+]] = vector.load {{.+}} : memref<9xi32>, vector<8xi32>
// CHECK:         %[[PAIRS:.+]] = vector.bitcast %[[X]] : vector<8xi32> to vector<4xi64>
// CHECK:         %[[PAIR:.+]] = vector.extract %[[PAIRS]][0]
// CHECK:         %[[LOW:.+]] = arith.andi %[[PAIR]], %c4294967295_i64
// CHECK:         %[[INDEX:.+]] = arith.index_castui %[[LOW]]
// CHECK:         memref.load %[[TABLE]][%[[INDEX]]]
// CHECK:         arith.shrui %[[PAIR]], %c32_i64
// CHECK-COUNT-7: memref.load %[[TABLE]]
// CHECK:         vector.from_elements
// CHECK:         memref.load %[[TABLE]]
// CHECK-NOT:     memref.load
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<9xi32>, %y: memref<9xf32>) {
    %table = arith.constant dense<[1.0, 2.0, 4.0, 8.0]> : vector<4xf32>
    linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
        ins(%x : memref<9xi32>) outs(%y : memref<9xf32>) {
    ^bb0(%in: i32, %out: f32):
      %0 = arith.index_cast %in : i32 to index
      %1 = vector.extract %table[%0] : f32 from vector<4xf32>
      linalg.yield %1 : f32
    }
    return
  }
}

// -----

// Bytes are looked up in registers, 32 at once, if that is all that is done. In a table of floats that are bytes minus 2, too.
// The element that fills no vector is loaded from memory.
// CHECK-LABEL:   func.func private @generic(
// CHECK:           %[[X:.+]] = vector.load {{.+}} vector<32xi8>
// CHECK-NEXT:      %[[FIRST:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"(%{{.+}}, %[[X]])
// CHECK-NEXT:      %[[NEXT:.+]] = arith.subi %[[X]], %[[SIXTEEN:.+]] : vector<32xi8>
// CHECK-NEXT:      %[[SECOND:.+]] = llvm.call_intrinsic "llvm.x86.avx2.pshuf.b"(%{{.+}}, %[[NEXT]])
// CHECK-NEXT:      arith.xori %[[FIRST]], %[[SECOND]] : vector<32xi8>
// CHECK-COUNT-7:   arith.subi
// CHECK-COUNT-7:   llvm.call_intrinsic "llvm.ssub.sat"
// CHECK:           %[[BYTES:.+]] = arith.xori
// CHECK-NEXT:      %[[FLOATS:.+]] = arith.uitofp %[[BYTES]] : vector<32xi8> to vector<32xf32>
// CHECK-NEXT:      %[[Y:.+]] = arith.addf %[[FLOATS]], %{{.+}} : vector<32xf32>
// CHECK-NEXT:      vector.store %[[Y]]
// CHECK:           memref.load %{{.+}} : memref<4xf32>
module attributes {cnn.target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "+avx2",
    vector_lanes = 8, vector_registers = 16, l2 = 1048576>} {
  func.func @main(%arena: memref<1xi8>, %weights: memref<1xi8>, %x: memref<65xi8>, %y: memref<65xf32>) {
    %table = arith.constant dense<[-2.0, 200.0, 1.0, 250.0]> : vector<4xf32>
    linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
        ins(%x : memref<65xi8>) outs(%y : memref<65xf32>) {
    ^bb0(%in: i8, %out: f32):
      %0 = arith.extui %in : i8 to i32
      %1 = arith.index_cast %0 : i32 to index
      %2 = vector.extract %table[%1] : f32 from vector<4xf32>
      linalg.yield %2 : f32
    }
    return
  }
}
