// RUN: convoy-opt %s --cnn-approximate-math | FileCheck %s --implicit-check-not='math.{{exp|log|tanh|erf|sin|cos|powf}}'
// RUN: convoy-opt %s --pass-pipeline='builtin.module(cnn-approximate-math,%to-llvm)' | %run-main \
// RUN:   | FileCheck %s --check-prefix=NUMBERS

// No call of libm is left, except the calls on f64 that this test makes itself.

// Each function prints its largest error over 10001 points, compared with libm's f64, in units of
// 2^-23 of the value (sin and cos: of 1).
func.func private @exp(f64) -> f64
func.func private @log(f64) -> f64
func.func private @log1p(f64) -> f64
func.func private @tanh(f64) -> f64
func.func private @erf(f64) -> f64
func.func private @sin(f64) -> f64
func.func private @cos(f64) -> f64
func.func private @pow(f64, f64) -> f64

// CHECK-LABEL: func.func @worst_exp(
func.func @worst_exp() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 10001 : index
  %low = arith.constant -8.000000000e+01 : f32
  %step = arith.constant 1.600000000e-02 : f32
  %floor = arith.constant 1.0e-30 : f64
  %unit = arith.constant 8388608.0 : f64
  %zero = arith.constant 0.0 : f64
  %worst = scf.for %i = %c0 to %n step %c1 iter_args(%so_far = %zero) -> (f64) {
    %i32 = arith.index_cast %i : index to i32
    %f = arith.sitofp %i32 : i32 to f32
    %offset = arith.mulf %f, %step : f32
    %x = arith.addf %low, %offset : f32
    // CHECK: math.fma
    %y = math.exp %x : f32
    %x64 = arith.extf %x : f32 to f64
    // CHECK: call @exp(
    %exact = func.call @exp(%x64) : (f64) -> f64
    %y64 = arith.extf %y : f32 to f64
    %difference = arith.subf %y64, %exact : f64
    %error = math.absf %difference : f64
    %size = math.absf %exact : f64
    %scale = arith.maximumf %size, %floor : f64
    %relative = arith.divf %error, %scale : f64
    %units = arith.mulf %relative, %unit : f64
    %next = arith.maximumf %so_far, %units : f64
    scf.yield %next : f64
  }
  // NUMBERS: {{^}}0.{{[0-9]+$}}
  vector.print %worst : f64
  return
}

// CHECK-LABEL: func.func @worst_log(
func.func @worst_log() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 10001 : index
  %low = arith.constant 1.000000000e-03 : f32
  %step = arith.constant 4.999900000e-03 : f32
  %floor = arith.constant 1.0e-03 : f64
  %unit = arith.constant 8388608.0 : f64
  %zero = arith.constant 0.0 : f64
  %worst = scf.for %i = %c0 to %n step %c1 iter_args(%so_far = %zero) -> (f64) {
    %i32 = arith.index_cast %i : index to i32
    %f = arith.sitofp %i32 : i32 to f32
    %offset = arith.mulf %f, %step : f32
    %x = arith.addf %low, %offset : f32
    // CHECK: math.fma
    %y = math.log %x : f32
    %x64 = arith.extf %x : f32 to f64
    // CHECK: call @log(
    %exact = func.call @log(%x64) : (f64) -> f64
    %y64 = arith.extf %y : f32 to f64
    %difference = arith.subf %y64, %exact : f64
    %error = math.absf %difference : f64
    %size = math.absf %exact : f64
    %scale = arith.maximumf %size, %floor : f64
    %relative = arith.divf %error, %scale : f64
    %units = arith.mulf %relative, %unit : f64
    %next = arith.maximumf %so_far, %units : f64
    scf.yield %next : f64
  }
  // NUMBERS: {{^}}0.{{[0-9]+$}}
  vector.print %worst : f64
  return
}

// CHECK-LABEL: func.func @worst_log1p(
func.func @worst_log1p() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 10001 : index
  %low = arith.constant -9.000000000e-01 : f32
  %step = arith.constant 2.090000000e-03 : f32
  %floor = arith.constant 1.0e-06 : f64
  %unit = arith.constant 8388608.0 : f64
  %zero = arith.constant 0.0 : f64
  %worst = scf.for %i = %c0 to %n step %c1 iter_args(%so_far = %zero) -> (f64) {
    %i32 = arith.index_cast %i : index to i32
    %f = arith.sitofp %i32 : i32 to f32
    %offset = arith.mulf %f, %step : f32
    %x = arith.addf %low, %offset : f32
    // CHECK: math.fma
    %y = math.log1p %x : f32
    %x64 = arith.extf %x : f32 to f64
    // CHECK: call @log1p(
    %exact = func.call @log1p(%x64) : (f64) -> f64
    %y64 = arith.extf %y : f32 to f64
    %difference = arith.subf %y64, %exact : f64
    %error = math.absf %difference : f64
    %size = math.absf %exact : f64
    %scale = arith.maximumf %size, %floor : f64
    %relative = arith.divf %error, %scale : f64
    %units = arith.mulf %relative, %unit : f64
    %next = arith.maximumf %so_far, %units : f64
    scf.yield %next : f64
  }
  // NUMBERS: {{^}}{{[01]}}.{{[0-9]+$}}
  vector.print %worst : f64
  return
}

