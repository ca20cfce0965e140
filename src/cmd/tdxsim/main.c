/* SPDX-License-Identifier: MIT */
/* pml-tdxsim: care of a simulated TDX platform. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "pccs.h"
#include "tdx/platform.h"
#include "tdx/platform/sim_state.h"

enum option_id { STATE = 256, LISTEN, TLS };

static const struct option options[] = { { "state", required_argument, NULL, STATE },
                                         { "listen", required_argument, NULL, LISTEN },
                                         { "tls", no_argument, NULL, TLS },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

static int usage(FILE *to)
{
    fputs("usage: pml tdxsim reset [--state DIR]\n"
          "       pml tdxsim pccs [--state DIR] [--listen ADDR:PORT] [--tls]\n\n"
          "reset replaces the simulated platform in DIR/sim by a new one. Its root is new too: old quotes stop\n"
          "verifying with the new DIR/sim/root.pem.\n\n"
          "pccs serves the platform's collateral as a provisioning certificate caching service does, until SIGINT or\n"
          "SIGTERM.\n\n"
          "  --state DIR         a state directory, for reset one that is not in use;\n"
          "                      default $XDG_STATE_HOME/pml or ~/.local/state/pml\n"
          "  --listen ADDR:PORT  where pccs listens, default 127.0.0.1:8081\n"
          "  --tls               https, with a new self-signed certificate in DIR/pccs.crt\n\n"
          "Exit status: 0 done, 2 usage, 3 the directory is foreign, in use or cannot be written, or the port is "
          "taken.\n",
          to);
    return to == stdout ? 0 : PML_USAGE;
}

static bool reset(const char *dir, struct pml_error *err)
{
    PML_AUTO(fd) int state = pml_state_open(dir, err);
    if (state < 0 || !pml_sim_state_reset(dir, err))
        return false;
    printf("%s/sim/root.pem is the root of a new simulated platform\n", dir);
    return true;
}

static int fail(const struct pml_error *err)
{
    fprintf(stderr, "pml tdxsim: %s\n", err->text);
    return (int)err->kind;
}

int main(int argc, char **argv)
{
    char default_dir[4096];
    struct pml_error err;
    struct pccs_options pccs = { .listen = "127.0.0.1:8081" };
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (opt) {
        case STATE: pccs.state_dir = optarg; break;
        case LISTEN: pccs.listen = optarg; break;
        case TLS: pccs.tls = true; break;
        case 'h': return usage(stdout);
        default: return usage(stderr);
        }
    }
    bool serving = argc - optind == 1 && strcmp(argv[optind], "pccs") == 0;
    if (argc - optind != 1 || (!serving && strcmp(argv[optind], "reset") != 0))
        return usage(stderr);
    if (!pccs.state_dir && !pml_default_state_dir(default_dir, false, &err))
        return fail(&err);
    pccs.state_dir = pccs.state_dir ? pccs.state_dir : default_dir;
    return (serving ? pccs_run(&pccs, &err) : reset(pccs.state_dir, &err)) ? 0 : fail(&err);
}
