# Part of Convoy, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes .npy files for lit tests: arrays.py FILE.npy EXPRESSION ..., with NumPy as np."""

import sys

import numpy as np

for path, expression in zip(sys.argv[1::2], sys.argv[2::2]):
    np.save(path, np.asarray(eval(expression, {"np": np}), dtype=np.float32))