// CHECK-LABEL: func.func @worst_tanh(
func.func @worst_tanh() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 10001 : index
  %low = arith.constant -1.000000000e+01 : f32
  %step = arith.constant 2.000000000e-03 : f32
  %floor = arith.constant 1.0e-06 : f64
  %unit = arith.constant 8388608.0 : f64
  %zero = arith.constant 0.0 : f64
  %worst = scf.for %i = %c0 to %n step %c1 iter_args(%so_far = %zero) -> (f64) {
    %i32 = arith.index_cast %i : index to i32
    %f = arith.sitofp %i32 : i32 to f32
    %offset = arith.mulf %f, %step : f32
    %x = arith.addf %low, %offset : f32
    // CHECK: math.fma
    %y = math.tanh %x : f32
    %x64 = arith.extf %x : f32 to f64
    // CHECK: call @tanh(
    %exact = func.call @tanh(%x64) : (f64) -> f64
    %y64 = arith.extf %y : f32 to f64
    %difference = arith.subf %y64, %exact : f64
    %error = math.absf %difference : f64
    %size = math.absf %exact : f64
    %scale = arith.maximumf %size, %floor : f64
    %relative = arith.divf %error, %scale : f64
    %units = arith.mulf %relative, %unit : f64
    %next = arith.maximumf %so_far, %units : f64
    scf.yield %next : f64
  }
  // NUMBERS: {{^}}{{[0-5]}}.{{[0-9]+$}}
  vector.print %worst : f64
  return
}

// CHECK-LABEL: func.func @worst_erf(
func.func @worst_erf() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 10001 : index
  %low = arith.constant -5.000000000e+00 : f32
  %step = arith.constant 1.000000000e-03 : f32
  %floor = arith.constant 1.0e-06 : f64
  %unit = arith.constant 8388608.0 : f64
  %zero = arith.constant 0.0 : f64
  %worst = scf.for %i = %c0 to %n step %c1 iter_args(%so_far = %zero) -> (f64) {
    %i32 = arith.index_cast %i : index to i32
    %f = arith.sitofp %i32 : i32 to f32
    %offset = arith.mulf %f, %step : f32
    %x = arith.addf %low, %offset : f32
    // CHECK: math.fma
    %y = math.erf %x : f32
    %x64 = arith.extf %x : f32 to f64
    // CHECK: call @erf(
    %exact = func.call @erf(%x64) : (f64) -> f64
    %y64 = arith.extf %y : f32 to f64
    %difference = arith.subf %y64, %exact : f64
    %error = math.absf %difference : f64
    %size = math.absf %exact : f64
    %scale = arith.maximumf %size, %floor : f64
    %relative = arith.divf %error, %scale : f64
    %units = arith.mulf %relative, %unit : f64
    %next = arith.maximumf %so_far, %units : f64
    scf.yield %next : f64
  }
  // NUMBERS: {{^}}{{[01]}}.{{[0-9]+$}}
  vector.print %worst : f64
  return
}

// CHECK-LABEL: func.func @worst_sin(
func.func @worst_sin() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 10001 : index
  %low = arith.constant -5.000000000e+01 : f32
  %step = arith.constant 1.000000000e-02 : f32
  %floor = arith.constant 1.0e+00 : f64
  %unit = arith.constant 8388608.0 : f64
  %zero = arith.constant 0.0 : f64
  %worst = scf.for %i = %c0 to %n step %c1 iter_args(%so_far = %zero) -> (f64) {
    %i32 = arith.index_cast %i : index to i32
    %f = arith.sitofp %i32 : i32 to f32
    %offset = arith.mulf %f, %step : f32
    %x = arith.addf %low, %offset : f32
    // CHECK: math.fma
    %y = math.sin %x : f32
    %x64 = arith.extf %x : f32 to f64
    // CHECK: call @sin(
    %exact = func.call @sin(%x64) : (f64) -> f64
    %y64 = arith.extf %y : f32 to f64
    %difference = arith.subf %y64, %exact : f64
    %error = math.absf %difference : f64
    %size = math.absf %exact : f64
    %scale = arith.maximumf %size, %floor : f64
    %relative = arith.divf %error, %scale : f64
    %units = arith.mulf %relative, %unit : f64
    %next = arith.maximumf %so_far, %units : f64
    scf.yield %next : f64
  }
  // NUMBERS: {{^}}{{[0-2]}}.{{[0-9]+$}}
  vector.print %worst : f64
  return
}

