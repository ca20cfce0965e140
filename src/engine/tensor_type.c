/* SPDX-License-Identifier: MIT */
/* The table of spec engine §2. */
#include "engine/tensor_type.h"

#include <stddef.h>

#include "base/memory.h"

static const struct pml_tensor_type_info types[] = {
    [PML_TYPE_F32] = { "F32", 1, 4 },
    [PML_TYPE_F16] = { "F16", 1, 2 },
    [PML_TYPE_Q4_0] = { "Q4_0", 32, 18 },
    [PML_TYPE_Q4_1] = { "Q4_1", 32, 20 },
    [PML_TYPE_Q5_0] = { "Q5_0", 32, 22 },
    [PML_TYPE_Q5_1] = { "Q5_1", 32, 24 },
    [PML_TYPE_Q8_0] = { "Q8_0", 32, 34 },
    [9] = { "Q8_1", 0, 0 },
    [PML_TYPE_Q2_K] = { "Q2_K", 256, 84 },
    [PML_TYPE_Q3_K] = { "Q3_K", 256, 110 },
    [PML_TYPE_Q4_K] = { "Q4_K", 256, 144 },
    [PML_TYPE_Q5_K] = { "Q5_K", 256, 176 },
    [PML_TYPE_Q6_K] = { "Q6_K", 256, 210 },
    [15] = { "Q8_K", 0, 0 },
    [16] = { "IQ2_XXS", 0, 0 },
    [17] = { "IQ2_XS", 0, 0 },
    [18] = { "IQ3_XXS", 0, 0 },
    [19] = { "IQ1_S", 0, 0 },
    [PML_TYPE_IQ4_NL] = { "IQ4_NL", 32, 18 },
    [21] = { "IQ3_S", 0, 0 },
    [22] = { "IQ2_S", 0, 0 },
    [PML_TYPE_IQ4_XS] = { "IQ4_XS", 256, 136 },
    [24] = { "I8", 0, 0 },
    [25] = { "I16", 0, 0 },
    [26] = { "I32", 0, 0 },
    [27] = { "I64", 0, 0 },
    [28] = { "F64", 0, 0 },
    [29] = { "IQ1_M", 0, 0 },
    [PML_TYPE_BF16] = { "BF16", 1, 2 },
    [34] = { "TQ1_0", 0, 0 },
    [35] = { "TQ2_0", 0, 0 },
    [39] = { "MXFP4", 0, 0 },
    [40] = { "NVFP4", 0, 0 },
    [41] = { "Q1_0", 0, 0 },
    [42] = { "Q2_0", 0, 0 },
};

const struct pml_tensor_type_info *pml_tensor_type(uint32_t id)
{
    return id < PML_COUNT(types) && types[id].name ? &types[id] : NULL;
}
