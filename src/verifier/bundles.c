/* SPDX-License-Identifier: MIT */
/* Bundles of a file or directory. */
#include "verifier/bundles.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/encode.h"
#include "base/file.h"
#include "dcap/crl.h"
#include "dcap/pem.h"
#include "dcap/tcb_info.h"
#include "tdx/quote.h"

/* What a bundle is about, or a quote asks for. */
struct subject {
    uint8_t fmspc[6];
    bool is_tdx;
    struct pml_bytes ca; /* Name of the PCK CA, borrowed */
};

struct bundle {
    struct pml_collateral collateral;
    struct subject subject;
    int64_t issued, next_update;
};

struct pml_bundles {
    struct bundle *at;
    size_t count, room;
};

struct pml_bundles *pml_bundles_new(struct pml_error *err)
{
    struct pml_bundles *b = calloc(1, sizeof *b);
    return b ? b : pml_fail_memory(err);
}

void pml_bundles_free(struct pml_bundles *bundles)
{
    if (!bundles)
        return;
    for (size_t i = 0; i < bundles->count; i++)
        pml_collateral_free(&bundles->at[i].collateral);
    free(bundles->at);
    free(bundles);
}

size_t pml_bundles_count(const struct pml_bundles *bundles)
{
    return bundles->count;
}

/* --- loading --- */

static bool index_bundle(struct bundle *b, struct pml_error *err)
{
    struct pml_crl crl;
    struct pml_tcb_info info;
    struct pml_collateral *c = &b->collateral;
    if (!pml_crl_parse(&crl, (struct pml_bytes){ c->pck_crl, c->pck_crl_size }, err))
        return false;
    bool parsed = pml_tcb_info_parse(&info, c->tcb_info.bytes, c->tcb_info.size, err);
    if (parsed) {
        b->subject = (struct subject){ .is_tdx = info.is_tdx, .ca = crl.issuer };
        memcpy(b->subject.fmspc, info.fmspc, sizeof b->subject.fmspc);
        b->issued = info.issue_date;
        b->next_update = info.next_update;
        c->pck_chain = (struct pml_text){ 0 };
    }
    pml_tcb_info_free(&info);
    return parsed;
}

static bool reserve(struct pml_bundles *b, struct pml_error *err)
{
    if (b->count < b->room)
        return true;
    if (b->count == PML_BUNDLES_MAX)
        return pml_fail(err, PML_USAGE, "usage", "more than %d bundles", PML_BUNDLES_MAX);
    size_t room = b->room ? 2 * b->room : 16;
    struct bundle *grown = realloc(b->at, room * sizeof *grown);
    if (!grown)
        return pml_fail_memory(err);
    b->at = grown;
    b->room = room;
    return true;
}

static bool load_file(struct pml_bundles *bundles, const char *path, struct pml_error *err)
{
    size_t size;
    PML_AUTO(mem) char *text = pml_read_file(path, PML_COLLATERAL_MAX, &size, err);
    if (!text || !reserve(bundles, err))
        return false;
    struct bundle *b = &bundles->at[bundles->count];
    if (!pml_collateral_parse(&b->collateral, text, size, err))
        return pml_wrap(err, "%s", path);
    if (!index_bundle(b, err)) {
        pml_collateral_free(&b->collateral);
        return pml_wrap(err, "%s", path);
    }
    bundles->count++;
    return true;
}

static bool is_bundle_name(const char *name)
{
    size_t size = strlen(name);
    return name[0] != '.' && size > 5 && strcmp(name + size - 5, ".json") == 0;
}

bool pml_bundles_load(struct pml_bundles *bundles, const char *path, struct pml_error *err)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return pml_fail_io(err, "%s", path);
    if (!S_ISDIR(about.st_mode))
        return load_file(bundles, path, err);
    DIR *entries = opendir(path);
    if (!entries)
        return pml_fail_io(err, "%s", path);
    bool loaded = true;
    for (struct dirent *entry; loaded && (entry = readdir(entries));) {
        char file[4096];
        if (is_bundle_name(entry->d_name))
            loaded = load_file(bundles, pml_path(file, path, entry->d_name), err);
    }
    closedir(entries);
    return loaded;
}

/* --- finding --- */

/* CHAIN keeps what the subject borrows. */
static bool read_subject(struct subject *out, struct pml_chain *chain, const void *quote, size_t size,
                         struct pml_error *err)
{
    struct pml_quote q;
    struct pml_cert leaf;
    struct pml_pck pck;
    if (!pml_quote_parse(&q, quote, size, err))
        return false;
    if (q.cert_type != PML_CERT_PCK_CHAIN)
        return pml_fail(err, PML_UNKNOWN, "collateral_unavailable",
                        "the quote does not carry its PCK chain, so its platform is not known");
    if (!pml_chain_decode(chain, (const char *)q.cert_data, q.cert_size, 3, "pck_chain", err) ||
        !pml_cert_parse(&leaf, chain->cert[0], "pck_chain", err) || !pml_pck_parse(&pck, leaf.sgx_extension, err))
        return pml_wrap(err, "pck chain");
    *out = (struct subject){ .is_tdx = pml_quote_is_td(&q), .ca = leaf.issuer };
    memcpy(out->fmspc, pck.fmspc, sizeof out->fmspc);
    return true;
}

static bool is_about(const struct bundle *b, const struct subject *wanted)
{
    return b->subject.is_tdx == wanted->is_tdx && pml_bytes_same(b->subject.ca, wanted->ca) &&
           memcmp(b->subject.fmspc, wanted->fmspc, sizeof wanted->fmspc) == 0;
}

/* Is A the better of two that are about the same platforms? */
static bool is_better(const struct bundle *a, const struct bundle *b, int64_t now)
{
    bool a_issued = a->issued <= now, b_issued = b->issued <= now;
    if (a_issued != b_issued)
        return a_issued;
    return a_issued ? a->issued > b->issued : a->issued < b->issued;
}

const struct pml_collateral *pml_bundles_find(const struct pml_bundles *bundles, const void *quote, size_t quote_size,
                                              int64_t now, bool *current, struct pml_error *err)
{
    char fmspc[13];
    struct pml_chain chain;
    struct subject wanted;
    const struct bundle *best = NULL;
    if (!read_subject(&wanted, &chain, quote, quote_size, err))
        return NULL;
    for (size_t i = 0; i < bundles->count; i++) {
        const struct bundle *b = &bundles->at[i];
        if (is_about(b, &wanted) && (!best || is_better(b, best, now)))
            best = b;
    }
    if (!best)
        return pml_fail(err, PML_UNKNOWN, "collateral_unavailable", "no collateral for %s platforms of fmspc %s here",
                        wanted.is_tdx ? "TDX" : "SGX", pml_hex(fmspc, wanted.fmspc, sizeof wanted.fmspc));
    if (current)
        *current = best->issued <= now && now <= best->next_update;
    return &best->collateral;
}
