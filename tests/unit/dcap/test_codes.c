/* SPDX-License-Identifier: MIT */
/* The error codes of the manual page are those of the source: none undocumented, none invented. */
#include "test.h"

#include <ctype.h>
#include <dirent.h>

#include "base/buf.h"
#include "base/memory.h"

static char *source_file(const char *name)
{
    struct pml_error err;
    char path[4096];
    size_t size;
    const char *root = getenv("PML_SOURCE");
    char *text = pml_read_file(pml_path(path, root ? root : ".", name), 1 << 20, &size, &err);
    if (!text)
        fail_msg("%s", err.text);
    return text;
}

/* All of src/dcap, the quote parsers and the verb, one after another. */
static char *sources(void)
{
    struct pml_error err;
    struct pml_buf all = { 0 };
    char dir[4096], name[512];
    static const char *const others[] = { "src/tdx/quote.c", "src/tdx/report.c", "src/cmd/pml/verify.c" };
    const char *root = getenv("PML_SOURCE");
    DIR *entries = opendir(pml_path(dir, root ? root : ".", "src/dcap"));
    assert_non_null(entries);
    for (struct dirent *entry; (entry = readdir(entries));) {
        if (!strstr(entry->d_name, ".c"))
            continue;
        snprintf(name, sizeof name, "src/dcap/%s", entry->d_name);
        PML_AUTO(mem) char *text = source_file(name);
        pml_put_text(&all, text);
    }
    closedir(entries);
    for (size_t i = 0; i < PML_COUNT(others); i++) {
        PML_AUTO(mem) char *text = source_file(others[i]);
        pml_put_text(&all, text);
    }
    return pml_buf_take(&all, NULL, &err);
}

/* The quoted word at TEXT, after white space; false if there is none. */
static bool quoted_word(char out[64], const char *text)
{
    size_t size = 0;
    while (isspace((unsigned char)*text))
        text++;
    if (*text++ != '"')
        return false;
    while (size < 63 && (islower((unsigned char)text[size]) || isdigit((unsigned char)text[size]) || text[size] == '_'))
        size++;
    memcpy(out, text, size);
    out[size] = 0;
    return size > 0 && text[size] == '"';
}

static bool documented(const char *manual, const char *code)
{
    char line[80];
    snprintf(line, sizeof line, "\n.It Li %s\n", code);
    return strstr(manual, line);
}

static void every_code_of_the_source_is_in_the_manual(void **state)
{
    (void)state;
    /* "json" is replaced by the code of the document on the way out, "memory" is reported as internal */
    static const char *const marks[] = { "PML_NO,", "PML_USAGE,", "PML_UNKNOWN,", "_code =" };
    PML_AUTO(mem) char *manual = source_file("docs/man/pml-verify.1");
    PML_AUTO(mem) char *text = sources();
    size_t seen = 0;
    for (size_t i = 0; i < PML_COUNT(marks); i++) {
        for (const char *at = text; (at = strstr(at, marks[i]));) {
            char code[64];
            at += strlen(marks[i]);
            if (!quoted_word(code, at) || strcmp(code, "json") == 0)
                continue;
            if (!documented(manual, code))
                fail_msg("%s is not in the manual", code);
            seen++;
        }
    }
    assert_true(seen > 100);
}

static void every_code_of_the_manual_is_in_the_source(void **state)
{
    (void)state;
    PML_AUTO(mem) char *manual = source_file("docs/man/pml-verify.1");
    PML_AUTO(mem) char *text = sources();
    const char *at = strstr(manual, "\n.Sh DIAGNOSTICS");
    size_t seen = 0;
    assert_non_null(at);
    const char *end = strstr(at, "\n.Sh SEE ALSO");
    while ((at = strstr(at, "\n.It Li ")) && at < end) {
        char code[64], quoted[80];
        at += strlen("\n.It Li ");
        size_t size = strcspn(at, "\n");
        snprintf(code, sizeof code, "%.*s", (int)size, at);
        snprintf(quoted, sizeof quoted, "\"%s\"", code);
        if (strcmp(code, "io") != 0 && !strstr(text, quoted)) /* pml_fail_io's own */
            fail_msg("%s is not in the source", code);
        seen++;
    }
    assert_int_equal(seen, 85);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_of_the_source_is_in_the_manual),
        cmocka_unit_test(every_code_of_the_manual_is_in_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
