/* SPDX-License-Identifier: MIT */
/* pml verify as its users run it: output, exit status, options. The program is the first argument. */
#include "cases.h"

#include <sys/stat.h>
#include <sys/wait.h>

#include "base/encode.h"

static char *program; /* absolute: commands run in the directory of the vectors */
static char directory[] = "/tmp/pml-verify-XXXXXX";

/* Runs the verb with ARGUMENTS in the vectors' directory, errors to the file `errors`. Returns the exit status, and
 * what it printed. */
static int run(char **output, const char *arguments)
{
    char command[16384];
    struct pml_buf out = { 0 };
    struct pml_error err;
    char chunk[4096];
    snprintf(command, sizeof command, "cd '%s/dcap/public' && '%s' verify %s 2>'%s/errors'", vectors_dir(), program,
             arguments, directory);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
        pml_put_bytes(&out, chunk, got);
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    *output = pml_buf_take(&out, NULL, &err);
    assert_non_null(*output);
    return WEXITSTATUS(status);
}

static char *errors(void)
{
    struct pml_error err;
    char path[4096];
    size_t size;
    char *text = pml_read_file(pml_path(path, directory, "errors"), 1 << 20, &size, &err);
    assert_non_null(text);
    return text;
}

/* As run with --json: the one object. The caller releases. */
static json_t *run_json(int *status, const char *arguments)
{
    char with_json[16000 + sizeof " --json"];
    struct pml_error err;
    snprintf(with_json, sizeof with_json, "%s --json", arguments);
    PML_AUTO(mem) char *text = NULL;
    *status = run(&text, with_json);
    json_t *object = pml_json_load(text, strlen(text), &err);
    if (!object)
        fail_msg("%s: %s", arguments, err.text);
    return object;
}

static void write_file(char path[4096], const char *name, const void *bytes, size_t size)
{
    struct pml_error err;
    pml_path(path, directory, name);
    if (!pml_write_file(path, bytes, size, 0600, &err))
        fail_msg("%s", err.text);
}

static const struct {
    const char *name;
    bool nullable;
    json_type type;
} members[] = {
    { "ok", false, JSON_TRUE },
    { "accepted", false, JSON_TRUE },
    { "simulated", false, JSON_TRUE },
    { "tee", true, JSON_STRING },
    { "quote_version", true, JSON_INTEGER },
    { "status", true, JSON_STRING },
    { "platform_status", true, JSON_STRING },
    { "qe_status", true, JSON_STRING },
    { "tdx_module_status", true, JSON_STRING },
    { "relaunch", true, JSON_STRING },
    { "current_status", true, JSON_STRING },
    { "advisory_ids", false, JSON_ARRAY },
    { "fmspc", true, JSON_STRING },
    { "tcb_eval_num", true, JSON_INTEGER },
    { "tcb_date", true, JSON_STRING },
    { "verified_at", false, JSON_STRING },
    { "earliest_expiration", true, JSON_STRING },
    { "report", true, JSON_OBJECT },
    { "error", true, JSON_OBJECT },
};

static void assert_schema(const json_t *verdict)
{
    assert_int_equal(json_object_size(verdict), PML_COUNT(members));
    for (size_t i = 0; i < PML_COUNT(members); i++) {
        const json_t *value = json_object_get(verdict, members[i].name);
        bool fits =
            members[i].type == JSON_TRUE ? json_is_boolean(value) : value && json_typeof(value) == members[i].type;
        if (!fits && !(members[i].nullable && json_is_null(value)))
            fail_msg("%s is missing or of another type", members[i].name);
    }
    assert_int_equal(json_is_null(json_object_get(verdict, "error")),
                     json_is_true(json_object_get(verdict, "accepted")));
}

static bool same_set(const json_t *a, const json_t *b)
{
    size_t found = 0;
    for (size_t i = 0; i < json_array_size(a); i++) {
        for (size_t j = 0; j < json_array_size(b); j++)
            found += json_equal(json_array_get(a, i), json_array_get(b, j));
    }
    return json_array_size(a) == json_array_size(b) && found == json_array_size(a);
}

static void assert_expected(const json_t *entry, const json_t *verdict, int status)
{
    static const char *const names[] = { "status", "platform_status", "qe_status", "tdx_module_status", "relaunch" };
    const char *id = json_string_value(json_object_get(entry, "id"));
    const json_t *expect = json_object_get(entry, "expect");
    bool accepted = json_is_true(json_object_get(verdict, "accepted"));
    if (!json_equal(json_object_get(verdict, "ok"), json_object_get(expect, "accept")))
        fail_msg("%s: ok is not as expected", id);
    for (size_t i = 0; i < PML_COUNT(names); i++) {
        const json_t *wanted = json_object_get(expect, names[i]);
        const json_t *got = json_object_get(verdict, names[i]);
        if (wanted ? !json_equal(got, wanted) : !json_is_null(got))
            fail_msg("%s: %s is not as expected", id, names[i]);
    }
    if (!same_set(json_object_get(verdict, "advisory_ids"), json_object_get(expect, "advisory_ids")))
        fail_msg("%s: advisory_ids are not as expected", id);
    assert_int_equal(status, accepted ? 0 : 1);
}

