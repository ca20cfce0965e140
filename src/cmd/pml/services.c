/* SPDX-License-Identifier: MIT */
/* Sources of collateral for command-line programs. */
#include "services.h"

#include <stdio.h>

#include "base/file.h"

bool services_add(struct services *s, const char *url, struct pml_error *err)
{
    if (s->pccs_count == PCCS_MAX)
        return pml_fail(err, PML_USAGE, "usage", "at most %d services", PCCS_MAX);
    s->pccs[s->pccs_count++] = url;
    return true;
}

static void notice(void *arg, const struct pml_error *what)
{
    (void)arg;
    fprintf(stderr, "pml: %s\n", what->text);
}

struct pml_source *services_open(const struct services *s, struct pml_error *err)
{
    char state[4096], cache[4096];
    struct pml_source_options options = {
        .services = { .urls = s->pccs, .url_count = s->pccs_count, .ca_file = s->ca_file },
        .offline = s->offline,
        .early = s->early,
        .notice = notice,
    };
    if (pml_default_state_dir(state, false, err))
        options.cache_dir = pml_path(cache, state, "collateral");
    struct pml_source *source = pml_source_new(&options, err);
    if (source || err->kind == PML_USAGE || !options.cache_dir)
        return source;
    notice(NULL, err);
    options.cache_dir = NULL;
    return pml_source_new(&options, err);
}
