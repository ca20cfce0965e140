/* SPDX-License-Identifier: MIT */
/* Products with Q4_0, Q4_1, Q5_0, Q5_1 and IQ4_NL weights. */
#include "packed.h"

PML_DEFINE_MUL(q4_0, avx2)
PML_DEFINE_MUL(q4_1, avx2)
PML_DEFINE_MUL(q5_0, avx2)
PML_DEFINE_MUL(q5_1, avx2)
PML_DEFINE_MUL(iq4_nl, avx2)
