// RUN: convoy-opt %s --cnn-set-target=cpu=x86-64-v3 --cnn-plan-memory --split-input-file --verify-diagnostics | FileCheck %s

// Three buffers of 128 bytes, of which two are alive at once: the third one gets
// the memory of the first. A result never shares memory with an operand.
// CHECK-LABEL: module attributes {cnn.arena_size = 256 : i64, {{.*}}cnn.weights = [], cnn.weights_size = 0 : i64}
// CHECK:       func.func @main(%[[ARENA:.+]]: memref<256xi8>, %[[WEIGHTS:.+]]: memref<0xi8>,
// CHECK-SAME:    %[[X:.+]]: memref<32xf32>, %[[Y:.+]]: memref<32xf32>)
// CHECK:         %[[A:.+]] = memref.view %[[ARENA]][%c0][] : memref<256xi8> to memref<32xf32>
// CHECK:         cnn.softmax %[[X]] outs(%[[A]])
// CHECK:         %[[B:.+]] = memref.view %[[ARENA]][%c128][]
// CHECK:         cnn.softmax %[[A]] outs(%[[B]])
// CHECK:         cnn.softmax %[[B]] outs(%[[A]])
// CHECK:         cnn.softmax %[[A]] outs(%[[Y]])
// CHECK-NOT:     memref.alloc
module {
// expected-remark @below {{arena of 256 bytes, at least 256 are alive at once}}
func.func @main(%x: memref<32xf32>, %y: memref<32xf32>) {
  %a = memref.alloc() : memref<32xf32>
  %b = memref.alloc() : memref<32xf32>
  %c = memref.alloc() : memref<32xf32>
  cnn.softmax %x outs(%a) {axis = 0 : i64} : (memref<32xf32>, memref<32xf32>) -> ()
  cnn.softmax %a outs(%b) {axis = 0 : i64} : (memref<32xf32>, memref<32xf32>) -> ()
  cnn.softmax %b outs(%c) {axis = 0 : i64} : (memref<32xf32>, memref<32xf32>) -> ()
  cnn.softmax %c outs(%y) {axis = 0 : i64} : (memref<32xf32>, memref<32xf32>) -> ()
  return
}
}

// -----

// A view keeps its buffer alive (a is read again through r), and sizes are
// rounded up to 64 bytes. A buffer that is not copied to a result is in the arena.
// CHECK-LABEL: module attributes {cnn.arena_size = 192 : i64
// CHECK:         cnn.softmax %{{.+}} outs(%[[A:.+]]) {axis = 0
// CHECK:         cnn.softmax %{{.+}} outs(%[[B:.+]]) {axis = 0
// CHECK:         %[[R:.+]] = memref.view %{{.+}}[%c0][] : memref<192xi8> to memref<2x3xf32>
// CHECK:         cnn.softmax %[[R]] outs(%{{.+}}) {axis = 1
module {
// expected-remark @below {{arena of 192 bytes, at least 192 are alive at once}}
func.func @main(%x: memref<6xf32>, %y: memref<6xf32>, %z: memref<6xf32>) {
  %a = memref.alloc() : memref<6xf32>
  %b = memref.alloc() : memref<6xf32>
  %c = memref.alloc() : memref<2x3xf32>
  %r = memref.expand_shape %a [[0, 1]] output_shape [2, 3] : memref<6xf32> into memref<2x3xf32>
  %s = memref.collapse_shape %c [[0, 1]] : memref<2x3xf32> into memref<6xf32>
  cnn.softmax %x outs(%a) {axis = 0 : i64} : (memref<6xf32>, memref<6xf32>) -> ()
  cnn.softmax %a outs(%b) {axis = 0 : i64} : (memref<6xf32>, memref<6xf32>) -> ()
  cnn.softmax %r outs(%c) {axis = 1 : i64} : (memref<2x3xf32>, memref<2x3xf32>) -> ()
  cnn.softmax %b outs(%y) {axis = 0 : i64} : (memref<6xf32>, memref<6xf32>) -> ()
  cnn.softmax %s outs(%z) {axis = 0 : i64} : (memref<6xf32>, memref<6xf32>) -> ()
  return
}
}

