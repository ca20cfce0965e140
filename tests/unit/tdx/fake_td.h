/* SPDX-License-Identifier: MIT */
/*
 * A stand-in for the kernel of a TD in a directory: a configfs-tsm entry whose `generation` and `outblob` follow writes
 * to `inblob`, and an RTMR file that extends what is written. It answers with real quote structures that carry its
 * registers.
 */
#ifndef PML_TEST_FAKE_TD_H
#define PML_TEST_FAKE_TD_H

#include <pthread.h>

#include "tdx/platform/sim_pki.h"

enum fake_fault { FAKE_GOOD, FAKE_FOREIGN_GENERATION, FAKE_SHORT, FAKE_LARGE, FAKE_OTHER_REPORT_DATA };

struct fake_td {
    char dir[64];           /* holds all of it */
    char entry[128];        /* DIR/report, a configfs-tsm entry */
    char measurements[128]; /* DIR/measurements */
    struct pml_sim_platform platform;
    struct pml_sim_pki pki;
    struct pml_sim_sgx sgx;
    char *chain;
    uint8_t rtmr[4][48];
    unsigned generation;
    enum fake_fault fault;
    int inotify, fifo, stop[2];
    pthread_t thread;
};

void fake_td_start(struct fake_td *td);
void fake_td_stop(struct fake_td *td); /* and removes the directory */
/* A quote with the registers of TD and 70 bytes of padding, as hardware gives it. The caller frees. */
uint8_t *fake_td_quote(struct fake_td *td, const uint8_t report_data[64], size_t *size);

#endif
