/* SPDX-License-Identifier: MIT */
/* The attestation report: building it from one snapshot, and reading one from outside. */
#include "aci/report.h"

#include <stdlib.h>
#include <string.h>

#include "aci/members.h"
#include "base/encode.h"
#include "base/jcs.h"
#include "base/json.h"
#include "base/memory.h"

static json_t *provenance(const struct pml_report_parts *parts)
{
    bool repo = parts->repo_url && *parts->repo_url && parts->repo_commit && *parts->repo_commit;
    return json_pack("{s:s?, s:s?, s:o, s:n}", "repo_url", repo ? parts->repo_url : NULL, "repo_commit",
                     repo ? parts->repo_commit : NULL, "image_digest", pml_json_digest(parts->image_digest),
                     "image_provenance");
}

static json_t *evidence(const struct pml_report_parts *parts)
{
    uint8_t slot[PML_REPORT_DATA_SLOT];
    pml_statement_slot(slot, parts->report_data);
    return json_pack("{s:o, s:o, s:s, s:s, s:s, s:{s:s, s:O, s:O, s:O}}", "quote",
                     pml_json_hex_text(parts->quote, parts->quote_size), "quote_report_data",
                     pml_json_hex_text(slot, sizeof slot), "event_log", parts->event_log, "app_compose",
                     parts->app_compose, "vm_config", parts->vm_config, "pml", "platform", parts->platform, "models",
                     parts->models, "engine", parts->engine, "collateral",
                     parts->collateral ? parts->collateral : json_null());
}

char *pml_report_build(const struct pml_report_parts *parts, size_t *size, struct pml_error *err)
{
    PML_AUTO(json)
    json_t *document =
        json_pack("{s:s, s:o, s:{s:s, s:O, s:o, s:o, s:o}, s:{s:[], s:s}}", "api_version", PML_ACI_VERSION,
                  "workload_keyset_digest", pml_json_digest(parts->keyset->digest), "attestation", "tee_type", "tdx",
                  "workload_keyset", parts->keyset->document, "report_data",
                  pml_json_hex_text(parts->report_data, PML_SHA256_SIZE), "source_provenance", provenance(parts),
                  "evidence", evidence(parts), "service_capabilities", "supported_e2ee_versions", "serving", "direct");
    if (!document)
        return pml_fail_memory(err);
    return pml_json_dump(document, size, err);
}

static bool expect_text(const json_t *object, const char *name, const char *wanted, struct pml_error *err)
{
    const char *text = pml_json_text(object, name, err);
    if (text && strcmp(text, wanted) != 0)
        return pml_fail(err, PML_NO, "report", "%s: not \"%s\"", name, wanted);
    return text;
}

static bool read_quote(struct pml_report *report, const json_t *evidence, struct pml_error *err)
{
    const char *hex;
    if (!pml_member_text_or_null(&hex, evidence, "quote", err))
        return false;
    if (!hex)
        return true;
    report->quote_size = strlen(hex) / 2;
    report->quote = malloc(report->quote_size + 1);
    if (!report->quote)
        return pml_fail_memory(err);
    if (!pml_unhex(report->quote, report->quote_size, hex, strlen(hex)))
        return pml_fail(err, PML_NO, "report", "quote: not hex");
    return true;
}

static bool read_evidence(struct pml_report *report, const json_t *evidence, struct pml_error *err)
{
    const json_t *pml;
    return read_quote(report, evidence, err) &&
           pml_member_text_or_null(&report->quote_report_data, evidence, "quote_report_data", err) &&
           pml_member_text_or_null(&report->event_log, evidence, "event_log", err) &&
           pml_member_text_or_null(&report->app_compose, evidence, "app_compose", err) &&
           pml_member_or_null(&pml, evidence, "pml", JSON_OBJECT, err) &&
           pml_member_text_or_null(&report->platform, pml, "platform", err) &&
           pml_member_or_null(&report->models, pml, "models", JSON_ARRAY, err) &&
           pml_member_or_null(&report->engine, pml, "engine", JSON_OBJECT, err) &&
           pml_member_or_null(&report->collateral, pml, "collateral", JSON_OBJECT, err);
}

static bool read_document(struct pml_report *report, struct pml_error *err)
{
    if (!expect_text(report->document, "api_version", PML_ACI_VERSION, err) ||
        !pml_member_digest(report->claimed_keyset_digest, report->document, "workload_keyset_digest", err))
        return false;
    const json_t *attestation = pml_json_object(report->document, "attestation", err);
    if (!attestation)
        return false;
    if (!expect_text(attestation, "tee_type", "tdx", err) ||
        !pml_member_hex(report->report_data, PML_SHA256_SIZE, attestation, "report_data", err))
        return pml_wrap(err, "attestation");
    if (!pml_keyset_parse(&report->keyset, json_object_get(attestation, "workload_keyset"), err))
        return pml_wrap(err, "workload_keyset");
    const json_t *evidence = pml_json_object(attestation, "evidence", err);
    if (!evidence || !read_evidence(report, evidence, err))
        return pml_wrap(err, "evidence");
    return true;
}

bool pml_report_parse(struct pml_report *out, const char *text, size_t size, struct pml_error *err)
{
    PML_AUTO(report) struct pml_report report = { 0 };
    if (size > PML_REPORT_MAX)
        return pml_fail(err, PML_NO, "report", "larger than %u bytes", PML_REPORT_MAX);
    report.document = pml_jcs_load(text, size, err);
    if (!report.document || !read_document(&report, err))
        return false;
    *out = report;
    report = (struct pml_report){ 0 };
    return true;
}

bool pml_report_check_binding(const struct pml_report *report, const uint8_t *nonce,
                              const uint8_t slot[PML_REPORT_DATA_SLOT], struct pml_error *err)
{
    uint8_t expected[PML_SHA256_SIZE];
    uint8_t expected_slot[PML_REPORT_DATA_SLOT];
    char hex[2 * PML_REPORT_DATA_SLOT + 1];
    if (memcmp(report->claimed_keyset_digest, report->keyset.digest, PML_SHA256_SIZE) != 0)
        return pml_fail(err, PML_NO, "keyset_digest", "workload_keyset_digest is not the digest of the keyset");
    pml_statement_report_data(expected, report->keyset.digest, nonce);
    if (memcmp(report->report_data, expected, sizeof expected) != 0)
        return pml_fail(err, PML_NO, "report_data", "report_data does not state this keyset and nonce");
    pml_statement_slot(expected_slot, expected);
    if (memcmp(slot, expected_slot, sizeof expected_slot) != 0)
        return pml_fail(err, PML_NO, "report_data",
                        "the quote does not carry the report data of this keyset and nonce");
    if (report->quote_report_data && strcmp(report->quote_report_data, pml_hex(hex, slot, PML_REPORT_DATA_SLOT)) != 0)
        return pml_fail(err, PML_NO, "report_data", "quote_report_data is not the quote's");
    return true;
}

void pml_report_wipe(struct pml_report *report)
{
    json_decref(report->document);
    pml_keyset_wipe(&report->keyset);
    free(report->quote);
    *report = (struct pml_report){ 0 };
}

void pml_report_auto(struct pml_report *report)
{
    pml_report_wipe(report);
}
