/* SPDX-License-Identifier: MIT */
/* The workload keyset: building, reading, and the rules that keep its roles apart. */
#include "aci/keyset.h"

#include <string.h>
#include <strings.h>

#include "aci/members.h"
#include "base/encode.h"
#include "base/jcs.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/time.h"

enum { MAX_KEYS = 64 }; /* of a role; bounds the comparisons below */

static bool is_lower_hex(const char *text)
{
    return *text && strlen(text) % 2 == 0 && strspn(text, "0123456789abcdef") == strlen(text);
}

/* One entry of receipt_signing_keys or e2ee_public_keys. */
static bool check_key(const json_t *keys, size_t at, struct pml_error *err)
{
    const json_t *key = json_array_get(keys, at);
    const char *id = pml_json_text(key, "key_id", err);
    const char *algo = id ? pml_json_text(key, "algo", err) : NULL;
    const char *public_key = algo ? pml_json_text(key, "public_key", err) : NULL;
    if (!public_key)
        return false;
    if (!*id || !is_lower_hex(public_key))
        return pml_fail(err, PML_NO, "keyset", "empty key_id, or public_key is not lower-case hex");
    if (!strcmp(algo, "ed25519") && strlen(public_key) != (size_t)2 * PML_RECEIPT_KEY_SIZE)
        return pml_fail(err, PML_NO, "keyset", "ed25519 key is not 32 bytes");
    for (size_t i = 0; i < at; i++) {
        if (!strcmp(id, json_string_value(json_object_get(json_array_get(keys, i), "key_id"))))
            return pml_fail(err, PML_NO, "keyset", "key_id is used twice");
    }
    return true;
}

static bool check_keys(const json_t *keys, struct pml_error *err)
{
    if (json_array_size(keys) > MAX_KEYS)
        return pml_fail(err, PML_NO, "keyset", "more than %d keys", MAX_KEYS);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        if (!check_key(keys, i, err))
            return pml_wrap(err, "[%zu]", i);
    }
    return true;
}

static bool check_tls_keys(const json_t *keys, struct pml_error *err)
{
    uint8_t spki[PML_SHA256_SIZE];
    const char *domain;
    if (json_array_size(keys) > MAX_KEYS)
        return pml_fail(err, PML_NO, "keyset", "more than %d keys", MAX_KEYS);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        if (!pml_member_hex(spki, sizeof spki, key, "spki_sha256", err) ||
            !pml_member_text_or_null(&domain, key, "domain", err))
            return pml_wrap(err, "[%zu]", i);
    }
    return true;
}

static const char *public_key_of(const json_t *key)
{
    return json_string_value(json_object_get(key, "public_key"));
}

/* The SPKI digest a receipt key would have as a TLS key: RFC 8410 §4, a fixed prefix before the raw key. */
static void ed25519_spki(char out[2 * PML_SHA256_SIZE + 1], const char *public_key)
{
    uint8_t der[12 + PML_RECEIPT_KEY_SIZE] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
    uint8_t digest[PML_SHA256_SIZE] = { 0 };
    if (pml_unhex_lower(der + 12, PML_RECEIPT_KEY_SIZE, public_key, strlen(public_key)))
        pml_sha256(digest, der, sizeof der);
    pml_hex(out, digest, sizeof digest);
}

static bool check_roles(const json_t *receipt, const json_t *e2ee, const json_t *tls, struct pml_error *err)
{
    bool signs = false;
    size_t i, j;
    json_t *key, *other;
    json_array_foreach((json_t *)receipt, i, key) {
        char spki[2 * PML_SHA256_SIZE + 1];
        signs |= !strcmp(json_string_value(json_object_get(key, "algo")), "ed25519");
        json_array_foreach((json_t *)e2ee, j, other) {
            if (!strcmp(public_key_of(key), public_key_of(other)))
                return pml_fail(err, PML_NO, "keyset", "a key is both a receipt and an encryption key");
        }
        ed25519_spki(spki, public_key_of(key));
        json_array_foreach((json_t *)tls, j, other) {
            if (!strcmp(spki, json_string_value(json_object_get(other, "spki_sha256"))))
                return pml_fail(err, PML_NO, "keyset", "a key is both a receipt and a TLS key");
        }
    }
    if (!signs)
        return pml_fail(err, PML_NO, "keyset", "receipt_signing_keys: no ed25519 key");
    return true;
}

bool pml_keyset_parse(struct pml_keyset *out, json_t *document, struct pml_error *err)
{
    struct pml_keyset keyset = { 0 };
    const char *subject;
    if (!json_is_object(document))
        return pml_fail(err, PML_NO, "keyset", "not an object");
    if (!pml_member_text_or_null(&subject, document, "subject", err) ||
        !pml_member_count(&keyset.not_after, document, "not_after", 0, err))
        return false;
    const json_t *receipt = pml_json_array(document, "receipt_signing_keys", err);
    const json_t *e2ee = receipt ? pml_json_array(document, "e2ee_public_keys", err) : NULL;
    const json_t *tls = e2ee ? pml_json_array(document, "tls_public_keys", err) : NULL;
    if (!tls)
        return false;
    if (!check_keys(receipt, err))
        return pml_wrap(err, "receipt_signing_keys");
    if (!check_keys(e2ee, err))
        return pml_wrap(err, "e2ee_public_keys");
    if (!check_tls_keys(tls, err))
        return pml_wrap(err, "tls_public_keys");
    if (!check_roles(receipt, e2ee, tls, err) || !pml_jcs_sha256(keyset.digest, document, err))
        return false;
    keyset.document = json_incref(document);
    *out = keyset;
    return true;
}

