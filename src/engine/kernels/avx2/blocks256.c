/* SPDX-License-Identifier: MIT */
/* Products with Q2_K to Q6_K and IQ4_XS weights. */
#include "packed.h"

PML_DEFINE_MUL(q2_k, avx2)
PML_DEFINE_MUL(q3_k, avx2)
PML_DEFINE_MUL(q4_k, avx2)
PML_DEFINE_MUL(q5_k, avx2)
PML_DEFINE_MUL(q6_k, avx2)
PML_DEFINE_MUL(iq4_xs, avx2)
