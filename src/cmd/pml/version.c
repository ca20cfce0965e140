/* SPDX-License-Identifier: MIT */
/* pml version: what this build is. */
#include <getopt.h>

#include "base/digest.h"
#include "cmd.h"

extern const struct verb verb_version;

static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

static int run(int argc, char **argv)
{
    bool json = false;
    struct pml_error err;
    uint8_t digest[PML_SHA256_SIZE];
    char text[PML_DIGEST_TEXT];
    for (int opt; (opt = getopt_long(argc, argv, "jh", options, NULL)) != -1;) {
        switch (opt) {
        case 'j': json = true; break;
        case 'h': return pml_cmd_usage(&verb_version, stdout);
        default: return pml_cmd_usage(&verb_version, stderr);
        }
    }
    if (!pml_build_digest(digest, &err))
        return pml_cmd_fail(&verb_version, &err);
    pml_digest_text(text, digest);
    if (json)
        return pml_cmd_json(
            json_pack("{s:s, s:s, s:b}", "version", PML_VERSION, "build_digest", text, "simulator", PML_SIMULATOR), 0);
    printf("pml %s\nbuild %s\nsimulator %s\n", PML_VERSION, text, PML_SIMULATOR ? "included" : "left out");
    return 0;
}

const struct verb verb_version = {
    "version", "what this build is",
    "usage: pml version [--json]\n\n"
    "Prints the version, the SHA-256 of the executable and whether the simulated platform is included.\n",
    run
};
