/* SPDX-License-Identifier: MIT */
/* Bearer tokens. */
#include "serve/tenants.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define FILE_LIMIT  (1u << 20)
#define TOKEN_LIMIT 1024
#define BLANKS      " \t\r"

struct pml_tenants {
    uint8_t (*digests)[PML_SHA256_SIZE];
    size_t count;
};

static bool add(struct pml_tenants *t, const char *token, size_t size, const char *path, size_t line,
                struct pml_error *err)
{
    if (size > TOKEN_LIMIT || memchr(token, ' ', size) || memchr(token, '\t', size))
        return pml_fail(err, PML_UNKNOWN, "token_file", "%s: line %zu is no token", path, line);
    void *grown = realloc(t->digests, (t->count + 1) * sizeof *t->digests);
    if (!grown)
        return pml_fail_memory(err);
    t->digests = grown;
    pml_sha256(t->digests[t->count++], token, size);
    return true;
}

static bool read_lines(struct pml_tenants *t, char *text, const char *path, struct pml_error *err)
{
    size_t number = 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
        number++;
        line += strspn(line, BLANKS);
        size_t size = strlen(line);
        while (size && strchr(BLANKS, line[size - 1]))
            size--;
        if (size && line[0] != '#' && !add(t, line, size, path, number, err))
            return false;
    }
    return t->count || pml_fail(err, PML_UNKNOWN, "token_file", "%s holds no token", path);
}

struct pml_tenants *pml_tenants_load(const char *path, struct pml_error *err)
{
    struct pml_tenants *t = calloc(1, sizeof *t);
    if (!t)
        return pml_fail_memory(err);
    if (!path)
        return t;
    size_t size;
    char *text = pml_read_file(path, FILE_LIMIT, &size, err);
    bool good = text && read_lines(t, text, path, err);
    if (text)
        pml_wipe(text, size);
    free(text);
    if (good)
        return t;
    pml_tenants_free(t);
    return NULL;
}

void pml_tenants_free(struct pml_tenants *t)
{
    if (t)
        free(t->digests);
    free(t);
}

bool pml_tenants_are_listed(const struct pml_tenants *t)
{
    return t->count;
}

bool pml_bearer_digest(uint8_t digest[PML_SHA256_SIZE], const char *authorization)
{
    if (!authorization || strncasecmp(authorization, "bearer ", 7) != 0)
        return false;
    const char *token = authorization + 7;
    token += strspn(token, BLANKS);
    size_t size = strlen(token);
    while (size && strchr(BLANKS, token[size - 1]))
        size--;
    if (size)
        pml_sha256(digest, token, size);
    return size;
}

bool pml_tenants_admit(const struct pml_tenants *t, const uint8_t *digest)
{
    bool listed = !t->count;
    for (size_t i = 0; digest && i < t->count; i++)
        listed |= pml_ct_equal(digest, t->digests[i], PML_SHA256_SIZE);
    return listed;
}