// -----

// Constants are stored in the order of their readers, equal ones once, at multiples of 64 bytes.
// CHECK-LABEL: module attributes
// CHECK-SAME:    cnn.weights = [
// CHECK-SAME:      {offset = 0 : i64, value = dense<3.000000e+00> : tensor<2xf32>},
// CHECK-SAME:      {offset = 64 : i64, value = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>},
// CHECK-SAME:      {offset = 128 : i64, value = dense<[true, false]> : tensor<2xi1>}],
// CHECK-SAME:    cnn.weights_size = 192 : i64
// CHECK-NOT:     memref.global
// CHECK:         %[[ONE:.+]] = memref.view %arg1[%c0][] : memref<192xi8> to memref<2xf32>
// CHECK:         %[[TWO:.+]] = memref.view %arg1[%c64][] : memref<192xi8> to memref<2xf32>
// CHECK:         cnn.concat %[[ONE]], %[[TWO]], %[[TWO]]
// CHECK:         %[[BOOL:.+]] = memref.view %arg1[%c128][] : memref<192xi8> to memref<2xi1>
// CHECK:         cnn.concat %[[BOOL]], %[[BOOL]]
module {
memref.global "private" constant @a : memref<2xf32> = dense<[1.0, 2.0]>
memref.global "private" constant @b : memref<2xf32> = dense<3.0>
memref.global "private" constant @c : memref<2xf32> = dense<[1.0, 2.0]>
memref.global "private" constant @d : memref<2xi1> = dense<[true, false]>
// expected-remark @below {{arena of 0 bytes}}
func.func @main(%y: memref<6xf32>, %z: memref<4xi1>) {
  %a = memref.get_global @a : memref<2xf32>
  %b = memref.get_global @b : memref<2xf32>
  %c = memref.get_global @c : memref<2xf32>
  %d = memref.get_global @d : memref<2xi1>
  cnn.concat %b, %a, %c outs(%y) {axis = 0 : i64} : (memref<2xf32>, memref<2xf32>, memref<2xf32>, memref<6xf32>) -> ()
  cnn.concat %d, %d outs(%z) {axis = 0 : i64} : (memref<2xi1>, memref<2xi1>, memref<4xi1>) -> ()
  return
}
}

// -----

// A concatenation in place: b is written after a. The second use of b is copied, and so is the
// argument.
// CHECK-LABEL: module attributes {cnn.arena_size = 512 : i64
// CHECK:         %[[A:.+]] = memref.view %arg0[%c0][] : memref<512xi8> to memref<1x32xf32>
// CHECK:         cnn.softmax %arg2 outs(%[[A]])
// CHECK:         %[[B:.+]] = memref.view %arg0[%c128][]
// CHECK:         cnn.softmax %[[A]] outs(%[[B]])
// CHECK:         %[[B2:.+]] = memref.view %arg0[%c256][]
// CHECK:         memref.copy %[[B]], %[[B2]]
// CHECK:         %[[X2:.+]] = memref.view %arg0[%c384][]
// CHECK:         memref.copy %arg2, %[[X2]]
// CHECK-NOT:     cnn.concat
// CHECK:         %[[C:.+]] = memref.view %arg0[%{{.+}}][] : memref<512xi8> to memref<1x128xf32>
// CHECK:         cnn.softmax %[[C]] outs(%arg3)
module {
// expected-remark @below {{arena of 512 bytes, at least 512 are alive at once}}
func.func @main(%x: memref<1x32xf32>, %y: memref<1x128xf32>) {
  %a = memref.alloc() : memref<1x32xf32>
  %b = memref.alloc() : memref<1x32xf32>
  %c = memref.alloc() : memref<1x128xf32>
  cnn.softmax %x outs(%a) {axis = 1 : i64} : (memref<1x32xf32>, memref<1x32xf32>) -> ()
  cnn.softmax %a outs(%b) {axis = 1 : i64} : (memref<1x32xf32>, memref<1x32xf32>) -> ()
  cnn.concat %a, %b, %b, %x outs(%c) {axis = 1 : i64}
      : (memref<1x32xf32>, memref<1x32xf32>, memref<1x32xf32>, memref<1x32xf32>, memref<1x128xf32>) -> ()
  cnn.softmax %c outs(%y) {axis = 1 : i64} : (memref<1x128xf32>, memref<1x128xf32>) -> ()
  return
}
}

