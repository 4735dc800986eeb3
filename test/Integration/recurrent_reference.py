# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""RNN, GRU and LSTM in NumPy, step by step in f64, as ONNX's specification writes them."""

import numpy as np

DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
ALPHAS = {"affine": 1.0, "elu": 1.0, "hardsigmoid": 0.2, "leakyrelu": 0.01, "scaledtanh": 1.0, "thresholdedrelu": 1.0}
BETAS = {"affine": 0.0, "hardsigmoid": 0.5, "scaledtanh": 1.0}

FUNCTIONS = {
    "affine": lambda x, a, b: a * x + b,
    "elu": lambda x, a, b: np.where(x < 0, a * np.expm1(np.minimum(x, 0)), x),
    "hardsigmoid": lambda x, a, b: np.clip(a * x + b, 0, 1),
    "leakyrelu": lambda x, a, b: np.where(x < 0, a * x, x),
    "relu": lambda x, a, b: np.maximum(x, 0),
    "scaledtanh": lambda x, a, b: a * np.tanh(b * x),
    "sigmoid": lambda x, a, b: 1 / (1 + np.exp(-x)),
    "softplus": lambda x, a, b: np.logaddexp(0, x),
    "softsign": lambda x, a, b: x / (1 + np.abs(x)),
    "tanh": lambda x, a, b: np.tanh(x),
    "thresholdedrelu": lambda x, a, b: np.where(x > a, x, 0),
}


def read_functions(op, directions, names, alphas, betas, clip):
    """A list of functions for each direction. A function takes the next constants of those that it has."""
    names = [name.lower() for name in names or DEFAULTS[op] * directions]
    alphas, betas = list(alphas), list(betas)
    made = []
    for name in names:
        alpha = np.float32(alphas.pop(0) if name in ALPHAS and alphas else ALPHAS.get(name, 0))
        beta = np.float32(betas.pop(0) if name in BETAS and betas else BETAS.get(name, 0))
        made.append(lambda x, f=FUNCTIONS[name], a=np.float64(alpha), b=np.float64(beta):
                    f(np.clip(x, -clip, clip), a, b))
    size = len(DEFAULTS[op])
    return [made[first:first + size] for first in range(0, len(made), size)]


def step_rnn(x, h, c, r, rb, p, functions, options):
    return functions[0](x + h @ r.T + rb), c


def step_gru(x, h, c, r, rb, p, functions, options):
    f, g = functions
    (xz, xr, xn), (rz, rr, rn), (bz, br, bn) = (np.split(array, 3, axis) for array, axis in ((x, 1), (r, 0), (rb, 0)))
    z, reset = f(xz + h @ rz.T + bz), f(xr + h @ rr.T + br)
    if options.get("linear_before_reset", 0):
        n = g(xn + reset * (h @ rn.T + bn))
    else:
        n = g(xn + (reset * h) @ rn.T + bn)
    return (1 - z) * n + z * h, c


def step_lstm(x, h, c, r, rb, p, functions, options):
    f, g, hh = functions
    i, o, forget, n = np.split(x + h @ r.T + rb, 4, axis=1)
    pi, po, pf = np.split(p, 3)
    i = f(i + pi * c)
    forget = 1 - i if options.get("input_forget", 0) else f(forget + pf * c)
    c = forget * c + i * g(n)
    return f(o + po * c) * hh(c), c


STEPS = {"RNN": step_rnn, "GRU": step_gru, "LSTM": step_lstm}


def run_direction(op, x, lengths, w, r, b, p, h, c, functions, options, reverse):
    steps, batch, hidden = *x.shape[:2], r.shape[1]
    wb, rb = np.split(b, 2)
    y = np.zeros((steps, batch, hidden))
    last_h, last_c = h.copy(), c.copy()
    for sequence in range(batch):
        state_h, state_c = h[sequence:sequence + 1], c[sequence:sequence + 1]
        positions = range(lengths[sequence])
        for t in reversed(positions) if reverse else positions:
            products = x[t, sequence:sequence + 1] @ w.T + wb
            state_h, state_c = STEPS[op](products, state_h, state_c, r, rb, p, functions, options)
            y[t, sequence] = state_h[0]
        last_h[sequence], last_c[sequence] = state_h[0], state_c[0]
    return y, last_h, last_c


def run(op, x, w, r, b=None, lengths=None, initial_h=None, initial_c=None, p=None, **options):
    """Y, Y_h and, of an LSTM, Y_c, in f64."""
    x, w, r = (np.asarray(array, np.float64) for array in (x, w, r))
    batch_first = options.get("layout", 0) != 0
    if batch_first:
        x = x.swapaxes(0, 1)
    steps, batch, directions, hidden = *x.shape[:2], w.shape[0], r.shape[2]
    b = np.zeros((directions, 2 * GATES[op] * hidden)) if b is None else np.asarray(b, np.float64)
    p = np.zeros((directions, 3 * hidden)) if p is None else np.asarray(p, np.float64)
    lengths = [steps] * batch if lengths is None else lengths
    zeros = np.zeros((directions, batch, hidden))
    states = [zeros if state is None else np.asarray(state, np.float64).swapaxes(0, 1 if batch_first else 0)
              for state in (initial_h, initial_c)]
    functions = read_functions(op, directions, options.get("activations"), options.get("activation_alpha", ()),
                               options.get("activation_beta", ()), options.get("clip", np.inf))
    made = [run_direction(op, x, lengths, w[d], r[d], b[d], p[d], states[0][d], states[1][d], functions[d], options,
                          d == 1 or options.get("direction") == "reverse") for d in range(directions)]
    y = np.stack([one[0] for one in made], axis=1)
    h, c = (np.stack([one[index] for one in made]) for index in (1, 2))
    if batch_first:
        y, h, c = y.transpose(2, 0, 1, 3), h.swapaxes(0, 1), c.swapaxes(0, 1)
    return [y, h, c] if op == "LSTM" else [y, h]
