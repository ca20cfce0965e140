/* SPDX-License-Identifier: MIT */
/* Collateral of a simulated platform. */
#include "tdx/platform/sim_collateral.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/encode.h"
#include "base/json.h"
#include "base/time.h"
#include "crypto/p256.h"

enum { HOUR = 3600, DAY = 86400, LIFETIME = 30 * DAY, COMPONENTS = 16 };

static const char zero96[] =
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000";

void pml_sim_qe_signer(uint8_t digest[32])
{
    static const char text[] = "pmlsdk.sim/1 qe signer";
    pml_sha256(digest, text, strlen(text));
}

/* An object that is filled member by member and checked once, at the end. */
struct document {
    json_t *object;
    bool failed;
};

static struct document begin(void)
{
    json_t *object = json_object();
    return (struct document){ object, object == NULL };
}

/* Takes VALUE; NULL fails the document. */
static void put(struct document *d, const char *name, json_t *value)
{
    d->failed |= json_object_set_new(d->object, name, value) != 0;
}

static void put_text(struct document *d, const char *name, const char *value)
{
    put(d, name, json_string(value));
}

static void put_int(struct document *d, const char *name, int value)
{
    put(d, name, json_integer(value));
}

static json_t *end(struct document *d)
{
    if (d->failed)
        json_decref(d->object);
    return d->failed ? NULL : d->object;
}

static json_t *array_of(json_t *first, json_t *second)
{
    json_t *array = json_array();
    bool failed = json_array_append_new(array, first) != 0;
    if (second)
        failed |= json_array_append_new(array, second) != 0;
    if (failed)
        json_decref(array);
    return failed ? NULL : array;
}

static json_t *components(const uint8_t svn[COMPONENTS])
{
    json_t *array = json_array();
    bool failed = false;
    for (size_t i = 0; i < COMPONENTS; i++)
        failed |= json_array_append_new(array, json_pack("{s:i}", "svn", svn[i])) != 0;
    if (failed)
        json_decref(array);
    return failed ? NULL : array;
}

static json_t *level(json_t *tcb, const char *date, const char *status, const char *advisory)
{
    struct document d = begin();
    put(&d, "tcb", tcb);
    put_text(&d, "tcbDate", date);
    put_text(&d, "tcbStatus", status);
    if (advisory)
        put(&d, "advisoryIDs", json_pack("[s]", advisory));
    return end(&d);
}

static json_t *platform_tcb(const uint8_t sgx[COMPONENTS], int pce_svn, const uint8_t tdx[COMPONENTS])
{
    struct document d = begin();
    put(&d, "sgxtcbcomponents", components(sgx));
    put_int(&d, "pcesvn", pce_svn);
    put(&d, "tdxtcbcomponents", components(tdx));
    return end(&d);
}

/* The one level of the module's and the QE's identity. */
static json_t *identity_levels(int isvsvn, const char *date)
{
    return array_of(level(json_pack("{s:i}", "isvsvn", isvsvn), date, "UpToDate", NULL), NULL);
}

static json_t *platform_levels(const struct pml_sim_sgx *sgx, const char *date, const char *old_date)
{
    static const uint8_t tdx[COMPONENTS] = { 5, 1, 2 }, zero[COMPONENTS] = { 0 };
    return array_of(level(platform_tcb(sgx->svn, sgx->pce_svn, tdx), date, "UpToDate", NULL),
                    level(platform_tcb(zero, 0, zero), old_date, "OutOfDate", "PML-SIMULATED-OLD"));
}

/* ID NULL: tdxModule; else an entry of tdxModuleIdentities with its LEVELS. */
static json_t *tdx_module(const char *id, json_t *levels)
{
    struct document d = begin();
    if (id)
        put_text(&d, "id", id);
    put_text(&d, "mrsigner", zero96);
    put_text(&d, "attributes", "0000000000000000");
    put_text(&d, "attributesMask", "FFFFFFFFFFFFFFFF");
    if (id)
        put(&d, "tcbLevels", levels);
    return end(&d);
}

struct dates {
    char issue[PML_TIME_TEXT], next[PML_TIME_TEXT], made[PML_TIME_TEXT], old[PML_TIME_TEXT];
};

