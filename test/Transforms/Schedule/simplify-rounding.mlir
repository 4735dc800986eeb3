// RUN: convoy-opt %s --cnn-simplify-rounding | FileCheck %s
// RUN: convoy-opt %s --pass-pipeline='builtin.module(func.func(cnn-simplify-rounding),%to-llvm)' | %run-main \
// RUN:   | FileCheck %s --check-prefix=NUMBERS
// RUN: convoy-opt %s --pass-pipeline='builtin.module(%to-llvm)' | %run-main | FileCheck %s --check-prefix=NUMBERS

#id = affine_map<(d0) -> (d0)>

func.func private @printMemrefF32(%x: tensor<*xf32>)
func.func private @printMemrefI32(%x: tensor<*xi32>)

// Limits that let every rounded number be a ui8 of zero point 0: the rounded number is the result.
// CHECK-LABEL: func.func @unsigned(
// CHECK:         %[[R:.+]] = math.roundeven
// CHECK-NOT:     arith.{{fptosi|trunci|extui|sitofp|addf}}
// CHECK:         linalg.yield %[[R]]
func.func @unsigned(%x: tensor<6xf32>) -> tensor<6xf32> {
  %low = arith.constant 0.0 : f32
  %high = arith.constant 255.0 : f32
  %init = tensor.empty() : tensor<6xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<6xf32>) outs(%init : tensor<6xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c0 = arith.cmpf olt, %low, %in : f32
    %1 = arith.select %c0, %in, %low : f32
    %c1 = arith.cmpf olt, %1, %high : f32
    %2 = arith.select %c1, %1, %high : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.fptosi %3 : f32 to i32
    %5 = arith.trunci %4 : i32 to i8
    %6 = arith.extui %5 : i8 to i32
    %7 = arith.sitofp %6 : i32 to f32
    linalg.yield %7 : f32
  } -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// With a zero point of 100 that is added and subtracted again. A number may be rounded to -0.0, which 0.0 is added to.
// CHECK-LABEL: func.func @signed(
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
// CHECK:         %[[R:.+]] = math.roundeven
// CHECK-NEXT:    %[[SUM:.+]] = arith.addf %[[R]], %[[ZERO]]
// CHECK-NEXT:    linalg.yield %[[SUM]]
func.func @signed(%x: tensor<6xf32>) -> tensor<6xf32> {
  %low = arith.constant -100.0 : f32
  %high = arith.constant 155.0 : f32
  %zero = arith.constant 100 : i32
  %init = tensor.empty() : tensor<6xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<6xf32>) outs(%init : tensor<6xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c0 = arith.cmpf olt, %low, %in : f32
    %1 = arith.select %c0, %in, %low : f32
    %c1 = arith.cmpf olt, %1, %high : f32
    %2 = arith.select %c1, %1, %high : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.fptosi %3 : f32 to i32
    %5 = arith.addi %4, %zero : i32
    %6 = arith.trunci %5 : i32 to i8
    %7 = arith.extui %6 : i8 to i32
    %8 = arith.subi %7, %zero : i32
    %9 = arith.sitofp %8 : i32 to f32
    linalg.yield %9 : f32
  } -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// The integers of the next layer: differences to the zero point, in i16.
// CHECK-LABEL: func.func @differences(
// CHECK:         %[[R:.+]] = math.roundeven
// CHECK-NEXT:    %[[I:.+]] = arith.fptosi %[[R]] : f32 to i32
// CHECK-NEXT:    %[[N:.+]] = arith.trunci %[[I]] : i32 to i16
// CHECK-NEXT:    linalg.yield %[[N]]
func.func @differences(%x: tensor<6xf32>) -> tensor<6xi16> {
  %low = arith.constant -100.0 : f32
  %high = arith.constant 155.0 : f32
  %zero = arith.constant 100 : i32
  %zero16 = arith.constant 100 : i16
  %init = tensor.empty() : tensor<6xi16>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<6xf32>) outs(%init : tensor<6xi16>) {
  ^bb0(%in: f32, %out: i16):
    %c0 = arith.cmpf olt, %low, %in : f32
    %1 = arith.select %c0, %in, %low : f32
    %c1 = arith.cmpf olt, %1, %high : f32
    %2 = arith.select %c1, %1, %high : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.fptosi %3 : f32 to i32
    %5 = arith.addi %4, %zero : i32
    %6 = arith.trunci %5 : i32 to i8
    %7 = arith.extui %6 : i8 to i16
    %8 = arith.subi %7, %zero16 : i16
    linalg.yield %8 : i16
  } -> tensor<6xi16>
  return %0 : tensor<6xi16>
}

