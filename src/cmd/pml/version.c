/* SPDX-License-Identifier: MIT */
/* pml version: what this build is. */
#include <getopt.h>

#include "base/digest.h"
#include "cmd.h"
#include "engine/model.h"

extern const struct verb verb_version;

static const struct option options[] = { { "json", no_argument, NULL, 'j' },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

static json_t *simd_json(void)
{
    json_t *names = json_array();
    for (enum pml_simd simd = PML_SIMD_SCALAR; simd < PML_SIMD_COUNT; simd++) {
        if (pml_simd_available(simd))
            json_array_append_new(names, json_string(pml_simd_name(simd)));
    }
    return names;
}

static int run(int argc, char **argv)
{
    bool json = false;
    struct pml_error err;
    uint8_t digest[PML_SHA256_SIZE];
    char text[PML_DIGEST_TEXT];
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
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
        return pml_cmd_json(json_pack("{s:s, s:s, s:b, s:o}", "version", PML_VERSION, "build_digest", text, "simulator",
                                      PML_SIMULATOR, "simd", simd_json()),
                            0);
    printf("pml %s\nbuild %s\nsimulator %s\nsimd", PML_VERSION, text, PML_SIMULATOR ? "included" : "left out");
    for (enum pml_simd simd = PML_SIMD_SCALAR; simd < PML_SIMD_COUNT; simd++) {
        if (pml_simd_available(simd))
            printf(" %s", pml_simd_name(simd));
    }
    putchar('\n');
    return pml_cmd_end(0);
}

const struct verb verb_version = {
    "version", "what this build is",
    "usage: pml version [--json]\n\n"
    "Prints the version, the SHA-256 of the executable, whether the simulated platform is included, and the\n"
    "instruction sets that the engine can use on this CPU.\n\n"
    "  --json  print one JSON object\n\n"
    "Exit status: 0 done, 2 usage, 3 could not run.\n",
    run
};