static json_t *make_tcb_info(const struct pml_sim_sgx *sgx, const struct dates *dates)
{
    char fmspc[13], pce_id[5];
    struct document d = begin();
    put_text(&d, "id", "TDX");
    put_int(&d, "version", 3);
    put_text(&d, "issueDate", dates->issue);
    put_text(&d, "nextUpdate", dates->next);
    put_text(&d, "fmspc", pml_hex(fmspc, sgx->fmspc, sizeof sgx->fmspc));
    put_text(&d, "pceId", pml_hex(pce_id, sgx->pce_id, sizeof sgx->pce_id));
    put_int(&d, "tcbType", 0);
    put_int(&d, "tcbEvaluationDataNumber", 1);
    put(&d, "tdxModule", tdx_module(NULL, NULL));
    put(&d, "tdxModuleIdentities", array_of(tdx_module("TDX_01", identity_levels(5, dates->made)), NULL));
    put(&d, "tcbLevels", platform_levels(sgx, dates->made, dates->old));
    return end(&d);
}

static json_t *make_qe_identity(const struct dates *dates)
{
    uint8_t signer[32];
    char signer_hex[65];
    pml_sim_qe_signer(signer);
    struct document d = begin();
    put_text(&d, "id", "TD_QE");
    put_int(&d, "version", 2);
    put_text(&d, "issueDate", dates->issue);
    put_text(&d, "nextUpdate", dates->next);
    put_int(&d, "tcbEvaluationDataNumber", 1);
    put_text(&d, "miscselect", "00000000");
    put_text(&d, "miscselectMask", "FFFFFFFF");
    put_text(&d, "attributes", "11000000000000000000000000000000");
    put_text(&d, "attributesMask", "FBFFFFFFFFFFFFFF0000000000000000");
    put_text(&d, "mrsigner", pml_hex(signer_hex, signer, sizeof signer));
    put_int(&d, "isvprodid", 2);
    put(&d, "tcbLevels", identity_levels(4, dates->made));
    return end(&d);
}

bool pml_sim_collateral(struct pml_sim_collateral *out, const struct pml_sim_sgx *sgx, int64_t made, int64_t now,
                        struct pml_error *err)
{
    struct dates d;
    pml_time_text(d.issue, now - HOUR);
    pml_time_text(d.next, now + LIFETIME);
    pml_time_text(d.made, made / DAY * DAY);
    pml_time_text(d.old, made / DAY * DAY - 365 * DAY);
    const struct pml_crl_spec crl = { .this_update = now - HOUR, .next_update = now + LIFETIME, .number = now };
    *out = (struct pml_sim_collateral){
        .tcb_info = make_tcb_info(sgx, &d), .qe_identity = make_qe_identity(&d), .root_crl = crl, .pck_crl = crl
    };
    return out->tcb_info && out->qe_identity ? true : (bool)pml_fail_memory(err);
}

void pml_sim_collateral_free(struct pml_sim_collateral *c)
{
    json_decref(c->tcb_info);
    json_decref(c->qe_identity);
    c->tcb_info = c->qe_identity = NULL;
}

void pml_sim_collateral_auto(struct pml_sim_collateral *c)
{
    pml_sim_collateral_free(c);
}

/* Sets NAME to the compact text of DOCUMENT and NAME_signature to its signature. */
static bool put_signed(json_t *bundle, const char *name, const json_t *document, EVP_PKEY *key, struct pml_error *err)
{
    size_t size;
    uint8_t sig[PML_P256_SIG_SIZE];
    char hex[2 * PML_P256_SIG_SIZE + 1], member[64];
    PML_AUTO(mem) char *text = pml_json_dump(document, &size, err);
    if (!text || !pml_p256_sign(sig, key, text, size, err))
        return false;
    snprintf(member, sizeof member, "%s_signature", name);
    if (json_object_set_new(bundle, name, json_string(text)) != 0 ||
        json_object_set_new(bundle, member, json_string(pml_hex(hex, sig, sizeof sig))) != 0)
        return pml_fail_memory(err);
    return true;
}

static bool put_crl(json_t *bundle, const char *name, const struct pml_crl_spec *spec, X509 *issuer, EVP_PKEY *key,
                    struct pml_error *err)
{
    size_t size;
    PML_AUTO(x509_crl) X509_CRL *crl = pml_crl_build(spec, issuer, key, err);
    PML_AUTO(mem) uint8_t *der = crl ? pml_crl_der(crl, &size, err) : NULL;
    if (!der)
        return false;
    PML_AUTO(mem) char *hex = malloc(2 * size + 1);
    if (!hex || json_object_set_new(bundle, name, json_string(pml_hex(hex, der, size))) != 0)
        return pml_fail_memory(err);
    return true;
}

static bool put_chain(json_t *bundle, const char *name, const struct pml_sim_pki *pki, enum pml_sim_role first,
                      struct pml_error *err)
{
    PML_AUTO(mem) char *chain = pml_sim_chain(pki, (const enum pml_sim_role[]){ first, PML_SIM_ROOT }, 2, err);
    if (!chain)
        return false;
    return json_object_set_new(bundle, name, json_string(chain)) == 0 ? true : (bool)pml_fail_memory(err);
}

