/* SPDX-License-Identifier: MIT */
/* Rotary position embedding: frequencies, the table of one position, the rotation. */
#include "engine/rope.h"

#include "engine/math.h"

void pml_rope_frequencies(double *frequency, size_t pairs, double base, const float *factors, double scale)
{
    double step = pml_log2(base) / (double)pairs;
    for (size_t i = 0; i < pairs; i++) {
        frequency[i] = pml_exp2(-(double)i * step);
        if (factors)
            frequency[i] = frequency[i] / (double)factors[i];
        if (scale != 1.0)
            frequency[i] = frequency[i] / scale;
    }
}

void pml_rope_angles(float *cosine, float *sine, const double *frequency, size_t pairs, uint32_t position)
{
    for (size_t i = 0; i < pairs; i++) {
        double s, c;
        pml_sincos((double)position * frequency[i], &s, &c);
        sine[i] = (float)s;
        cosine[i] = (float)c;
    }
}

static void turn(float *x, float *y, float cosine, float sine)
{
    float a = *x, b = *y;
    *x = a * cosine - b * sine;
    *y = a * sine + b * cosine;
}

void pml_rope_turn_adjacent(float *head, const float *cosine, const float *sine, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        turn(&head[2 * i], &head[2 * i + 1], cosine[i], sine[i]);
}

void pml_rope_turn_halves(float *head, const float *cosine, const float *sine, size_t pairs)
{
    for (size_t i = 0; i < pairs; i++)
        turn(&head[i], &head[pairs + i], cosine[i], sine[i]);
}