// -----

// A dense block: c1 is the start of c2, so that a and b are not copied again.
// CHECK-LABEL: module attributes {cnn.arena_size = 384 : i64
// CHECK:         %[[A:.+]] = memref.view %arg0[%c0][] : memref<384xi8> to memref<1x16xf32>
// CHECK:         cnn.softmax %arg2 outs(%[[A]])
// CHECK:         %[[B:.+]] = memref.view %arg0[%c64][]
// CHECK:         cnn.softmax %[[A]] outs(%[[B]])
// CHECK:         %[[C1:.+]] = memref.view %arg0[%c0][] : memref<384xi8> to memref<1x32xf32>
// CHECK:         %[[P:.+]] = memref.view %arg0[%c128][]
// CHECK:         cnn.softmax %[[C1]] outs(%[[P]])
// CHECK-NOT:     memref.copy
// CHECK-NOT:     cnn.concat
// CHECK:         %[[C2:.+]] = memref.view %arg0[%c0][] : memref<384xi8> to memref<1x64xf32>
// CHECK:         cnn.softmax %[[C2]] outs(%arg3)
module {
// expected-remark @below {{arena of 384 bytes, at least 384 are alive at once}}
func.func @main(%x: memref<1x16xf32>, %y: memref<1x64xf32>, %z: memref<1x32xf32>) {
  %a = memref.alloc() : memref<1x16xf32>
  %b = memref.alloc() : memref<1x16xf32>
  %c1 = memref.alloc() : memref<1x32xf32>
  %p = memref.alloc() : memref<1x32xf32>
  %c2 = memref.alloc() : memref<1x64xf32>
  %t = memref.alloc() : memref<1x32xf32>
  cnn.softmax %x outs(%a) {axis = 1 : i64} : (memref<1x16xf32>, memref<1x16xf32>) -> ()
  cnn.softmax %a outs(%b) {axis = 1 : i64} : (memref<1x16xf32>, memref<1x16xf32>) -> ()
  cnn.concat %a, %b outs(%c1) {axis = 1 : i64} : (memref<1x16xf32>, memref<1x16xf32>, memref<1x32xf32>) -> ()
  cnn.softmax %c1 outs(%p) {axis = 1 : i64} : (memref<1x32xf32>, memref<1x32xf32>) -> ()
  cnn.softmax %c1 outs(%t) {axis = 1 : i64} : (memref<1x32xf32>, memref<1x32xf32>) -> ()
  cnn.concat %a, %b, %p outs(%c2) {axis = 1 : i64} : (memref<1x16xf32>, memref<1x16xf32>, memref<1x32xf32>, memref<1x64xf32>) -> ()
  cnn.softmax %c2 outs(%y) {axis = 1 : i64} : (memref<1x64xf32>, memref<1x64xf32>) -> ()
  cnn.softmax %t outs(%z) {axis = 1 : i64} : (memref<1x32xf32>, memref<1x32xf32>) -> ()
  return
}
}

// -----