char *pml_sim_bundle(const struct pml_sim_collateral *c, const struct pml_sim_pki *pki, struct pml_error *err)
{
    PML_AUTO(json) json_t *bundle = json_object();
    EVP_PKEY *signer = pki->key[PML_SIM_TCB_SIGNING];
    if (!bundle)
        return pml_fail_memory(err);
    if (!put_chain(bundle, "pck_crl_issuer_chain", pki, PML_SIM_PLATFORM_CA, err) ||
        !put_crl(bundle, "root_ca_crl", &c->root_crl, pki->cert[PML_SIM_ROOT], pki->key[PML_SIM_ROOT], err) ||
        !put_crl(bundle, "pck_crl", &c->pck_crl, pki->cert[PML_SIM_PLATFORM_CA], pki->key[PML_SIM_PLATFORM_CA], err) ||
        !put_chain(bundle, "tcb_info_issuer_chain", pki, PML_SIM_TCB_SIGNING, err) ||
        !put_signed(bundle, "tcb_info", c->tcb_info, signer, err) ||
        !put_chain(bundle, "qe_identity_issuer_chain", pki, PML_SIM_TCB_SIGNING, err) ||
        !put_signed(bundle, "qe_identity", c->qe_identity, signer, err))
        return NULL;
    return pml_json_dump(bundle, NULL, err);
}

/* Narrows ISSUED..NEXT by those of one signed document. */
static bool read_signed(int64_t *issued, int64_t *next, const json_t *bundle, const char *name, EVP_PKEY *key,
                        struct pml_error *err)
{
    char member[64];
    uint8_t sig[PML_P256_SIG_SIZE];
    int64_t from, until;
    snprintf(member, sizeof member, "%s_signature", name);
    const char *text = pml_json_text(bundle, name, err);
    if (!text || !pml_json_hex(sig, sizeof sig, bundle, member, err))
        return false;
    if (!pml_p256_verify(key, sig, text, strlen(text)))
        return pml_fail(err, PML_NO, "sim_state", "%s is not signed by this platform", name);
    PML_AUTO(json) json_t *document = pml_json_load(text, strlen(text), err);
    const char *issue_date = document ? pml_json_text(document, "issueDate", err) : NULL;
    const char *next_update = issue_date ? pml_json_text(document, "nextUpdate", err) : NULL;
    if (!next_update)
        return false;
    if (!pml_time_parse(&from, issue_date) || !pml_time_parse(&until, next_update))
        return pml_fail(err, PML_NO, "sim_state", "%s has no dates", name);
    *issued = from > *issued ? from : *issued;
    *next = until < *next ? until : *next;
    return true;
}

static bool check_crl(const json_t *bundle, const char *name, EVP_PKEY *key, struct pml_error *err)
{
    const char *hex = pml_json_text(bundle, name, err);
    if (!hex)
        return false;
    size_t size = strlen(hex) / 2;
    PML_AUTO(mem) uint8_t *der = malloc(size + 1);
    if (!der)
        return pml_fail_memory(err);
    const uint8_t *at = der;
    PML_AUTO(x509_crl)
    X509_CRL *crl = pml_unhex(der, size, hex, strlen(hex)) ? d2i_X509_CRL(NULL, &at, (long)size) : NULL;
    bool good = crl && at == der + size && X509_CRL_verify(crl, key) == 1;
    ERR_clear_error();
    return good ? true : (bool)pml_fail(err, PML_NO, "sim_state", "%s is not signed by this platform", name);
}

bool pml_sim_bundle_dates(int64_t *issued, int64_t *next_update, const char *text, size_t size,
                          const struct pml_sim_pki *pki, struct pml_error *err)
{
    *issued = 0;
    *next_update = INT64_MAX;
    EVP_PKEY *signer = pki->key[PML_SIM_TCB_SIGNING];
    PML_AUTO(json) json_t *bundle = pml_json_load(text, size, err);
    if (bundle && read_signed(issued, next_update, bundle, "tcb_info", signer, err) &&
        read_signed(issued, next_update, bundle, "qe_identity", signer, err) &&
        check_crl(bundle, "root_ca_crl", pki->key[PML_SIM_ROOT], err) &&
        check_crl(bundle, "pck_crl", pki->key[PML_SIM_PLATFORM_CA], err) &&
        pml_json_text(bundle, "pck_crl_issuer_chain", err) && pml_json_text(bundle, "tcb_info_issuer_chain", err) &&
        pml_json_text(bundle, "qe_identity_issuer_chain", err))
        return true;
    err->kind = PML_UNKNOWN;
    err->code = "sim_state";
    return pml_wrap(err, "damaged");
}