static json_t *e2ee_array(const struct pml_keyset_parts *parts)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < parts->e2ee_count; i++) {
        const struct pml_e2ee_key *key = &parts->e2ee[i];
        if (json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "key_id", key->key_id, "algo", key->algo,
                                                   "public_key", key->public_key)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *tls_array(const struct pml_keyset_parts *parts)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < parts->tls_count; i++) {
        char spki[2 * PML_SHA256_SIZE + 1];
        pml_hex(spki, parts->tls[i].spki_sha256, PML_SHA256_SIZE);
        if (json_array_append_new(array,
                                  json_pack("{s:s, s:s*}", "spki_sha256", spki, "domain", parts->tls[i].domain)) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

bool pml_keyset_build(struct pml_keyset *out, const struct pml_keyset_parts *parts, struct pml_error *err)
{
    char receipt[2 * PML_RECEIPT_KEY_SIZE + 1];
    pml_hex(receipt, parts->receipt_public_key, sizeof parts->receipt_public_key);
    PML_AUTO(json)
    json_t *document = json_pack("{s:s?, s:I, s:[{s:s, s:s, s:s}], s:o, s:o}", "subject", parts->subject, "not_after",
                                 (json_int_t)parts->not_after, "receipt_signing_keys", "key_id", parts->receipt_key_id,
                                 "algo", "ed25519", "public_key", receipt, "e2ee_public_keys", e2ee_array(parts),
                                 "tls_public_keys", tls_array(parts));
    if (!document)
        return pml_fail_memory(err);
    return pml_keyset_parse(out, document, err);
}

bool pml_keyset_check_time(const struct pml_keyset *keyset, int64_t now, struct pml_error *err)
{
    char text[PML_TIME_TEXT];
    if (now >= keyset->not_after)
        return pml_fail(err, PML_NO, "keyset_expired", "keyset expired at %s", pml_time_text(text, keyset->not_after));
    if (keyset->not_after - now > PML_KEYSET_MAX_LIFE)
        return pml_fail(err, PML_NO, "keyset_lifetime", "keyset is good for more than 400 days");
    return true;
}

bool pml_keyset_receipt_key(uint8_t public_key[PML_RECEIPT_KEY_SIZE], const struct pml_keyset *keyset,
                            const char *key_id)
{
    size_t i;
    json_t *key;
    json_array_foreach(json_object_get(keyset->document, "receipt_signing_keys"), i, key) {
        if (!strcmp(json_string_value(json_object_get(key, "key_id")), key_id))
            return !strcmp(json_string_value(json_object_get(key, "algo")), "ed25519") &&
                   pml_unhex_lower(public_key, PML_RECEIPT_KEY_SIZE, public_key_of(key), strlen(public_key_of(key)));
    }
    return false;
}

static size_t size_without_dot(const char *name)
{
    size_t size = strlen(name);
    return size && name[size - 1] == '.' ? size - 1 : size;
}

static bool applies(const json_t *key, const char *host)
{
    const char *domain = json_string_value(json_object_get(key, "domain"));
    return !domain || (size_without_dot(domain) == size_without_dot(host) &&
                       strncasecmp(domain, host, size_without_dot(host)) == 0);
}

bool pml_keyset_lists_tls(const struct pml_keyset *keyset, const char *host, const uint8_t spki_sha256[PML_SHA256_SIZE])
{
    size_t i;
    json_t *key;
    char wanted[2 * PML_SHA256_SIZE + 1];
    pml_hex(wanted, spki_sha256, PML_SHA256_SIZE);
    json_array_foreach(json_object_get(keyset->document, "tls_public_keys"), i, key) {
        if (applies(key, host) && !strcmp(json_string_value(json_object_get(key, "spki_sha256")), wanted))
            return true;
    }
    return false;
}

bool pml_keyset_serves_host(const struct pml_keyset *keyset, const char *host)
{
    size_t i;
    json_t *key;
    json_array_foreach(json_object_get(keyset->document, "tls_public_keys"), i, key) {
        if (applies(key, host))
            return true;
    }
    return json_array_size(json_object_get(keyset->document, "tls_public_keys")) == 0;
}

void pml_keyset_wipe(struct pml_keyset *keyset)
{
    json_decref(keyset->document);
    *keyset = (struct pml_keyset){ 0 };
}

void pml_keyset_auto(struct pml_keyset *keyset)
{
    pml_keyset_wipe(keyset);
}
