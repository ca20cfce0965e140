/* SPDX-License-Identifier: MIT */
/*
 * Rotary position embedding (spec engine §4): at position t the pair i of a head is turned by t * frequency[i].
 * Frequencies and angles are binary64, sine and cosine are rounded once to binary32 (§5.5).
 */
#ifndef PML_ENGINE_ROPE_H
#define PML_ENGINE_ROPE_H

#include <stddef.h>
#include <stdint.h>

/* frequency[i] = base^(-i/pairs) / factors[i] / scale for i < PAIRS; FACTORS may be NULL (all 1); SCALE is the linear
 * scaling factor, 1 for none. */
void pml_rope_frequencies(double *frequency, size_t pairs, double base, const float *factors, double scale);

/* cosine[i], sine[i] of position * frequency[i]. The angle must stay within 2^20. */
void pml_rope_angles(float *cosine, float *sine, const double *frequency, size_t pairs, uint32_t position);

/* Turns the adjacent pairs (2i, 2i+1) of one head in place (rope type NORM): (a, b) -> (a cos - b sin, a sin + b cos),
 * two products and one sum each. Elements past 2*PAIRS are the caller's to leave alone. */
void pml_rope_turn_adjacent(float *head, const float *cosine, const float *sine, size_t pairs);

/* The same for the pairs (i, PAIRS + i), rope type NEOX. */
void pml_rope_turn_halves(float *head, const float *cosine, const float *sine, size_t pairs);

#endif