static void every_case_gives_its_outcome(void **state)
{
    (void)state;
    size_t i;
    json_t *entry;
    PML_AUTO(json) json_t *index = load_cases();
    json_array_foreach(json_object_get(index, "cases"), i, entry) {
        char arguments[1024];
        int status;
        const char *root = json_string_value(json_object_get(entry, "root"));
        snprintf(arguments, sizeof arguments, "%s --collateral %s --at @%lld %s %s",
                 json_string_value(json_object_get(entry, "quote")),
                 json_string_value(json_object_get(entry, "collateral")),
                 (long long)json_integer_value(json_object_get(entry, "now")), root ? "--root" : "", root ? root : "");
        PML_AUTO(json) json_t *verdict = run_json(&status, arguments);
        assert_schema(verdict);
        assert_expected(entry, verdict, status);
    }
    assert_true(i >= 53);
}

#define QUOTE  "quotes/dcapqvl-tdx4.bin"
#define BUNDLE " --collateral collateral/bundle-b0c06f-dcapqvl-tdx4.json"
#define AT     " --at 2025-07-04T10:00:00Z"

static void assert_code(const char *arguments, int status, const char *code)
{
    int got;
    PML_AUTO(json) json_t *verdict = run_json(&got, arguments);
    assert_schema(verdict);
    const char *text = json_string_value(json_object_get(json_object_get(verdict, "error"), "code"));
    if (got != status || !text || strcmp(text, code) != 0)
        fail_msg("%s: exit %d, %s", arguments, got, text ? text : "no error");
}

static void failures_are_told_apart_by_exit_status(void **state)
{
    (void)state;
    size_t size;
    free(vector_file(CASES_DIR QUOTE, &size));
    assert_code("", 2, "usage");
    assert_code("a b", 2, "usage");
    assert_code(QUOTE BUNDLE " --at yesterday", 2, "usage");
    assert_code(QUOTE BUNDLE " --accept-status Fine", 2, "usage");
    assert_code(QUOTE BUNDLE " --accept-status Revoked", 2, "usage");
    assert_code(QUOTE BUNDLE " --allow-td-attributes 00", 2, "usage");
    assert_code(QUOTE BUNDLE " --report-data 00", 2, "usage");
    assert_code(QUOTE BUNDLE " --compat intel", 2, "usage");
    assert_code(QUOTE BUNDLE " --no-such-option", 2, "usage");
    assert_code(QUOTE BUNDLE " --root index.json", 2, "usage");
    assert_code(QUOTE BUNDLE " --trust-simulated roots/intel-sgx-root-ca.der", 2, "usage");
    assert_code(QUOTE BUNDLE " --policy index.json", 2, "policy_format");
    assert_code(QUOTE BUNDLE " --policy nowhere", 3, "io");
    assert_code("nowhere" BUNDLE, 3, "io");
    assert_code(QUOTE " --collateral nowhere", 3, "io");
    assert_code(QUOTE " --offline", 3, "collateral_unavailable");
    assert_code(QUOTE " --pccs http://pccs.example", 2, "usage");
    assert_code(QUOTE " --pccs https://127.0.0.1:1", 3, "collateral_unavailable");
    assert_code(QUOTE " --collateral " QUOTE, 1, "collateral_json");
    assert_code("/dev/null" BUNDLE, 1, "quote_format");
    assert_code("README.md" BUNDLE, 1, "quote_version");
    assert_code(QUOTE BUNDLE AT " --min-tcb-eval-num 18", 1, "policy_min_tcb_eval_num");
    assert_code(QUOTE BUNDLE AT " --accept-status OutOfDate", 1, "status_not_accepted");
}

static void hex_is_as_good_as_bytes(void **state)
{
    (void)state;
    char path[4096], arguments[8192];
    struct pml_buf hex = { 0 };
    size_t size;
    PML_AUTO(mem) char *quote = vector_file(CASES_DIR QUOTE, &size);
    PML_AUTO(mem) char *output = NULL;
    pml_put_text(&hex, "0x");
    pml_put_hex(&hex, quote, 100);
    pml_put_text(&hex, "\r\n \t");
    pml_put_hex(&hex, quote + 100, size - 100);
    pml_put_text(&hex, "\n");
    write_file(path, "quote.hex", hex.bytes, hex.size);
    snprintf(arguments, sizeof arguments, "%s" BUNDLE AT, path);
    assert_int_equal(run(&output, arguments), 0);
    assert_string_equal(output, "accepted: genuine TDX quote, status UpToDate\n");
    free(pml_take(&output));
    snprintf(arguments, sizeof arguments, "- <'%s'" BUNDLE AT, path);
    assert_int_equal(run(&output, arguments), 0);
    hex.size -= 2;
    write_file(path, "quote.hex", hex.bytes, hex.size);
    snprintf(arguments, sizeof arguments, "%s" BUNDLE AT, path);
    assert_code(arguments, 1, "quote_format");
    pml_buf_free(&hex);
}

