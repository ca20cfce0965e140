/* SPDX-License-Identifier: MIT */
/* pml onchain: what it takes to have a quote verified by a contract (spec dcap §5). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/memory.h"
#include "cmd.h"
#include "dcap/onchain.h"
#include "quote_file.h"

extern const struct verb verb_onchain;

enum { KEEP_PADDING = 256 };

static const struct option options[] = { { "keep-padding", no_argument, NULL, KEEP_PADDING },
                                         { "help", no_argument, NULL, 'h' },
                                         { 0 } };

static bool print_calldata(const char *path, bool keep_padding, struct pml_error *err)
{
    size_t size;
    PML_AUTO(buf) struct pml_buf call = { 0 }, text = { 0 };
    PML_AUTO(mem) char *quote = quote_file_read(path, &size, err);
    if (!quote)
        return false;
    pml_onchain_put_call(&call, quote, keep_padding ? size : pml_onchain_trimmed_size(quote, size));
    pml_put_text(&text, "0x");
    pml_put_hex(&text, call.bytes, call.size);
    pml_put_text(&text, "\n");
    if (!pml_buf_check(&call, err) || !pml_buf_check(&text, err))
        return false;
    fwrite(text.bytes, 1, text.size, stdout);
    return true;
}

static int run(int argc, char **argv)
{
    struct pml_error err;
    bool keep_padding = false;
    for (int opt; (opt = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        switch (opt) {
        case KEEP_PADDING: keep_padding = true; break;
        case 'h': return pml_cmd_usage(&verb_onchain, stdout);
        default: return pml_cmd_usage(&verb_onchain, stderr);
        }
    }
    if (argc - optind != 2 || strcmp(argv[optind], "calldata") != 0)
        return pml_cmd_usage(&verb_onchain, stderr);
    if (!print_calldata(argv[optind + 1], keep_padding, &err))
        return pml_cmd_fail(&verb_onchain, &err);
    return pml_cmd_end(0);
}

const struct verb verb_onchain = {
    "onchain", "the call that has a quote verified by a contract",
    "usage: pml onchain calldata QUOTE [OPTIONS]\n\n"
    "Prints the calldata of verifyAndAttestOnChain(bytes) for a quote (a file or -, binary or hex), in hex, for use\n"
    "with any wallet or node. pml verify --onchain makes the call itself.\n\n"
    "  --keep-padding  also the zeros behind the quote, which only cost\n\n"
    "Exit status: 0 done, 1 not a quote's hex, 2 usage, 3 the file could not be read.\n",
    run
};