// CHECK-LABEL: func.func @worst_cos(
func.func @worst_cos() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 10001 : index
  %low = arith.constant -5.000000000e+01 : f32
  %step = arith.constant 1.000000000e-02 : f32
  %floor = arith.constant 1.0e+00 : f64
  %unit = arith.constant 8388608.0 : f64
  %zero = arith.constant 0.0 : f64
  %worst = scf.for %i = %c0 to %n step %c1 iter_args(%so_far = %zero) -> (f64) {
    %i32 = arith.index_cast %i : index to i32
    %f = arith.sitofp %i32 : i32 to f32
    %offset = arith.mulf %f, %step : f32
    %x = arith.addf %low, %offset : f32
    // CHECK: math.fma
    %y = math.cos %x : f32
    %x64 = arith.extf %x : f32 to f64
    // CHECK: call @cos(
    %exact = func.call @cos(%x64) : (f64) -> f64
    %y64 = arith.extf %y : f32 to f64
    %difference = arith.subf %y64, %exact : f64
    %error = math.absf %difference : f64
    %size = math.absf %exact : f64
    %scale = arith.maximumf %size, %floor : f64
    %relative = arith.divf %error, %scale : f64
    %units = arith.mulf %relative, %unit : f64
    %next = arith.maximumf %so_far, %units : f64
    scf.yield %next : f64
  }
  // NUMBERS: {{^}}{{[0-2]}}.{{[0-9]+$}}
  vector.print %worst : f64
  return
}

// CHECK-LABEL: func.func @worst_pow(
func.func @worst_pow() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = arith.constant 10001 : index
  %low = arith.constant 1.000000000e-02 : f32
  %step = arith.constant 9.999000000e-03 : f32
  %floor = arith.constant 1.0e-06 : f64
  %unit = arith.constant 8388608.0 : f64
  %zero = arith.constant 0.0 : f64
  %worst = scf.for %i = %c0 to %n step %c1 iter_args(%so_far = %zero) -> (f64) {
    %i32 = arith.index_cast %i : index to i32
    %f = arith.sitofp %i32 : i32 to f32
    %offset = arith.mulf %f, %step : f32
    %x = arith.addf %low, %offset : f32
    %e = arith.constant 0.75 : f32
    // CHECK: math.fma
    %y = math.powf %x, %e : f32
    %x64 = arith.extf %x : f32 to f64
    %e64 = arith.constant 0.75 : f64
    // CHECK: call @pow(
    %exact = func.call @pow(%x64, %e64) : (f64, f64) -> f64
    %y64 = arith.extf %y : f32 to f64
    %difference = arith.subf %y64, %exact : f64
    %error = math.absf %difference : f64
    %size = math.absf %exact : f64
    %scale = arith.maximumf %size, %floor : f64
    %relative = arith.divf %error, %scale : f64
    %units = arith.mulf %relative, %unit : f64
    %next = arith.maximumf %so_far, %units : f64
    scf.yield %next : f64
  }
  // NUMBERS: {{^}}{{[0-3]}}.{{[0-9]+$}}
  vector.print %worst : f64
  return
}

// Values beyond the range, and NaN, in a vector.
// NUMBERS: ( inf, 0, 1, nan )
// NUMBERS: ( 1, -1, 0, nan )
func.func @edges() {
  %x = arith.constant dense<[100.0, -110.0, 0.0, 0x7FC00000]> : vector<4xf32>
  %0 = math.exp %x : vector<4xf32>
  vector.print %0 : vector<4xf32>
  %1 = math.tanh %x : vector<4xf32>
  vector.print %1 : vector<4xf32>
  return
}

func.func @main() {
  call @worst_exp() : () -> ()
  call @worst_log() : () -> ()
  call @worst_log1p() : () -> ()
  call @worst_tanh() : () -> ()
  call @worst_erf() : () -> ()
  call @worst_sin() : () -> ()
  call @worst_cos() : () -> ()
  call @worst_pow() : () -> ()
  call @edges() : () -> ()
  return
}
