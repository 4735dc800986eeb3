// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-plan-memory --split-input-file --verify-diagnostics | FileCheck %s

// What is written before a loop and read in it (w) is alive until the loop ends: no buffer of the body may have its memory,
// though the operations that write them follow the one that reads w. Buffers of an iteration share memory. The variable (v)
// is read before it is written, so the copy at the end of an iteration stays; the one after the loop does not.
// CHECK-LABEL: module attributes {cnn.arena_size = 384 : i64
// CHECK-SAME:    {{.+}}
// CHECK:       func.func @main(%{{.+}}: memref<384xi8>, %{{.+}}: memref<0xi8>, %[[X:.+]]: memref<32xf32>, %{{.+}}: memref<i1>,
// CHECK-SAME:    %[[Y:.+]]: memref<32xf32>)
// CHECK:         cnn.softmax %[[X]] outs(%[[W:.+]]) {axis = 0
// CHECK:         memref.copy %[[X]], %[[Y]]
// CHECK:         scf.while
// CHECK:           memref.load
// CHECK:         } do {
// CHECK-NEXT:      cnn.binary <add> %[[Y]], %[[W]] outs(%[[B:.+]]) : {{.+}}
// CHECK-NEXT:      cnn.softmax %[[B]] outs(%[[C:.+]]) {axis = 0
// CHECK-NEXT:      cnn.softmax %[[C]] outs(%[[B]]) {axis = 0
// CHECK-NEXT:      memref.copy %[[B]], %[[Y]]
// CHECK-NEXT:      scf.yield
// CHECK-NEXT:    }
// CHECK-NEXT:    return
module {
// expected-remark @below {{arena of 384 bytes, at least 384 are alive at once}}
func.func @main(%x: memref<32xf32>, %go: memref<i1>, %y: memref<32xf32>) {
  %w = memref.alloc() : memref<32xf32>
  %v = memref.alloc() : memref<32xf32>
  cnn.softmax %x outs(%w) {axis = 0 : i64} : (memref<32xf32>, memref<32xf32>) -> ()
  memref.copy %x, %v : memref<32xf32> to memref<32xf32>
  scf.while : () -> () {
    %0 = memref.load %go[] : memref<i1>
    scf.condition(%0)
  } do {
    %b = memref.alloc() : memref<32xf32>
    %c = memref.alloc() : memref<32xf32>
    %d = memref.alloc() : memref<32xf32>
    cnn.binary <add> %v, %w outs(%b) : (memref<32xf32>, memref<32xf32>, memref<32xf32>) -> ()
    cnn.softmax %b outs(%c) {axis = 0 : i64} : (memref<32xf32>, memref<32xf32>) -> ()
    cnn.softmax %c outs(%d) {axis = 0 : i64} : (memref<32xf32>, memref<32xf32>) -> ()
    memref.copy %d, %v : memref<32xf32> to memref<32xf32>
    scf.yield
  }
  memref.copy %v, %y : memref<32xf32> to memref<32xf32>
  return
}
}
