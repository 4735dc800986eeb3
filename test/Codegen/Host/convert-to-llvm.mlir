// RUN: convoy-opt %s --cnn-convert-to-llvm --split-input-file --mlir-print-debuginfo --mlir-print-local-scope \
// RUN:   | FileCheck %s --implicit-check-not=func.func --implicit-check-not=memref. --implicit-check-not=cnn.launch

// A launch stores the pointers of its buffers in an array and calls the runtime with the entry of the
// kernel. Each layer reports its end. The operations have the locations of the launches.
// CHECK-LABEL: llvm.func internal @convoy_main(
// CHECK:         %[[ENTRY:.+]] = llvm.mlir.addressof @copy_entry
// CHECK-NEXT:    %[[TASKS:.+]] = llvm.mlir.constant(2 : i64)
// CHECK-NEXT:    llvm.call @convoy_rt_parallel_for(%[[RT:.+]], %[[ENTRY]], %{{.+}}, %[[TASKS]]) {{.*}} loc("first")
// CHECK-NEXT:    %[[LAYER:.+]] = llvm.mlir.constant(0 : i32)
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[LAYER]]) {{.*}} loc("first")
// CHECK:         llvm.mlir.constant(1 : i64) {{.*}} loc("second")
// CHECK-NEXT:    llvm.call @convoy_rt_parallel_for({{.+}} loc("second")
// CHECK-NEXT:    %[[LAYER1:.+]] = llvm.mlir.constant(1 : i32)
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%{{.+}}, %[[LAYER1]])

// The buffers of a kernel do not overlap. They are passed as bare pointers.
// CHECK:       llvm.func internal @copy(%{{[^ ]+}}: i64 {{.*}}%{{[^ ]+}}: i64 {{.*}}!llvm.ptr {llvm.{{.*}}!llvm.ptr {llvm.
// CHECK:         llvm.load {{.+}} -> vector<8xf32>
// CHECK:         llvm.store {{.+}} : vector<8xf32>

// CHECK:       llvm.func internal @copy_entry(
// CHECK-COUNT-2: llvm.load {{.+}} -> !llvm.ptr
// CHECK:         llvm.call @copy(

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 8, vector_registers = 16, l2 = 1048576>
module attributes {cnn.target = #target, cnn.layers = ["first", "second"],
    cnn.inputs = [{name = "x", type = tensor<8xf32>}], cnn.outputs = [{name = "y", type = tensor<8xf32>}],
    cnn.arena_size = 256 : i64, cnn.weights_size = 64 : i64, cnn.weights = []} {
  func.func @main(%arena: memref<256xi8>, %weights: memref<64xi8>, %x: memref<8xf32>, %y: memref<8xf32>) {
    %c64 = arith.constant 64 : index
    %t = memref.view %arena[%c64][] : memref<256xi8> to memref<8xf32>
    cnn.launch @copy tasks(2) (%x, %t) : memref<8xf32>, memref<8xf32> loc("first")
    cnn.launch @copy tasks(1) (%t, %y) : memref<8xf32>, memref<8xf32> loc("second")
    return
  }
  func.func private @copy(%begin: index, %end: index, %from: memref<8xf32>, %to: memref<8xf32>) {
    %c0 = arith.constant 0 : index
    %v = vector.load %from[%c0] : memref<8xf32>, vector<8xf32>
    vector.store %v, %to[%c0] : memref<8xf32>, vector<8xf32>
    return
  }
}

// -----

