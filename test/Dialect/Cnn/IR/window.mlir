// RUN: convoy-opt %s --split-input-file --verify-diagnostics | FileCheck %s
// RUN: convoy-opt %s --split-input-file --verify-diagnostics | convoy-opt --split-input-file | FileCheck %s

// Defaults are not printed.
// CHECK: func.func private @least() attributes {window = #cnn.window<[3]>}
func.func private @least() attributes {window = #cnn.window<[3]>}
// CHECK: func.func private @defaults() attributes {window = #cnn.window<[3, 5]>}
func.func private @defaults() attributes {window = #cnn.window<[3, 5], strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0]>}
// CHECK: func.func private @all()
// CHECK-SAME: attributes {window = #cnn.window<[3, 4, 5], strides = [1, 2, 1], dilations = [1, 1, 2],
// CHECK-SAME: pads = [0, 0, 0, 0, 0, 1]>}
func.func private @all() attributes {window = #cnn.window<[3, 4, 5], strides = [1, 2, 1], dilations = [1, 1, 2], pads = [0, 0, 0, 0, 0, 1]>}
// Fields may come in any order.
// CHECK: func.func private @order() attributes {window = #cnn.window<[3], strides = [2], dilations = [3], pads = [4, 5]>}
func.func private @order() attributes {window = #cnn.window<[3], pads = [4, 5], dilations = [3], strides = [2]>}

// -----

// expected-error @+1 {{0 spatial dimensions, expected 1 to 3}}
func.func private @no_kernel() attributes {window = #cnn.window<[]>}

// -----

// expected-error @+1 {{4 spatial dimensions, expected 1 to 3}}
func.func private @rank() attributes {window = #cnn.window<[1, 1, 1, 1]>}

// -----

// expected-error @+1 {{strides has 1 entries, expected 2}}
func.func private @strides() attributes {window = #cnn.window<[3, 3], strides = [2]>}

// -----

// expected-error @+1 {{dilations has 3 entries, expected 2}}
func.func private @dilations() attributes {window = #cnn.window<[3, 3], dilations = [2, 2, 2]>}

// -----

// expected-error @+1 {{pads has 2 entries, expected 4}}
func.func private @pads() attributes {window = #cnn.window<[3, 3], pads = [1, 1]>}

// -----

// expected-error @+1 {{kernel is 0 in spatial dimension 1}}
func.func private @kernel() attributes {window = #cnn.window<[3, 0]>}

// -----

// expected-error @+1 {{stride is -1 in spatial dimension 0}}
func.func private @stride() attributes {window = #cnn.window<[3, 3], strides = [-1, 1]>}

// -----

// expected-error @+1 {{dilation is 0 in spatial dimension 1}}
func.func private @dilation() attributes {window = #cnn.window<[3, 3], dilations = [1, 0]>}

// -----

// expected-error @+1 {{pad is negative in spatial dimension 0}}
func.func private @pad() attributes {window = #cnn.window<[3, 3], pads = [0, 0, -2, 0]>}

// -----

// expected-error @+1 {{expected each of strides, dilations and pads at most once, got steps}}
func.func private @unknown() attributes {window = #cnn.window<[3], steps = [2]>}

// -----

// expected-error @+1 {{expected each of strides, dilations and pads at most once, got pads}}
func.func private @twice() attributes {window = #cnn.window<[3], pads = [1, 1], pads = [1, 1]>}

// -----

// expected-error @+1 {{expected ']'}}
func.func private @no_number() attributes {window = #cnn.window<[3 3]>}
