// RUN: convoy-opt %s --split-input-file --verify-diagnostics \
// RUN:   --pass-pipeline='builtin.module(cnn-set-target{cpu=x86-64-v3}, \
// RUN:   builtin.module(cnn-generate-cpu-kernels),cnn-link-devices,convoy-target)'

module {
  module @device_0 attributes {cnn.arena_size = 512 : i64, cnn.weights_size = 64 : i64, cnn.weights = []} {
    func.func @main(%arena: memref<512xi8>, %weights: memref<64xi8>) {
      %c0 = arith.constant 0 : index
      %c256 = arith.constant 256 : index
      %a = memref.view %arena[%c0][] : memref<512xi8> to memref<2x4x3xf32>
      %b = memref.view %arena[%c256][] : memref<512xi8> to memref<2x4x3xf32>
      // expected-error @below {{has no communication to bring to its end}}
      cnn.await %a into %b : memref<2x4x3xf32>, memref<2x4x3xf32>
      return
    }
  }
}

// -----

// A release must come after its await.
module {
  module @device_0 attributes {cnn.arena_size = 512 : i64, cnn.weights_size = 64 : i64, cnn.weights = []} {
    func.func @main(%arena: memref<512xi8>, %weights: memref<64xi8>) {
      %c0 = arith.constant 0 : index
      %c256 = arith.constant 256 : index
      %a = memref.view %arena[%c0][] : memref<512xi8> to memref<2x4x3xf32>
      %b = memref.view %arena[%c256][] : memref<512xi8> to memref<2x4x3xf32>
      cnn.all_reduce %a outs(%b) {async, device = 0 : i64, devices = 2 : i64}
        : (memref<2x4x3xf32>, memref<2x4x3xf32>) -> ()
      // expected-error @below {{has no communication to bring to its end}}
      cnn.release %a : memref<2x4x3xf32>
      return
    }
  }
}