// Not in place: results with gaps between them, which softmax cannot write, and a part that is written
// again afterwards.
// CHECK-LABEL: module attributes
// CHECK:         cnn.concat
// CHECK:         cnn.concat
module {
// expected-remark @below {{arena of}}
func.func @main(%x: memref<2x16xf32>, %y: memref<2x32xf32>, %z: memref<4x16xf32>) {
  %a = memref.alloc() : memref<2x16xf32>
  %b = memref.alloc() : memref<2x16xf32>
  %c = memref.alloc() : memref<2x32xf32>
  %d = memref.alloc() : memref<4x16xf32>
  cnn.softmax %x outs(%a) {axis = 1 : i64} : (memref<2x16xf32>, memref<2x16xf32>) -> ()
  cnn.softmax %x outs(%b) {axis = 1 : i64} : (memref<2x16xf32>, memref<2x16xf32>) -> ()
  cnn.concat %a, %b outs(%c) {axis = 1 : i64} : (memref<2x16xf32>, memref<2x16xf32>, memref<2x32xf32>) -> ()
  cnn.concat %a, %b outs(%d) {axis = 0 : i64} : (memref<2x16xf32>, memref<2x16xf32>, memref<4x16xf32>) -> ()
  cnn.softmax %x outs(%a) {axis = 0 : i64} : (memref<2x16xf32>, memref<2x16xf32>) -> ()
  cnn.softmax %x outs(%b) {axis = 0 : i64} : (memref<2x16xf32>, memref<2x16xf32>) -> ()
  cnn.softmax %c outs(%y) {axis = 1 : i64} : (memref<2x32xf32>, memref<2x32xf32>) -> ()
  cnn.softmax %d outs(%z) {axis = 1 : i64} : (memref<4x16xf32>, memref<4x16xf32>) -> ()
  return
}
}

// -----