static void options_override_the_policy_file(void **state)
{
    (void)state;
    static const char policy[] = "{\"accept_status\":[\"OutOfDate\"],\"min_tcb_eval_num\":18}";
    char path[4096], arguments[8192];
    int status;
    write_file(path, "policy.json", policy, sizeof policy - 1);
    snprintf(arguments, sizeof arguments, QUOTE BUNDLE AT " --accept-status any --policy %s", path);
    assert_code(arguments, 1, "policy_min_tcb_eval_num");
    snprintf(arguments, sizeof arguments, QUOTE BUNDLE AT " --accept-status any --policy %s --min-tcb-eval-num 17",
             path);
    PML_AUTO(json) json_t *verdict = run_json(&status, arguments);
    assert_int_equal(status, 0);
    assert_true(json_is_true(json_object_get(verdict, "accepted")));
}

static void verbose_tells_all_eighteen_steps_on_stderr(void **state)
{
    (void)state;
    PML_AUTO(mem) char *output = NULL;
    assert_int_equal(run(&output, QUOTE BUNDLE AT " --verbose"), 0);
    PML_AUTO(mem) char *text = errors();
    const char *at = text;
    for (int i = 1; i <= 18; i++) {
        char start[8];
        snprintf(start, sizeof start, "S%d ", i);
        if (strncmp(at, start, strlen(start)) != 0)
            fail_msg("%s is not where it belongs", start);
        at += strcspn(at, "\n") + 1;
    }
    assert_string_equal(at, "");
}

static void make_simulation(char state[4096])
{
    char command[16384];
    snprintf(command, sizeof command,
             "'%s' quote --simulated --state '%s' --report-data %0128d --out '%s/quote.sim' --collateral-out "
             "'%s/bundle.sim' 2>&1",
             program, pml_path(state, directory, "state"), 0, directory, directory);
    assert_int_equal(system(command), 0);
}

static void a_simulation_says_so_first_and_last(void **state)
{
    (void)state;
    char sim[4096], arguments[16000], judged[8192];
    int status;
    PML_AUTO(mem) char *output = NULL;
    if (!PML_SIMULATOR)
        skip();
    make_simulation(sim);
    snprintf(judged, sizeof judged, "%s/quote.sim --collateral %s/bundle.sim", directory, directory);
    assert_code(judged, 1, "pck_chain_root");
    assert_int_equal(run(&output, judged), 1);
    assert_memory_equal(output, "SIMULATED\nnot verified: ", 24);
    assert_string_equal(output + strlen(output) - 11, "\nSIMULATED\n");
    assert_non_null(strstr(output, "--trust-simulated"));
    free(pml_take(&output));

    snprintf(arguments, sizeof arguments, "%s --trust-simulated %s", judged, sim);
    assert_int_equal(run(&output, arguments), 0);
    assert_string_equal(output, "SIMULATED\naccepted: genuine TDX quote, status UpToDate\nSIMULATED\n");
    PML_AUTO(json) json_t *verdict = run_json(&status, arguments);
    assert_true(json_is_true(json_object_get(verdict, "simulated")));
    snprintf(arguments, sizeof arguments, "%s --trust-simulated %s/sim/root.pem", judged, sim);
    free(pml_take(&output));
    assert_int_equal(run(&output, arguments), 0);

    snprintf(arguments, sizeof arguments, "%s --root %s/sim/root.pem", judged, sim);
    assert_code(arguments, 2, "usage");
    snprintf(arguments, sizeof arguments, "%s --collateral nowhere", judged);
    PML_AUTO(json) json_t *unknown = run_json(&status, arguments);
    assert_int_equal(status, 3);
    assert_true(json_is_true(json_object_get(unknown, "simulated")));
}

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    return setenv("XDG_STATE_HOME", directory, 1); /* nothing has been fetched before */
}

static int remove_directory(void **state)
{
    char command[256];
    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", directory);
    return system(command);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_case_gives_its_outcome),
        cmocka_unit_test(failures_are_told_apart_by_exit_status),
        cmocka_unit_test(hex_is_as_good_as_bytes),
        cmocka_unit_test(options_override_the_policy_file),
        cmocka_unit_test(a_simulation_says_so_first_and_last),
        cmocka_unit_test(verbose_tells_all_eighteen_steps_on_stderr),
    };
    if (argc != 2)
        return 2;
    program = realpath(argv[1], NULL);
    if (!program)
        return 2;
    int failed = cmocka_run_group_tests(tests, make_directory, remove_directory);
    free(program);
    return failed;
}
