#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the coefficients in common/encode/cpu/lac_encode_cpu_vector_body.h: needs numpy.

h(a) = a/2 * erfc(a / sqrt(2)) on [0, 5.75], interpolated at Chebyshev's points by a polynomial of
degree 18 in s = 2a/5.75 - 1, highest power first, each rounded to a float.
"""

import math

import numpy as np
from numpy.polynomial import chebyshev

END, DEGREE = 5.75, 18


def h(s):
    a = (s + 1) * END / 2
    return 0.5 * a * np.vectorize(math.erfc)(a / math.sqrt(2))


for c in chebyshev.cheb2poly(chebyshev.chebinterpolate(h, DEGREE))[::-1]:
    print(float(np.float32(c)).hex() + "f,")
