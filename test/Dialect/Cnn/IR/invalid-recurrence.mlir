// RUN: convoy-opt %s --split-input-file --verify-diagnostics=only-expected

// What is wrong in a cnn.recurrence.

func.func @rank(%x: tensor<5x2x3xf32>, %r: tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{input has rank 3, expected 4}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r {functions = [#cnn.function<tanh>], sequence}
      : (tensor<5x2x3xf32>, tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @empty(%x: tensor<0x2x1x3xf32>, %r: tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{input has no elements}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r {functions = [#cnn.function<tanh>], sequence}
      : (tensor<0x2x1x3xf32>, tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @directions(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{input has 1 directions, expected 2}}
  %0 = cnn.recurrence <rnn> <bidirectional> %x, %r {functions = [#cnn.function<tanh>], sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @gates(%x: tensor<5x2x1x6xf32>, %r: tensor<1x3x12xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{input has 6 elements in dimension 3, no multiple of the 4 gates}}
  %0 = cnn.recurrence <lstm> <forward> %x, %r {functions = [#cnn.function<sigmoid>, #cnn.function<tanh>, #cnn.function<tanh>], sequence}
      : (tensor<5x2x1x6xf32>, tensor<1x3x12xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @functions(%x: tensor<5x2x1x9xf32>, %r: tensor<1x3x9xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{has 1 functions, expected 2}}
  %0 = cnn.recurrence <gru> <forward> %x, %r {functions = [#cnn.function<sigmoid>], sequence}
      : (tensor<5x2x1x9xf32>, tensor<1x3x9xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @logical(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{function logical_not has no meaning for floats}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r {functions = [#cnn.function<logical_not>], sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @no_result(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{has no result: set sequence, last_h or last_c}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r {functions = [#cnn.function<tanh>]}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @clip(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{clip is negative or no number}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r {functions = [#cnn.function<tanh>], clip = -1.0 : f32, sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @candidate(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>, %a: tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{a cell rnn has no candidate}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r candidate(%a) {functions = [#cnn.function<tanh>], sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>, tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @bias(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>, %a: tensor<1x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{a cell rnn has no bias}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r bias(%a) {functions = [#cnn.function<tanh>], sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>, tensor<1x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @peepholes(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>, %a: tensor<1x9xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{a cell rnn has no peepholes}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r peepholes(%a) {functions = [#cnn.function<tanh>], sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>, tensor<1x9xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @state(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{a cell rnn has no state c}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r {functions = [#cnn.function<tanh>], last_c}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @forget(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{a cell rnn has no gate that forgets}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r {functions = [#cnn.function<tanh>], input_forget, sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @both(%x: tensor<5x2x1x9xf32>, %r: tensor<1x3x6xf32>, %a: tensor<1x3x3xf32>, %b: tensor<1x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{has both a candidate and a bias: bias is of gates in weights}}
  %0 = cnn.recurrence <gru> <forward> %x, %r candidate(%a) bias(%b) {functions = [#cnn.function<sigmoid>, #cnn.function<tanh>], sequence}
      : (tensor<5x2x1x9xf32>, tensor<1x3x6xf32>, tensor<1x3x3xf32>, tensor<1x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @weights(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x4xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{weights has shape 1x3x4, expected 1x3x3}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r {functions = [#cnn.function<tanh>], sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x4xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @packed(%x: tensor<5x2x1x3xf32>, %r: tensor<1x1x3x1x2xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{weights has shape 1x1x3x1x2, expected 1x2x3x1x2}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r {functions = [#cnn.function<tanh>], sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x1x3x1x2xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @lengths(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>, %a: tensor<2xi64>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{lengths are of type 'i64', expected i32}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r lengths(%a) {functions = [#cnn.function<tanh>], sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>, tensor<2xi64>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @first_state(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>, %a: tensor<1x3x2xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{h has shape 1x3x2, expected 1x2x3}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r h(%a) {functions = [#cnn.function<tanh>], sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>, tensor<1x3x2xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @scales(%x: tensor<5x2x1x12xf32>, %r: tensor<1x3x12xf32>, %s: tensor<12xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{scales has shape 12, expected 1x12}}
  %0 = cnn.recurrence <lstm> <forward> %x, %r scales(%s)
      {functions = [#cnn.function<sigmoid>, #cnn.function<tanh>, #cnn.function<tanh>], sequence}
      : (tensor<5x2x1x12xf32>, tensor<1x3x12xf32>, tensor<12xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}

// -----

func.func @scales_of_rnn(%x: tensor<5x2x1x3xf32>, %r: tensor<1x3x3xf32>, %s: tensor<1x3xf32>) -> tensor<5x1x2x3xf32> {
  // expected-error @below {{a cell rnn has no scales}}
  %0 = cnn.recurrence <rnn> <forward> %x, %r scales(%s) {functions = [#cnn.function<tanh>], sequence}
      : (tensor<5x2x1x3xf32>, tensor<1x3x3xf32>, tensor<1x3xf32>) -> tensor<5x1x2x3xf32>
  return %0 : tensor<5x1x2x3xf32>
}
