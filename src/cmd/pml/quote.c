/* SPDX-License-Identifier: MIT */
/* pml quote: a TDX quote for given report data. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/file.h"
#include "cmd.h"
#include "tdx/platform.h"

extern const struct verb verb_quote;

static const struct option options[] = { { "report-data", required_argument, NULL, 'r' },
                                         { "state", required_argument, NULL, 's' },
                                         { "simulated", no_argument, NULL, 'S' },
                                         { "out", required_argument, NULL, 'o' },
                                         { "collateral-out", required_argument, NULL, 'c' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

struct request {
    const char *report_data, *state_dir, *out, *collateral_out;
    bool simulated;
};

/* 1 to 64 bytes, zero padded on the right (spec guest §3.1). */
static bool read_report_data(uint8_t out[PML_REPORT_DATA_SIZE], const char *hex, struct pml_error *err)
{
    size_t digits = hex ? strlen(hex) : 0;
    memset(out, 0, PML_REPORT_DATA_SIZE);
    if (digits == 0 || digits > 2 * PML_REPORT_DATA_SIZE || !pml_unhex(out, digits / 2, hex, digits))
        return pml_fail(err, PML_USAGE, "usage", "--report-data: 1 to 64 bytes in hex are wanted");
    return true;
}

static bool write_output(const char *path, const void *bytes, size_t size, struct pml_error *err)
{
    if (path && strcmp(path, "-") != 0)
        return pml_write_file(path, bytes, size, 0644, err);
    return pml_write_all(STDOUT_FILENO, bytes, size, err);
}

static bool write_collateral(struct pml_platform *platform, const char *path, struct pml_error *err)
{
    PML_AUTO(mem) char *bundle = NULL;
    if (!pml_platform_collateral(platform, &bundle, err))
        return false;
    if (!bundle)
        return pml_fail(err, PML_UNKNOWN, "no_collateral", "collateral of a real platform comes from the network");
    return write_output(path, bundle, strlen(bundle), err);
}

/* The state directory is used, and so held, only by a simulated platform. */
static bool quote(const struct request *request, struct pml_error *err)
{
    char default_dir[4096];
    uint8_t report_data[PML_REPORT_DATA_SIZE];
    size_t size;
    struct pml_platform_options platform_options = { .simulated = request->simulated, .state_dir = request->state_dir };
    if (!read_report_data(report_data, request->report_data, err))
        return false;
    PML_AUTO(fd) int state = -1;
    if (request->simulated && !pml_platform_in_td()) {
        if (!request->state_dir && !pml_default_state_dir(default_dir, false, err))
            return false;
        platform_options.state_dir = request->state_dir ? request->state_dir : default_dir;
        if ((state = pml_state_open(platform_options.state_dir, err)) < 0)
            return false;
    }
    PML_AUTO(platform) struct pml_platform *platform = pml_platform_open(&platform_options, err);
    if (!platform)
        return false;
    fprintf(stderr, "%s\n", pml_platform_describe(platform)->description);
    PML_AUTO(mem) uint8_t *bytes = pml_platform_quote(platform, report_data, &size, err);
    return bytes && write_output(request->out, bytes, size, err) &&
           (!request->collateral_out || write_collateral(platform, request->collateral_out, err));
}

static int run(int argc, char **argv)
{
    struct pml_error err;
    struct request request = { 0 };
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (opt) {
        case 'r': request.report_data = optarg; break;
        case 's': request.state_dir = optarg; break;
        case 'S': request.simulated = true; break;
        case 'o': request.out = optarg; break;
        case 'c': request.collateral_out = optarg; break;
        case 'h': return pml_cmd_usage(&verb_quote, stdout);
        default: return pml_cmd_usage(&verb_quote, stderr);
        }
    }
    if (optind != argc || !request.report_data)
        return pml_cmd_usage(&verb_quote, stderr);
    return quote(&request, &err) ? 0 : pml_cmd_fail(&verb_quote, &err);
}

const struct verb verb_quote = {
    "quote", "get a TDX quote for given report data",
    "usage: pml quote --report-data HEX [OPTIONS]\n\n"
    "Writes a raw quote to FILE or standard output.\n\n"
    "  --report-data HEX      1 to 64 bytes; fewer than 64 are padded with zeros on the right\n"
    "  --simulated            on a machine that is no TD: a labelled simulation, trusted by nobody unless told to\n"
    "  --state DIR            where the simulated platform lives, default $XDG_STATE_HOME/pml or ~/.local/state/pml\n"
    "  --out FILE             the quote, default standard output\n"
    "  --collateral-out FILE  the simulated platform's collateral bundle\n\n"
    "Exit status: 0 done, 2 usage (also --simulated inside a TD), 3 no platform or it failed.\n",
    run
};