// A launch of a GPU kernel passes the number of the kernel. Layers are numbered in the order of the
// launches. The kernels do not change.
// CHECK-LABEL: llvm.func internal @convoy_main(
// CHECK-SAME:    %[[RT:[a-z0-9]+]]: !llvm.ptr
// CHECK:         %[[NUMBER:.+]] = llvm.mlir.constant(1 : i32)
// CHECK-NEXT:    %[[NONE:.+]] = llvm.mlir.zero : !llvm.ptr
// CHECK:         %[[SHARED:.+]] = llvm.mlir.constant(0 : i32)
// CHECK:         %[[COUNT:.+]] = llvm.mlir.constant(2 : i32)
// CHECK-NEXT:    %[[MAPS:.+]] = llvm.mlir.constant(0 : i32)
// CHECK-NEXT:    llvm.call @convoy_rt_launch_kernel(%[[RT]], %[[NUMBER]], %[[NONE]], %{{.+}}, %[[SHARED]], %{{.+}}, %[[COUNT]], %[[MAPS]])
// CHECK-NEXT:    %[[LAYER:.+]] = llvm.mlir.constant(0 : i32)
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[LAYER]])
// CHECK:         %[[FIRST:.+]] = llvm.mlir.constant(0 : i32)
// CHECK:         llvm.call @convoy_rt_launch_kernel(%[[RT]], %[[FIRST]],
// CHECK-NEXT:    %[[NEXT:.+]] = llvm.mlir.constant(1 : i32)
// CHECK-NEXT:    llvm.call @convoy_rt_layer_done(%[[RT]], %[[NEXT]])
// CHECK:       gpu.module @kernels
// CHECK:         arith.constant

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [80]>>
module attributes {gpu.container_module, cnn.target = #target, cnn.layers = ["first", "second"],
    cnn.inputs = [{name = "x", type = tensor<8xf32>}], cnn.outputs = [{name = "y", type = tensor<8xf32>}],
    cnn.arena_size = 256 : i64, cnn.weights_size = 64 : i64, cnn.weights = []} {
  func.func @main(%arena: memref<256xi8>, %weights: memref<64xi8>, %x: memref<8xf32>, %y: memref<8xf32>) {
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    gpu.launch_func @kernels::@k1 blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%x : memref<8xf32>, %arena : memref<256xi8>)
    gpu.launch_func @kernels::@k0 blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1) args(%y : memref<8xf32>)
    return
  }
  gpu.module @kernels {
    gpu.func @k0(%x: memref<8xf32>) kernel {
      %c0 = arith.constant 0 : index
      gpu.return
    }
    gpu.func @k1(%x: memref<8xf32>, %s: memref<256xi8>) kernel {
      gpu.return
    }
  }
}

// -----

// A launch of an emulated kernel passes the function, the bytes of its shared memory and the number of the
// layer instead. The entry passes the thread's shared memory on. The buffers may overlap. A number is passed
// in the place of a pointer.
// CHECK-LABEL: llvm.func internal @convoy_main(
// CHECK:         %[[ROUND:.+]] = llvm.mlir.constant(3 : index) : i64
// CHECK:         %[[PLACE:.+]] = llvm.inttoptr %[[ROUND]] : i64 to !llvm.ptr
// CHECK:         llvm.store %[[PLACE]]
// CHECK:         %[[LAYER:.+]] = llvm.mlir.constant(0 : i32)
// CHECK-NEXT:    %[[ENTRY:.+]] = llvm.mlir.addressof @k_entry
// CHECK:         %[[SHARED:.+]] = llvm.mlir.constant(48 : i32)
// CHECK:         llvm.call @convoy_rt_launch_kernel(%{{.+}}, %[[LAYER]], %[[ENTRY]], %{{.+}}, %[[SHARED]],
// CHECK-NOT:   gpu.module
// CHECK:       llvm.func internal @k(
// CHECK-NOT:     noalias
// CHECK:       llvm.func internal @k_entry(%[[THREAD:[^ ]+]]: !llvm.ptr {{.*}}%[[ARGS:[^ ]+]]: !llvm.ptr
// CHECK:         %[[FIELD:.+]] = llvm.getelementptr %[[THREAD]][56]
// CHECK-NEXT:    %[[MEMORY:.+]] = llvm.load %[[FIELD]]
// CHECK:         %[[X:.+]] = llvm.load %{{.+}} -> !llvm.ptr
// CHECK:         %[[PLACE:.+]] = llvm.load %{{.+}} -> !llvm.ptr
// CHECK-NEXT:    %[[ROUND:.+]] = llvm.ptrtoint %[[PLACE]] : !llvm.ptr to i64
// CHECK-NEXT:    llvm.call @k(%[[THREAD]], %[[MEMORY]], %[[X]], %[[ROUND]])

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <emulator, [80]>>
module attributes {gpu.container_module, cnn.target = #target, cnn.layers = ["first"],
    cnn.inputs = [{name = "x", type = tensor<8xf32>}], cnn.outputs = [{name = "y", type = tensor<8xf32>}],
    cnn.arena_size = 256 : i64, cnn.weights_size = 64 : i64, cnn.weights = []} {
  func.func @main(%arena: memref<256xi8>, %weights: memref<64xi8>, %x: memref<8xf32>, %y: memref<8xf32>) {
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    gpu.launch_func @kernels::@k blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1)
        args(%x : memref<8xf32>, %c3 : index) {cnn.emulated = @k, cnn.shared_bytes = 48 : i64}
    return
  }
  gpu.module @kernels {
    gpu.func @k(%x: memref<8xf32>, %round: index) kernel {
      gpu.return
    }
  }
  func.func private @k(%thread: !llvm.ptr, %shared: memref<48xi8>, %x: memref<8xf32>, %round: index) attributes {cnn.emulated} {
    return
  }
}

