/* SPDX-License-Identifier: MIT */
/* P-256 through OpenSSL's EC_KEY, which is measurably faster than EVP_PKEY for one verification a key (bench/verify.c).
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dcap/ecdsa.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/objects.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

static EC_GROUP *p256;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_group(void)
{
    p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
    if (!p256)
        abort(); /* no memory, or an OpenSSL without P-256 */
}

/* The key of a point; NULL if it is not on the curve. */
static EC_KEY *new_key(const uint8_t point[64])
{
    uint8_t octets[65] = { POINT_CONVERSION_UNCOMPRESSED };
    pthread_once(&once, make_group);
    EC_KEY *key = EC_KEY_new();
    memcpy(octets + 1, point, 64);
    if (!key || EC_KEY_set_group(key, p256) != 1 || EC_KEY_oct2key(key, octets, sizeof octets, NULL) != 1) {
        EC_KEY_free(key);
        return NULL;
    }
    return key;
}

bool pml_ecdsa_point_valid(const uint8_t point[64])
{
    EC_KEY *key = new_key(point);
    EC_KEY_free(key);
    return key;
}

static bool verify(const uint8_t point[64], struct pml_bytes message, const uint8_t *r, size_t r_size, const uint8_t *s,
                   size_t s_size)
{
    uint8_t digest[PML_SHA256_SIZE];
    EC_KEY *key = new_key(point);
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r_number = BN_bin2bn(r, (int)r_size, NULL);
    BIGNUM *s_number = BN_bin2bn(s, (int)s_size, NULL);
    bool good = false;
    if (key && signature && r_number && s_number && ECDSA_SIG_set0(signature, r_number, s_number) == 1) {
        r_number = s_number = NULL; /* the signature owns them */
        pml_sha256(digest, message.bytes, message.size);
        good = ECDSA_do_verify(digest, sizeof digest, signature, key) == 1;
    }
    BN_free(r_number);
    BN_free(s_number);
    ECDSA_SIG_free(signature);
    EC_KEY_free(key);
    return good;
}

bool pml_ecdsa_verify(const uint8_t point[64], struct pml_bytes message, const uint8_t signature[64])
{
    return verify(point, message, signature, 32, signature + 32, 32);
}

bool pml_ecdsa_verify_der(const uint8_t point[64], struct pml_bytes message, struct pml_bytes signature)
{
    struct pml_cursor in = pml_cursor(signature.bytes, signature.size);
    struct pml_cursor pair = pml_der_get(&in, PML_DER_SEQUENCE);
    struct pml_bytes r = pml_der_unsigned(&pair);
    struct pml_bytes s = pml_der_unsigned(&pair);
    pml_der_end(&in, &pair);
    if (in.failed || pml_cursor_left(&in) || r.size > 32 || s.size > 32)
        return false;
    return verify(point, message, r.bytes, r.size, s.bytes, s.size);
}
