/* SPDX-License-Identifier: MIT */
/* The simulated TDX platform, in process: registers and log in memory, keys and certificates from the state directory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/time.h"
#include "tdx/platform/provider.h"
#include "tdx/platform/sim_quote.h"
#include "tdx/platform/sim_state.h"

enum { SEPARATOR = 4 }; /* EV_SEPARATOR */

struct sim {
    struct pml_sim_state state;
    char *chain; /* PCK chain, PEM */
    char *app_compose;
    uint8_t rtmr[4][48];
    struct pml_event_log log;
    uint8_t compose_hash[32];
    char description[4200];
};

static void sim_free(void *self)
{
    struct sim *sim = self;
    pml_sim_state_free(&sim->state);
    pml_event_log_free(&sim->log);
    free(sim->chain);
    free(sim->app_compose);
    free(sim);
}

static uint8_t *sim_quote(void *self, const uint8_t report_data[PML_REPORT_DATA_SIZE], size_t *size,
                          struct pml_error *err)
{
    struct sim *sim = self;
    struct pml_quote quote;
    const struct pml_sim_state *s = &sim->state;
    if (!pml_sim_quote_fill(&quote, &s->platform, &s->pki, &s->sgx, sim->chain, err))
        return NULL;
    pml_sim_td_report(&quote.td, sim->compose_hash);
    memcpy(quote.td.rtmr, sim->rtmr, sizeof quote.td.rtmr);
    memcpy(quote.td.report_data, report_data, PML_REPORT_DATA_SIZE);
    return pml_sim_quote_make(&quote, &s->pki, size, err);
}

/* The log first: appending can fail, extending a register in memory cannot. */
static bool sim_extend(void *self, const char *event, const void *payload, size_t size, struct pml_error *err)
{
    struct sim *sim = self;
    if (!pml_event_log_add_runtime(&sim->log, 1, event, payload, size, err))
        return false;
    const struct pml_event *added = &sim->log.events[sim->log.count - 1];
    pml_rtmr_extend(sim->rtmr[added->imr], added->digest);
    return true;
}

static char *sim_event_log(void *self, struct pml_error *err)
{
    return pml_event_log_text(&((struct sim *)self)->log, false, err);
}

static char *sim_collateral(void *self, struct pml_error *err)
{
    return pml_sim_state_collateral(&((struct sim *)self)->state, pml_now(), err);
}

static const struct pml_provider_ops sim_ops = { sim_quote, sim_extend, sim_event_log, sim_collateral, sim_free };

/* One separator each into RTMR0 to RTMR2, then the boot events. */
static bool boot(struct sim *sim, struct pml_error *err)
{
    uint8_t zero[4] = { 0 };
    for (uint32_t imr = 0; imr < 3; imr++) {
        struct pml_event separator = { .imr = imr,
                                       .event_type = SEPARATOR,
                                       .event = (char *)"",
                                       .payload = zero,
                                       .payload_size = sizeof zero,
                                       .version = 1 };
        pml_sha384(separator.digest, zero, sizeof zero);
        if (!pml_event_log_add(&sim->log, &separator, err))
            return false;
        pml_rtmr_extend(sim->rtmr[imr], separator.digest);
    }
    struct pml_boot ids;
    pml_boot_ids(&ids, sim->app_compose, sim->state.platform.instance_id_seed);
    memcpy(sim->compose_hash, ids.compose_hash, sizeof sim->compose_hash);
    return pml_boot_events(&ids, sim_extend, sim, err);
}

static bool start(struct sim *sim, const struct pml_platform_options *options, struct pml_error *err)
{
    static const enum pml_sim_role chain[] = { PML_SIM_PCK, PML_SIM_PLATFORM_CA, PML_SIM_ROOT };
    const char *dir = options->sim_dir ? options->sim_dir : options->state_dir;
    if (!pml_sim_state_open(&sim->state, dir, err))
        return false;
    sim->chain = pml_sim_chain(&sim->state.pki, chain, PML_COUNT(chain), err);
    if (!sim->chain)
        return false;
    PML_AUTO(mem) char *bundle = pml_sim_state_collateral(&sim->state, pml_now(), err);
    if (!bundle)
        return false;
    sim->app_compose = pml_app_compose(options->models, options->model_count, err);
    snprintf(sim->description, sizeof sim->description, "SIMULATED TDX platform, not confidential (%s)",
             sim->state.dir);
    return sim->app_compose && boot(sim, err);
}

struct pml_platform *pml_sim_open(const struct pml_platform_options *options, struct pml_error *err)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (!sim)
        return pml_fail_memory(err);
    if (!start(sim, options, err)) {
        sim_free(sim);
        return NULL;
    }
    const struct pml_platform_facts facts = { .simulated = true,
                                              .platform = "simulated",
                                              .provider = "simulator",
                                              .description = sim->description,
                                              .app_compose = sim->app_compose,
                                              .vm_config = "{}" };
    return pml_platform_wrap(&sim_ops, sim, &facts, err);
}
