/* SPDX-License-Identifier: MIT */
/* Walking JSON text by its bytes. */
#include "test.h"

#include "base/memory.h"
#include "openai/span.h"

static void members_are_found_with_their_exact_bytes(void **state)
{
    (void)state;
    const char text[] = " { \"a\" : 1.50e0 ,\"b\":{\"x\":\"}\\\"\"} , \"\\u0063\":[1,[2]],\"d\":\"\"}";
    static const struct {
        const char *name, *value;
    } want[] = { { "a", "1.50e0" }, { "b", "{\"x\":\"}\\\"\"}" }, { "c", "[1,[2]]" }, { "d", "\"\"" } };
    struct pml_span key, value;
    struct pml_span_walk walk = pml_span_walk(pml_span(text, sizeof text - 1));
    for (size_t i = 0; i < PML_COUNT(want); i++) {
        assert_true(pml_span_member(&walk, &key, &value));
        assert_true(pml_span_key_is(key, want[i].name));
        assert_false(pml_span_key_is(key, "other"));
        assert_true(pml_span_is(value, want[i].value));
    }
    assert_false(pml_span_member(&walk, &key, &value));
}

static void elements_are_found(void **state)
{
    (void)state;
    const char text[] = "[ 12 ,\"a]\", [3, 4] ]";
    struct pml_span value;
    struct pml_span_walk walk = pml_span_walk(pml_span(text, sizeof text - 1));
    assert_true(pml_span_element(&walk, &value) && pml_span_is(value, "12"));
    assert_true(pml_span_element(&walk, &value) && pml_span_is(value, "\"a]\""));
    assert_true(pml_span_element(&walk, &value) && pml_span_is(value, "[3, 4]"));
    assert_false(pml_span_element(&walk, &value));
}

/* Every prefix of a document ends the walk inside its bounds; the sanitizers watch. */
static void truncated_text_stays_in_bounds(void **state)
{
    (void)state;
    const char text[] = "{\"a\":\"x\\\"\",\"b\":{\"c\":[1,\"\\\\\"]},\"\\u0064\":-1}";
    for (size_t size = 0; size < sizeof text; size++) {
        char *copy = malloc(size + 1);
        memcpy(copy, text, size);
        char *exact = realloc(copy, size ? size : 1);
        struct pml_span key, value;
        struct pml_span_walk walk = pml_span_walk(pml_span(exact, size));
        while (pml_span_member(&walk, &key, &value))
            (void)pml_span_key_is(key, "d");
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_with_their_exact_bytes),
        cmocka_unit_test(elements_are_found),
        cmocka_unit_test(truncated_text_stays_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
