#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the coefficients in common/encode/cpu/lac_encode_cpu_gelu.h: needs numpy.

h(a) = a/2 * erfc(a / sqrt(2)) on [0, end], interpolated at Chebyshev's points by a polynomial in
s = 2a/end - 1 (fine) or in a itself (coarse), highest power first, each rounded to a float. What is
left of h beyond the end is part of the error that is printed.
"""

import math

import numpy as np
from numpy.polynomial import chebyshev

erfc = np.vectorize(math.erfc)


def h(a):
    return 0.5 * a * erfc(a / math.sqrt(2))


for name, end, degree in (("fine", 5.75, 18), ("coarse", 3.8, 7)):
    powers = np.poly1d(chebyshev.cheb2poly(chebyshev.chebinterpolate(
        lambda s, e=end: h((s + 1) * e / 2), degree))[::-1])
    places = np.linspace(0, 8, 100001)
    within = np.minimum(places, end)
    if name == "fine":
        at = 2 * within / end - 1
    else:
        at, powers = within, powers(np.poly1d([2 / end, -1]))
    powers = powers.coeffs.astype(np.float32)
    error = np.abs(np.polyval(powers, at) - h(places)).max()
    print(f"{name}: end {end}, error {error:.1e}")
    for c in powers:
        print(float(c).hex() + "f,")
