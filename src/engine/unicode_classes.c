/* SPDX-License-Identifier: MIT */
/* Look-ups in the generated table of ranges. */
#include "engine/unicode_classes.h"

enum pml_class pml_unicode_class(uint32_t point)
{
    uint32_t low = 0, high = pml_unicode_range_count - 1;
    if (point < 0x80) {
        if ((point | 32) >= 'a' && (point | 32) <= 'z')
            return PML_CLASS_LETTER;
        if (point >= '0' && point <= '9')
            return PML_CLASS_NUMBER;
    }
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (point <= pml_unicode_ranges[middle] >> 3)
            high = middle;
        else
            low = middle + 1;
    }
    return (enum pml_class)(pml_unicode_ranges[low] & 7);
}

bool pml_unicode_blank(uint32_t point)
{
    if (point < 0x80)
        return point == ' ' || (point >= 9 && point <= 13);
    return point == 0x85 || point == 0xa0 || point == 0x1680 || (point >= 0x2000 && point <= 0x200a) ||
           point == 0x2028 || point == 0x2029 || point == 0x202f || point == 0x205f || point == 0x3000;
}
