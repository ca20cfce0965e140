/* SPDX-License-Identifier: MIT */
/* Which kernels this CPU can run. */
#include "engine/kernels/kernels.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <string.h>

#include "base/memory.h"
#include "engine/kernels/tables.h"

static const char *const names[PML_SIMD_COUNT] = { "auto", "scalar", "avx2", "avx512" };

const char *pml_simd_name(enum pml_simd simd)
{
    return names[simd];
}

bool pml_simd_parse(enum pml_simd *out, const char *name)
{
    for (size_t i = 0; i < PML_COUNT(names); i++) {
        if (!strcmp(names[i], name)) {
            *out = (enum pml_simd)i;
            return true;
        }
    }
    return false;
}

#ifdef __x86_64__
/* clang has no name for this bit in __builtin_cpu_supports. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static const struct pml_kernels *avx2(void)
{
    bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    return has ? &pml_kernels_avx2 : NULL;
}

static const struct pml_kernels *avx512(void)
{
    bool has = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
    return has ? &pml_kernels_avx512 : NULL;
}
#else
static const struct pml_kernels *avx2(void)
{
    return NULL;
}

static const struct pml_kernels *avx512(void)
{
    return NULL;
}
#endif

const struct pml_kernels *pml_kernels(enum pml_simd simd)
{
    const struct pml_kernels *best = &pml_kernels_scalar;
    switch (simd) {
    case PML_SIMD_SCALAR: return best;
    case PML_SIMD_AVX2: return avx2();
    case PML_SIMD_AVX512: return avx512();
    default: best = avx2() ? avx2() : best; return avx512() ? avx512() : best;
    }
}

bool pml_simd_available(enum pml_simd simd)
{
    return pml_kernels(simd) != NULL;
}