// Two images: a and b follow each other in each image of c, and so in d, the start of c. The result of the
// softmax is copied, because a softmax cannot write images with gaps between them. The sum e is in the
// buffer of its residual b.
// CHECK-LABEL: module attributes {cnn.arena_size = 1024 : i64
// CHECK:         %[[AT:.+]] = memref.view %arg0[%c0][] : memref<1024xi8> to memref<128xf32>
// CHECK:         %[[A:.+]] = memref.reinterpret_cast %[[AT]] to offset: [0], sizes: [2, 1, 1, 2, 16], strides: [96, 32, 32, 16, 1]
// CHECK:         cnn.max_pool %arg2 outs(%[[A]])
// CHECK:         %[[BT:.+]] = memref.view %arg0[%c128][]
// CHECK:         %[[B:.+]] = memref.reinterpret_cast %[[BT]] to offset: [0], sizes: [2, 1, 1, 2, 16], strides: [96, 32, 32, 16, 1]
// CHECK:         cnn.max_pool %[[A]] outs(%[[B]])
// CHECK:         %[[DT:.+]] = memref.view %arg0[%c0][] : memref<1024xi8> to memref<160xf32>
// CHECK:         %[[D:.+]] = memref.reinterpret_cast %[[DT]] to offset: [0], sizes: [2, 2, 1, 2, 16], strides: [96, 32, 32, 16, 1]
// CHECK:         cnn.max_pool %[[D]] outs(%arg5)
// CHECK:         cnn.softmax %arg2 outs(%[[P:.+]]) {axis
// CHECK-NOT:     cnn.concat
// CHECK:         memref.copy %[[P]], %{{.+}} : memref<2x1x1x2x16xf32> to memref<2x1x1x2x16xf32, strided<[96, 32, 32, 16, 1]>>
// CHECK:         %[[C:.+]] = memref.view %arg0[%c0][] : memref<1024xi8> to memref<2x3x1x2x16xf32>
// CHECK:         cnn.softmax %[[C]] outs(%arg4)
// CHECK:         cnn.conv %arg2, %arg3 residual(%[[B]]) outs(%[[B]]) {
// CHECK:         cnn.max_pool %[[B]] outs(%arg6)
module {
// expected-remark @below {{arena of 1024 bytes, at least 1024 are alive at once}}
func.func @main(%x: memref<2x1x1x2x16xf32>, %w: memref<1x1x1x1x1x16x16xf32>, %y: memref<2x3x1x2x16xf32>,
    %z: memref<2x2x1x2x16xf32>, %s: memref<2x1x1x2x16xf32>) {
  %a = memref.alloc() : memref<2x1x1x2x16xf32>
  %b = memref.alloc() : memref<2x1x1x2x16xf32>
  %e = memref.alloc() : memref<2x1x1x2x16xf32>
  %d = memref.alloc() : memref<2x2x1x2x16xf32>
  %p = memref.alloc() : memref<2x1x1x2x16xf32>
  %c = memref.alloc() : memref<2x3x1x2x16xf32>
  cnn.max_pool %x outs(%a) {window = #cnn.window<[1, 1]>} : (memref<2x1x1x2x16xf32>, memref<2x1x1x2x16xf32>) -> ()
  cnn.max_pool %a outs(%b) {window = #cnn.window<[1, 1]>} : (memref<2x1x1x2x16xf32>, memref<2x1x1x2x16xf32>) -> ()
  cnn.concat %a, %b outs(%d) {axis = 1 : i64} : (memref<2x1x1x2x16xf32>, memref<2x1x1x2x16xf32>, memref<2x2x1x2x16xf32>) -> ()
  cnn.max_pool %d outs(%z) {window = #cnn.window<[1, 1]>} : (memref<2x2x1x2x16xf32>, memref<2x2x1x2x16xf32>) -> ()
  cnn.softmax %x outs(%p) {axis = 4 : i64} : (memref<2x1x1x2x16xf32>, memref<2x1x1x2x16xf32>) -> ()
  cnn.concat %a, %b, %p outs(%c) {axis = 1 : i64}
      : (memref<2x1x1x2x16xf32>, memref<2x1x1x2x16xf32>, memref<2x1x1x2x16xf32>, memref<2x3x1x2x16xf32>) -> ()
  cnn.softmax %c outs(%y) {axis = 4 : i64} : (memref<2x3x1x2x16xf32>, memref<2x3x1x2x16xf32>) -> ()
  cnn.conv %x, %w residual(%b) outs(%e)
      {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<2x1x1x2x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<2x1x1x2x16xf32>, memref<2x1x1x2x16xf32>) -> ()
  cnn.max_pool %e outs(%s) {window = #cnn.window<[1, 1]>} : (memref<2x1x1x2x16xf32>, memref<2x1x1x2x16xf32>) -> ()
  return
}
}

// -----

// A buffer that is copied to a result is written there, even if its shape differs; but not if another
// operation writes this result first.
// CHECK-LABEL: module attributes {cnn.arena_size = 64 : i64
// CHECK:         %[[R:.+]] = memref.reinterpret_cast %arg3 to offset: [0], sizes: [2, 4], strides: [4, 1]
// CHECK-SAME:      : memref<8xf32> to memref<2x4xf32>
// CHECK:         cnn.softmax %arg2 outs(%[[R]])
// CHECK:         cnn.softmax %arg2 outs(%[[B:.+]]) {axis = 0
// CHECK:         cnn.softmax %[[B]] outs(%arg4)
// CHECK:         memref.copy %[[B]], %arg4
module {
// expected-remark @below {{arena of 64 bytes}}
func.func @main(%x: memref<2x4xf32>, %y: memref<8xf32>, %z: memref<2x4xf32>) {
  %a = memref.alloc() : memref<2x4xf32>
  %b = memref.alloc() : memref<2x4xf32>
  %r = memref.collapse_shape %a [[0, 1]] : memref<2x4xf32> into memref<8xf32>
  cnn.softmax %x outs(%a) {axis = 1 : i64} : (memref<2x4xf32>, memref<2x4xf32>) -> ()
  cnn.softmax %x outs(%b) {axis = 0 : i64} : (memref<2x4xf32>, memref<2x4xf32>) -> ()
  cnn.softmax %b outs(%z) {axis = 1 : i64} : (memref<2x4xf32>, memref<2x4xf32>) -> ()
  memref.copy %r, %y : memref<8xf32> to memref<8xf32>
  memref.copy %b, %z : memref<2x4xf32> to memref<2x4xf32>
  return
}
}

// -----

// A slice without gaps becomes a view with the identity layout at 3 * 16 bytes. A slice with gaps has
// strides, and the view has its offset.
// CHECK-LABEL: module attributes
// CHECK:         %[[ROW:.+]] = memref.view %arg0[%c48][] : memref<{{.+}}xi8> to memref<1x4xf32>
// CHECK:         cnn.softmax %[[ROW]] outs(%arg3)
// CHECK:         %[[BASE:.+]] = memref.view %arg0[%c8][] : memref<{{.+}}xi8> to memref<14xf32>
// CHECK:         %[[COLUMNS:.+]] = memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [4, 2], strides: [4, 1]
// CHECK-SAME:      : memref<14xf32> to memref<4x2xf32, strided<[4, 1]>>
// CHECK:         memref.copy %[[COLUMNS]], %arg4
module {
// expected-remark @below {{arena of 64 bytes}}
func.func @main(%x: memref<4x4xf32>, %y: memref<1x4xf32>, %z: memref<4x2xf32>) {
  %a = memref.alloc() : memref<4x4xf32>
  %row = memref.subview %a[3, 0] [1, 4] [1, 1] : memref<4x4xf32> to memref<1x4xf32, strided<[4, 1], offset: 12>>
  %columns = memref.subview %a[0, 2] [4, 2] [1, 1] : memref<4x4xf32> to memref<4x2xf32, strided<[4, 1], offset: 2>>
  cnn.softmax %x outs(%a) {axis = 1 : i64} : (memref<4x4xf32>, memref<4x4xf32>) -> ()
  cnn.softmax %row outs(%y) {axis = 1 : i64} : (memref<1x4xf32, strided<[4, 1], offset: 12>>, memref<1x4xf32>) -> ()
  memref.copy %columns, %z : memref<4x2xf32, strided<[4, 1], offset: 2>> to memref<4x2xf32>
  return
}
}

// -----

// An output that is a concatenation: only its first part is written in place, because a kernel can get the
// whole of an argument or its start, and nothing else.
// CHECK-LABEL: module attributes
// CHECK:         %[[START:.+]] = memref.reinterpret_cast %arg3 to offset: [0], sizes: [1, 2, 4]{{.*}} to memref<1x2x4xf32>
// CHECK:         cnn.softmax %arg2 outs(%[[START]])
// CHECK:         %[[REST:.+]] = memref.view %arg0
// CHECK:         cnn.softmax %arg2 outs(%[[REST]])
// CHECK:         memref.copy %[[REST]], %{{.+}} : memref<1x2x4xf32> to memref<1x2x4xf32, strided<[16, 4, 1], offset: 8>>
module {
// expected-remark @below {{arena of 64 bytes}}
func.func @main(%x: memref<1x2x4xf32>, %y: memref<1x4x4xf32>) {
  %a = memref.alloc() : memref<1x2x4xf32>
  %b = memref.alloc() : memref<1x2x4xf32>
  %c = memref.alloc() : memref<1x4x4xf32>
  cnn.softmax %x outs(%a) {axis = 2 : i64} : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  cnn.softmax %x outs(%b) {axis = 1 : i64} : (memref<1x2x4xf32>, memref<1x2x4xf32>) -> ()
  cnn.concat %a, %b outs(%c) {axis = 1 : i64} : (memref<1x2x4xf32>, memref<1x2x4xf32>, memref<1x4x4xf32>) -> ()
  memref.copy %c, %y : memref<1x4x4xf32> to memref<1x4x4xf32>
  return
}
}

// -----

// Branches: buffers of different branches share memory. Each branch computes its result in place, but %s, which is read after the
// branches, is copied.
// CHECK-LABEL: module attributes {cnn.arena_size = 192 : i64
// CHECK:         cnn.softmax %{{.+}} outs(%[[S:[a-z0-9_]+]]) {axis
// CHECK:         scf.if %{{.+}} {
// CHECK-NEXT:      cnn.softmax %[[X:[a-z0-9_]+]] outs(%[[T:[a-z0-9_]+]]) {axis
// CHECK-NEXT:      cnn.softmax %[[T]] outs(%[[R:[a-z0-9_]+]]) {axis
// CHECK-NEXT:    } else {
// CHECK-NEXT:      memref.copy %[[S]], %[[R]]
// CHECK-NEXT:    }
// CHECK-NEXT:    scf.if %{{.+}} {
// CHECK-NEXT:      cnn.softmax %[[X]] outs(%[[U:[a-z0-9_]+]]) {axis
// CHECK-NEXT:      cnn.softmax %[[U]] outs(%[[Y:[a-z0-9_]+]]) {axis
// CHECK-NEXT:    } else {
// CHECK-NEXT:      cnn.softmax %[[R]] outs(%[[U]]) {axis
// CHECK-NEXT:      cnn.softmax %[[U]] outs(%[[Y]]) {axis
module {
// expected-remark @below {{arena of 192 bytes, at least 192 are alive at once}}
func.func @main(%x: memref<16xf32>, %c: memref<i1>, %y: memref<16xf32>, %z: memref<16xf32>) {
  %s = memref.alloc() : memref<16xf32>
  %t = memref.alloc() : memref<16xf32>
  %t1 = memref.alloc() : memref<16xf32>
  %r = memref.alloc() : memref<16xf32>
  %u = memref.alloc() : memref<16xf32>
  %u1 = memref.alloc() : memref<16xf32>
  %v = memref.alloc() : memref<16xf32>
  %v1 = memref.alloc() : memref<16xf32>
  %w = memref.alloc() : memref<16xf32>
  cnn.softmax %x outs(%s) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
  %c0 = memref.load %c[] : memref<i1>
  scf.if %c0 {
    cnn.softmax %x outs(%t) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
    cnn.softmax %t outs(%t1) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
    memref.copy %t1, %r : memref<16xf32> to memref<16xf32>
  } else {
    memref.copy %s, %r : memref<16xf32> to memref<16xf32>
  }
  scf.if %c0 {
    cnn.softmax %x outs(%u) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
    cnn.softmax %u outs(%u1) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
    memref.copy %u1, %w : memref<16xf32> to memref<16xf32>
  } else {
    cnn.softmax %r outs(%v) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
    cnn.softmax %v outs(%v1) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
    memref.copy %v1, %w : memref<16xf32> to memref<16xf32>
  }
  memref.copy %w, %y : memref<16xf32> to memref<16xf32>
  cnn.softmax %s outs(%z) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
  return
}
}

// -----

// expected-error @below {{needs a function @main of one block without results}}
module {
func.func @other() {
  return
}
}

// -----

// From the start of an exchange until its release, nothing else uses the memory of its buffers. So four
// buffers are alive at once; three would do if an exchange ended with the await.
// CHECK-LABEL: module attributes {cnn.arena_size = 256 : i64
// CHECK:         cnn.all_reduce %[[A:.+]] outs(%[[B:.+]]) {async
// CHECK:         cnn.softmax %{{.+}} outs(%[[C:.+]]) {axis
// CHECK:         cnn.await %[[A]] into %[[B]]
// CHECK:         cnn.softmax %[[C]] outs(%[[D:.+]]) {axis
// CHECK:         cnn.release %[[A]], %[[B]]
module {
// expected-remark @below {{arena of 256 bytes, at least 256 are alive at once}}
func.func @main(%x: memref<16xf32>, %y: memref<16xf32>, %z: memref<16xf32>) {
  %a = memref.alloc() : memref<16xf32>
  %b = memref.alloc() : memref<16xf32>
  %c = memref.alloc() : memref<16xf32>
  %d = memref.alloc() : memref<16xf32>
  cnn.softmax %x outs(%a) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
  cnn.all_reduce %a outs(%b) {async, device = 0 : i64, devices = 2 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
  cnn.softmax %x outs(%c) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
  cnn.await %a into %b : memref<16xf32>, memref<16xf32>
  cnn.softmax %b outs(%y) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
  cnn.softmax %c outs(%d) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
  cnn.release %a, %b : memref<16xf32>, memref<16xf32>
  cnn.softmax %d outs(%z) {axis = 0 : i64} : (memref<16xf32>, memref<16xf32>) -> ()
  return
}
}

// -----

// A sum is in the buffer of its residual if nothing reads the residual later: the second convolution is the
// last reader of %b. The residual of the first is read again; the residual of the third is its input, too.
// CHECK-LABEL: module attributes {cnn.arena_size = 2048 : i64
// CHECK:         cnn.softmax %arg2 outs(%[[A:.+]]) {axis
// CHECK:         cnn.conv %arg2, %arg3 residual(%[[A]]) outs(%[[B:.+]]) {
// CHECK:         cnn.conv %[[A]], %arg3 residual(%[[B]]) outs(%[[B]]) {
// CHECK:         cnn.conv %[[B]], %arg3 residual(%[[B]]) outs(%[[A]]) {
// CHECK:         cnn.softmax %[[A]] outs(%arg4)
module {
// expected-remark @below {{arena of 2048 bytes, at least 2048 are alive at once}}
func.func @main(%x: memref<1x1x4x4x16xf32>, %w: memref<1x1x1x1x1x16x16xf32>, %y: memref<1x1x4x4x16xf32>) {
  %a = memref.alloc() : memref<1x1x4x4x16xf32>
  %b = memref.alloc() : memref<1x1x4x4x16xf32>
  %c = memref.alloc() : memref<1x1x4x4x16xf32>
  %d = memref.alloc() : memref<1x1x4x4x16xf32>
  cnn.softmax %x outs(%a) {axis = 2 : i64} : (memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  cnn.conv %x, %w residual(%a) outs(%b)
      {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<1x1x4x4x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  cnn.conv %a, %w residual(%b) outs(%c)
      {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<1x1x4x4x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  cnn.conv %c, %w residual(%c) outs(%d)
      {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<1x1x4x4x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  cnn.softmax %d outs(%y) {axis = 2 : i64} : (memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  return
}
}

// -----

// The residual cannot be overwritten: its exchange is under way until it is released.
// CHECK-LABEL: module attributes {cnn.arena_size = 3072 : i64
// CHECK:         cnn.conv %arg2, %arg3 residual(%[[A:.+]]) outs(%[[C:.+]]) {
// CHECK:         cnn.release %[[A]],
// CHECK:         cnn.softmax %[[C]] outs(%arg4)
module {
// expected-remark @below {{arena of 3072 bytes}}
func.func @main(%x: memref<1x1x4x4x16xf32>, %w: memref<1x1x1x1x1x16x16xf32>, %y: memref<1x1x4x4x16xf32>) {
  %a = memref.alloc() : memref<1x1x4x4x16xf32>
  %b = memref.alloc() : memref<1x1x4x4x16xf32>
  %c = memref.alloc() : memref<1x1x4x4x16xf32>
  cnn.softmax %x outs(%a) {axis = 2 : i64} : (memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  cnn.all_reduce %a outs(%b) {async, device = 0 : i64, devices = 2 : i64} : (memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  cnn.conv %x, %w residual(%a) outs(%c)
      {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<1x1x4x4x16xf32>, memref<1x1x1x1x1x16x16xf32>, memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  cnn.await %a into %b : memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>
  cnn.release %a, %b : memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>
  cnn.softmax %c outs(%y) {axis = 2 : i64} : (memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  return
}
}

// -----

// A result of f32 does not fit into the buffer of a residual of f16.
// CHECK-LABEL: module attributes {cnn.arena_size = 1536 : i64
// CHECK:         cnn.conv %arg2, %arg3 residual(%[[A:.+]]) outs(%[[B:.+]]) {
// CHECK-NOT:     residual(%[[B]])
// CHECK:         cnn.softmax %[[B]] outs(%arg4)
module {
// expected-remark @below {{arena of 1536 bytes}}
func.func @main(%x: memref<1x1x4x4x16xf16>, %w: memref<1x1x1x1x1x16x16xf16>, %y: memref<1x1x4x4x16xf32>) {
  %a = memref.alloc() : memref<1x1x4x4x16xf16>
  %b = memref.alloc() : memref<1x1x4x4x16xf32>
  cnn.softmax %x outs(%a) {axis = 2 : i64} : (memref<1x1x4x4x16xf16>, memref<1x1x4x4x16xf16>) -> ()
  cnn.conv %x, %w residual(%a) outs(%b)
      {filter_shape = array<i64: 16, 16, 1, 1>, output_block = 16 : i64, window = #cnn.window<[1, 1]>}
      : (memref<1x1x4x4x16xf16>, memref<1x1x1x1x1x16x16xf16>, memref<1x1x4x4x16xf16>, memref<1x1x4x4x16xf32>) -> ()
  cnn.softmax %b outs(%y) {axis = 2 : i64} : (memref<1x1x4x4x16xf32>, memref<1x1x4x4x16xf32>) -> ()
  return
}
}