// Numbers that are added and subtracted again hide that -0.25 was rounded to -0.0.
// CHECK-LABEL: func.func @cancelled(
// CHECK:         %[[R:.+]] = math.roundeven
// CHECK-NEXT:    arith.addf %[[R]], %{{.+}}
func.func @cancelled(%x: tensor<6xf32>) -> tensor<6xf32> {
  %low = arith.constant -0.25 : f32
  %high = arith.constant 155.0 : f32
  %five = arith.constant 5 : i32
  %init = tensor.empty() : tensor<6xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<6xf32>) outs(%init : tensor<6xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c0 = arith.cmpf olt, %low, %in : f32
    %1 = arith.select %c0, %in, %low : f32
    %c1 = arith.cmpf olt, %1, %high : f32
    %2 = arith.select %c1, %1, %high : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.fptosi %3 : f32 to i32
    %5 = arith.addi %4, %five : i32
    %6 = arith.subi %5, %five : i32
    %7 = arith.sitofp %6 : i32 to f32
    linalg.yield %7 : f32
  } -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// Not changed: 255 is no i8, so -1 comes out; without a lower limit, nothing is known.
// CHECK-LABEL: func.func @wraps(
// CHECK:         arith.trunci
// CHECK:         arith.extsi
// CHECK:         arith.sitofp
func.func @wraps(%x: tensor<6xf32>) -> tensor<6xf32> {
  %low = arith.constant 0.0 : f32
  %high = arith.constant 255.0 : f32
  %init = tensor.empty() : tensor<6xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<6xf32>) outs(%init : tensor<6xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c0 = arith.cmpf olt, %low, %in : f32
    %1 = arith.select %c0, %in, %low : f32
    %c1 = arith.cmpf olt, %1, %high : f32
    %2 = arith.select %c1, %1, %high : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.fptosi %3 : f32 to i32
    %5 = arith.trunci %4 : i32 to i8
    %6 = arith.extsi %5 : i8 to i32
    %7 = arith.sitofp %6 : i32 to f32
    linalg.yield %7 : f32
  } -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// CHECK-LABEL: func.func @no_limit(
// CHECK:         arith.fptosi
// CHECK:         arith.sitofp
func.func @no_limit(%x: tensor<6xf32>) -> tensor<6xf32> {
  %high = arith.constant 255.0 : f32
  %init = tensor.empty() : tensor<6xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<6xf32>) outs(%init : tensor<6xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c1 = arith.cmpf olt, %in, %high : f32
    %2 = arith.select %c1, %in, %high : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.fptosi %3 : f32 to i32
    %7 = arith.sitofp %4 : i32 to f32
    linalg.yield %7 : f32
  } -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// The inverse tells 0.0 from -0.0.
func.func private @inverse(%x: tensor<6xf32>) -> tensor<6xf32> {
  %one = arith.constant 1.0 : f32
  %init = tensor.empty() : tensor<6xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<6xf32>) outs(%init : tensor<6xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.divf %one, %in : f32
    linalg.yield %1 : f32
  } -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

func.func private @widen(%x: tensor<6xi16>) -> tensor<6xi32> {
  %init = tensor.empty() : tensor<6xi32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<6xi16>) outs(%init : tensor<6xi32>) {
  ^bb0(%in: i16, %out: i32):
    %1 = arith.extsi %in : i16 to i32
    linalg.yield %1 : i32
  } -> tensor<6xi32>
  return %0 : tensor<6xi32>
}

func.func @main() {
  %x = arith.constant dense<[-0.25, 0.5, 1.5, 300.0, -300.0, 0x7FC00000]> : tensor<6xf32>
  %a = call @unsigned(%x) : (tensor<6xf32>) -> tensor<6xf32>
  // NUMBERS: [0, 0, 2, 255, 0, 0]
  %ua = tensor.cast %a : tensor<6xf32> to tensor<*xf32>
  call @printMemrefF32(%ua) : (tensor<*xf32>) -> ()
  %b = call @signed(%x) : (tensor<6xf32>) -> tensor<6xf32>
  %r = call @inverse(%b) : (tensor<6xf32>) -> tensor<6xf32>
  // NUMBERS: [inf, inf, 0.5, 0.00645161, -0.01, -0.01]
  %ur = tensor.cast %r : tensor<6xf32> to tensor<*xf32>
  call @printMemrefF32(%ur) : (tensor<*xf32>) -> ()
  %e = call @cancelled(%x) : (tensor<6xf32>) -> tensor<6xf32>
  %q = call @inverse(%e) : (tensor<6xf32>) -> tensor<6xf32>
  // NUMBERS: [inf, inf, 0.5, 0.00645161, inf, inf]
  %uq = tensor.cast %q : tensor<6xf32> to tensor<*xf32>
  call @printMemrefF32(%uq) : (tensor<*xf32>) -> ()
  %c = call @differences(%x) : (tensor<6xf32>) -> tensor<6xi16>
  %wide = call @widen(%c) : (tensor<6xi16>) -> tensor<6xi32>
  // NUMBERS: [0, 0, 2, 155, -100, -100]
  %uc = tensor.cast %wide : tensor<6xi32> to tensor<*xi32>
  call @printMemrefI32(%uc) : (tensor<*xi32>) -> ()
  %d = call @wraps(%x) : (tensor<6xf32>) -> tensor<6xf32>
  // NUMBERS: [0, 0, 2, -1, 0, 0]
  %ud = tensor.cast %d : tensor<6xf32> to tensor<*xf32>
  call @printMemrefF32(%ud) : (tensor<*xf32>) -> ()
  return
}