// -----

// A tensor map is a structure on the stack, whose pointer is the last argument. Its last field is the
// distance between images: here 48, although an image has 16 elements.
// CHECK-LABEL: llvm.func internal @convoy_main(
// CHECK:         %[[MAP:.+]] = llvm.alloca %{{.+}} x i8 {alignment = 8 : i64}
// CHECK:         %[[SHARED:.+]] = llvm.mlir.constant(70000 : i32)
// CHECK:         llvm.store %{{.+}}, %[[MAP]] : !llvm.ptr, !llvm.ptr
// CHECK:         %[[REST:.+]] = llvm.getelementptr %[[MAP]][8]
// CHECK:         %[[FIELDS:.+]] = llvm.mlir.constant(dense<[4, 2, 64, 16, 2, 1, 1, 1, 16, 1, 1, 1, 1, 1, 2, 1, 1, 1, 48]> : vector<19xi32>)
// CHECK-NEXT:    llvm.store %[[FIELDS]], %[[REST]] {alignment = 4 : i64}
// CHECK:         %[[SLOT:.+]] = llvm.getelementptr %{{.+}}[1]
// CHECK-NEXT:    llvm.store %[[MAP]], %[[SLOT]]
// CHECK:         %[[MAPS:.+]] = llvm.mlir.constant(1 : i32)
// CHECK-NEXT:    llvm.call @convoy_rt_launch_kernel({{.*}}%[[SHARED]], %{{.+}}, %[[MAPS]])

#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 16,
    vector_registers = 16, l2 = 1048576, gpu = <cuda, [90], arch_specific = true>, precision = tf32>
module attributes {gpu.container_module, cnn.target = #target, cnn.layers = ["one"],
    cnn.inputs = [{name = "x", type = tensor<32xf32>}], cnn.outputs = [], cnn.arena_size = 256 : i64,
    cnn.weights_size = 64 : i64, cnn.weights = []} {
  func.func @main(%arena: memref<256xi8>, %weights: memref<64xi8>, %x: memref<32xf32>) {
    %c1 = arith.constant 1 : index
    %bytes = arith.constant 70000 : i32
    %c0 = arith.constant 0 : index
    %a = memref.view %arena[%c0][] : memref<256xi8> to memref<64xf32>
    %images = memref.reinterpret_cast %a to offset: [0], sizes: [2, 16], strides: [48, 1]
        : memref<64xf32> to memref<2x16xf32, strided<[48, 1]>>
    %map = cnn.tensor_map %images {sizes = array<i64: 16, 2>, box = array<i64: 16, 1>, steps = array<i64: 1, 2>,
        swizzle = 64 : i64} : memref<2x16xf32, strided<[48, 1]>> -> !llvm.ptr
    gpu.launch_func @kernels::@k blocks in (%c1, %c1, %c1) threads in (%c1, %c1,
        %c1) dynamic_shared_memory_size %bytes args(%x : memref<32xf32>, %map : !llvm.ptr)
    return
  }
  gpu.module @kernels {
    gpu.func @k(%x: memref<32xf32>, %map: !llvm.ptr) kernel {
      gpu.return
    }
  }
}

// -----

