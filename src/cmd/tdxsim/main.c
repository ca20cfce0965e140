/* SPDX-License-Identifier: MIT */
/* pml-tdxsim: care of a simulated TDX platform. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "tdx/platform.h"
#include "tdx/platform/sim_state.h"

static const struct option options[] = { { "state", required_argument, NULL, 's' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

static int usage(FILE *to)
{
    fputs("usage: pml tdxsim reset [--state DIR]\n\n"
          "reset replaces the simulated platform in DIR/sim by a new one. Its root is new too: old quotes stop\n"
          "verifying with the new DIR/sim/root.pem.\n\n"
          "  --state DIR  a state directory that is not in use, default $XDG_STATE_HOME/pml or ~/.local/state/pml\n\n"
          "Exit status: 0 done, 2 usage, 3 the directory is foreign, in use or cannot be written.\n",
          to);
    return to == stdout ? 0 : PML_USAGE;
}

static bool reset(const char *dir, struct pml_error *err)
{
    PML_AUTO(fd) int state = pml_state_open(dir, err);
    return state >= 0 && pml_sim_state_reset(dir, err);
}

int main(int argc, char **argv)
{
    char default_dir[4096];
    struct pml_error err;
    const char *dir = NULL;
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (opt) {
        case 's': dir = optarg; break;
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    if (argc - optind != 1 || strcmp(argv[optind], "reset") != 0)
        return usage(stderr);
    if ((!dir && !pml_default_state_dir(default_dir, false, &err)) || !reset(dir ? dir : default_dir, &err)) {
        fprintf(stderr, "pml tdxsim: %s\n", err.text);
        return (int)err.kind;
    }
    printf("%s/sim/root.pem is the root of a new simulated platform\n", dir ? dir : default_dir);
    return 0;
}