// A loop with a limit: at the end of an iteration, the runtime gets the condition's memory and the number of the next iteration.
// CHECK-LABEL: llvm.func internal @convoy_main(
// CHECK:         %[[N:.+]] = llvm.load %{{.+}} -> i64
// CHECK:         %[[LIMIT:.+]] = llvm.mlir.constant(9 : i64)
// CHECK-NEXT:    llvm.call @convoy_rt_limit_loop({{.+}}, %[[N]], %[[LIMIT]]) : (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64, i64) -> ()
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 8, vector_registers = 16, l2 = 1048576>
module attributes {cnn.target = #target, cnn.layers = [], cnn.inputs = [], cnn.outputs = [],
    cnn.arena_size = 128 : i64, cnn.weights_size = 0 : i64, cnn.weights = []} {
  func.func @main(%arena: memref<128xi8>, %weights: memref<0xi8>) {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %go = memref.view %arena[%c0][] : memref<128xi8> to memref<i1>
    %n = memref.view %arena[%c64][] : memref<128xi8> to memref<i64>
    cnn.limit_loop %n outs(%go) {limit = 9 : i64} : (memref<i64>, memref<i1>) -> ()
    return
  }
}

// -----

// Integers that are checked: the node's name, where they are and where they go, how many, their bytes, and the range.
// CHECK:       llvm.mlir.global internal constant @convoy_node.lengths("lengths\00")
// CHECK-LABEL: llvm.func internal @convoy_main(
// CHECK-DAG:     %[[NAME:.+]] = llvm.getelementptr %{{.+}}[0, 0]
// CHECK-DAG:     %[[COUNT:.+]] = llvm.mlir.constant(3 : i64)
// CHECK-DAG:     %[[BYTES:.+]] = llvm.mlir.constant(4 : i64)
// CHECK-DAG:     %[[LEAST:.+]] = llvm.mlir.constant(-5 : i64)
// CHECK-DAG:     %[[MOST:.+]] = llvm.mlir.constant(50 : i64)
// CHECK:         llvm.call @convoy_rt_check_range(%{{.+}}, %[[NAME]], %{{.+}}, %{{.+}}, %[[COUNT]], %[[BYTES]], %[[LEAST]], %[[MOST]])
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 8, vector_registers = 16, l2 = 1048576>
module attributes {cnn.target = #target, cnn.layers = [], cnn.inputs = [], cnn.outputs = [],
    cnn.arena_size = 128 : i64, cnn.weights_size = 0 : i64, cnn.weights = []} {
  func.func @main(%arena: memref<128xi8>, %weights: memref<0xi8>) {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %x = memref.view %arena[%c0][] : memref<128xi8> to memref<3xi32>
    %y = memref.view %arena[%c64][] : memref<128xi8> to memref<3xi32>
    cnn.check_range %x outs(%y) {minimum = -5 : i64, maximum = 50 : i64} : (memref<3xi32>, memref<3xi32>) -> () loc("lengths")
    return
  }
}

// -----

// A number that is rounded to an integer is converted by one instruction.
// CHECK-LABEL: llvm.func internal @round(
// CHECK:         %[[X:.+]] = llvm.load
// CHECK-NOT:     llvm.fptosi
// CHECK:         llvm.intr.lrint(%[[X]]) : (vector<8xf32>) -> vector<8xi32>
// CHECK-NOT:     llvm.fptosi
// CHECK:         llvm.return
#target = #cnn.target<triple = "x86_64-linux-gnu", cpu = "x86-64-v3", features = "", vector_lanes = 8, vector_registers = 16, l2 = 1048576>
module attributes {cnn.target = #target, cnn.layers = ["first"], cnn.inputs = [], cnn.outputs = [],
    cnn.arena_size = 128 : i64, cnn.weights_size = 0 : i64, cnn.weights = []} {
  func.func @main(%arena: memref<128xi8>, %weights: memref<0xi8>) {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %x = memref.view %arena[%c0][] : memref<128xi8> to memref<8xf32>
    %y = memref.view %arena[%c64][] : memref<128xi8> to memref<8xi32>
    cnn.launch @round tasks(1) (%x, %y) : memref<8xf32>, memref<8xi32> loc("first")
    return
  }
  func.func private @round(%begin: index, %end: index, %x: memref<8xf32>, %y: memref<8xi32>) {
    %c0 = arith.constant 0 : index
    %0 = vector.load %x[%c0] : memref<8xf32>, vector<8xf32>
    %1 = math.roundeven %0 : vector<8xf32>
    %2 = arith.fptosi %1 : vector<8xf32> to vector<8xi32>
    vector.store %2, %y[%c0] : memref<8xi32>, vector<8xi32>
    return
  }
}
