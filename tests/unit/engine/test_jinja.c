/* SPDX-License-Identifier: MIT */
/* The interpreter of chat templates: what each construct renders, what is refused, the limits, and whose bytes are
 * whose. */
#include "test.h"

#include <jansson.h>

#include "base/json.h"
#include "engine/jinja/jinja.h"

static const char given[] =
    "{\"messages\":[{\"role\":\"system\",\"content\":\" Be kind \"},{\"role\":\"user\",\"content\":\"<|end|>Hi\"},"
    "{\"role\":\"assistant\",\"content\":\"a,b,,c\"}],"
    "\"tools\":[{\"name\":\"f\",\"args\":{\"b\":[1,2.5,null],\"a\":\"\\u00e9\\n\\\"\"},\"on\":true},{\"name\":\"G\","
    "\"n\":3}],"
    "\"empty\":{},\"number\":7,\"items_in\":{\"items\":1}}";

static bool render_text(const char *template, size_t size, const char *date, struct pml_buf *text, struct pml_buf *mask,
                        struct pml_error *err)
{
    PML_AUTO(json) json_t *variables = pml_json_load(given, sizeof given - 1, err);
    PML_AUTO(jinja) struct pml_jinja *t = pml_jinja_new(template, size, err);
    if (!variables || !t)
        return false;
    struct pml_jinja_input input = { variables, "<s>", "</s>", true, date };
    return pml_jinja_render(t, &input, text, mask, NULL, err);
}

static void assert_renders(const char *template, const char *expected)
{
    struct pml_error err = { 0 };
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(buf) struct pml_buf mask = { 0 };
    if (!render_text(template, strlen(template), "2024-02-09", &text, &mask, &err))
        fail_msg("%s: %s", template, err.text);
    assert_int_equal(text.size, mask.size);
    pml_put_u8(&text, 0);
    if (strcmp((char *)text.bytes, expected) != 0)
        fail_msg("%s renders \"%s\", not \"%s\"", template, (char *)text.bytes, expected);
}

/* --- what is rendered --- */

static const struct {
    const char *template, *expected;
} renderings[] = {
    /* white space around tags */
    { "a\n{% if true %}\nb\n{% endif %}\nc\n", "a\nb\nc" },
    { "a\n  {% if true %}b{% endif %}  \nc", "a\nb  \nc" },
    { "a {{- 1 -}} b {%- if true -%} c {%- endif -%} d", "a1bcd" },
    { "a\n  {%+ if true +%}\nb{% endif %}", "a\n  \nb" },
    { "a\n  {# note #}\n  {{ 1 }}\n", "a\n  1" },
    { "{{ 1 }}  {% if true %}x{% endif %}", "1  x" },
    { "a\r\nb\rc", "a\nb\nc" },
    { "{% raw %}{{ x }}{%- if %}{% endraw %}!", "{{ x }}{%- if %}!" },
    { "{#- a -#}  b", "b" },
    { "{{ '}}' }}{{ {'a': {'b': 1}}['a']['b'] }}{{ '%}' }}", "}}1%}" },
    { "{% generation %}x{% endgeneration %}", "x" },
    /* literals and operators */
    { "{{ 1 + 2 * 3 - 4 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ 1 / 4 }} {{ 6 / 2 }}",
      "3 3 -4 2 1024 0.25 3.0" },
    { "{{ 'a' 'b' ~ 1 ~ none ~ true ~ 1.0 }}", "ab1NoneTrue1.0" },
    { "{{ 0.1 + 0.2 }} {{ 1.5e3 }} {{ 100000000000000000.0 }}", "0.30000000000000004 1500.0 1e+17" },
    { "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ 'a' != 'b' }} {{ 'b' > 'a' }}", "True False True True True" },
    { "{{ not false and (true or x.y) }} {{ 0 or 'x' }} {{ '' and 1 }}|", "True x |" },
    { "{{ 'a' in 'cat' }} {{ 3 not in [1, 2] }} {{ 'name' in tools[0] }} {{ 1 in missing }}", "True True True False" },
    { "{{ [1, 'a', none, (2,), {'k': 1.5}] }}", "[1, 'a', None, (2,), {'k': 1.5}]" },
    { "{{ [\"it's\", 'a\\nb'] }}", "[\"it's\", 'a\\nb']" },
    { "{{ 'yes' if number > 5 else 'no' }}{{ 'x' if false }}", "yes" },
    { "{{ 'ab' * 3 }}{{ [1] + [2] }}{{ -number }}{{ +1 }}{{ - -1 }}", "ababab[1, 2]-711" },
    { "{{ '\\u00e9\\x41\\q\\\\' }}", "éA\\q\\" },
    /* parts */
    { "{{ 'héllo'[1:3] }} {{ 'héllo'[-1] }} {{ 'héllo'[::-1] }} {{ [1,2,3,4][1:] }} {{ [1,2,3][::2] }} {{ [1,2,3][:-1] "
      "}}",
      "él o olléh [2, 3, 4] [1, 3] [1, 2]" },
    { "{{ tools[1].name }}{{ tools[-1]['n'] }}{{ tools.1.name }}{{ tools[9] }}{{ empty.x }}{{ items_in['items'] }}",
      "G3G1" },
    { "{% for k, v in tools[0].args.items() %}{{ k }}={{ v }};{% endfor %}", "b=[1, 2.5, None];a=é\n\";" },
    { "{{ empty.get('a', 5) }}{{ empty.get('a') }}{{ tools[1].keys() | list }}{{ tools[1].values() | list }}",
      "5None['name', 'n']['G', 3]" },
    /* statements */
    { "{% for m in messages %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}"
      "{{ loop.last }}{{ loop.length }}{{ loop.cycle('x', 'y') }} {% endfor %}",
      "1032TrueFalse3x 2121FalseFalse3y 3210FalseTrue3x " },
    { "{% for m in messages %}{{ loop.previtem.role if loop.previtem }}>{{ loop.nextitem.role if not loop.last }} {% "
      "endfor %}",
      ">user system>assistant user> " },
    { "{% for x in [] %}a{% else %}none{% endfor %}{% for x in [1,2,3,4] if x is even %}{{ x }}{% endfor %}",
      "none24" },
    { "{% for x in range(9) %}{% if x == 2 %}{% continue %}{% elif x == 4 %}{% break %}{% else %}{{ x }}{% endif %}{% "
      "endfor %}",
      "013" },
    { "{% set x = 1 %}{% for i in [1,2] %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}", "221" },
    { "{% set ns = namespace(n=0) %}{% for i in [1,2] %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}{{ ns.m }}",
      "3" },
    { "{% set a, b = 1, [2] %}{{ a }}{{ b }}{% set t %}  {{ a }} {% endset %}[{{ t }}]{% set u | trim | upper %} q {% "
      "endset %}{{ u }}",
      "1[2][  1 ]Q" },
    { "{% macro f(a, b=2, c='x') %}({{ a }}{{ b }}{{ c }}){% endmacro %}{{ f(1) }}{{ f(1, c=3) }}{{ f(1, 5, 6) }}{{ "
      "f() }}",
      "(12x)(123)(156)(2x)" },
    { "{% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "3210" },
    { "{% set y = 1 %}{% macro f() %}{{ y }}{% endmacro %}{% set y = 2 %}{{ f() }}", "2" },
    { "{% filter upper | replace('B', 'x') %}ab{% if true %}c{% endif %}{% endfilter %}", "AxC" },
    { "{% set l = [1] %}{% set _ = l.append(2) %}{{ l }}{{ range(3) | list }}{{ range(5, 1, -2) | list }}{{ dict(a=1) "
      "}}",
      "[1, 2][0, 1, 2][5, 3]{'a': 1}" },
    { "{{ strftime_now('%d %B %Y, %A %j %H:%M:%S %%') }}", "09 February 2024, Friday 040 00:00:00 %" },
    /* tests */
    { "{{ x is defined }}{{ x is undefined }}{{ none is none }}{{ 'a' is string }}{{ true is number }}{{ 1 is integer "
      "}}"
      "{{ tools is iterable }}{{ empty is mapping }}{{ 'a' is sequence }}{{ 1 is boolean }}",
      "FalseTrueTrueTrueTrueTrueTrueTrueTrueFalse" },
    { "{{ 1 is odd }}{{ 4 is divisibleby 2 }}{{ 'a' is eq 'a' }}{{ 'a' is equalto('b') }}{{ 1 is in [1] }}{{ false is "
      "false }}"
      "{{ 'a' is not none and 1 is true }}",
      "TrueTrueTrueFalseTrueTrueFalse" },
    /* filters and methods */
    { "{{ tools | tojson }}", "[{\"name\": \"f\", \"args\": {\"b\": [1, 2.5, null], \"a\": \"é\\n\\\"\"}, \"on\": "
                              "true}, {\"name\": \"G\", \"n\": 3}]" },
    { "{{ [1, {'a': []}] | tojson(indent=2) }}", "[\n  1,\n  {\n    \"a\": []\n  }\n]" },
    { "{{ {'b': 'é🙂', 'a': 1} | tojson(ensure_ascii=true, sort_keys=true, separators=(',', ':')) }}",
      "{\"a\":1,\"b\":\"\\u00e9\\ud83d\\ude42\"}" },
    { "{{ '  a b ' | trim }}|{{ 'xxaxx'.strip('x') }}|{{ ' a'.lstrip() }}|{{ 'a '.rstrip() }}|{{ '\xc2\xa0 a' | trim "
      "}}",
      "a b|a|a|a|a" },
    { "{{ 'aBc dE' | upper }}{{ 'aBc' | lower }}{{ 'aBC' | capitalize }}{{ \"it's a-b\" | title }}{{ \"it's\".title() "
      "}}",
      "ABC DEabcAbcIt's A-BIt'S" },
    { "{{ 'a,b,,c'.split(',') }}{{ ' a  b '.split() }}{{ 'a b c'.split(none, 1) }}{{ 'a.b.c'.split('.', 1) }}",
      "['a', 'b', '', 'c']['a', 'b']['a', 'b c']['a', 'b.c']" },
    { "{{ 'aaa' | replace('a', 'b', 2) }}{{ 'abc'.replace('b', '') }}{{ 'abc'.startswith('ab') }}{{ "
      "'abc'.endswith(('x', 'c')) }}",
      "bbaacTrueTrue" },
    { "{{ tools | map(attribute='name') | join(', ') }}{{ ['a'] | map('upper') | list }}{{ [1, 2] | join }}{{ "
      "'-'.join(['a', 'b']) }}",
      "f, G['A']12a-b" },
    { "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ tools | selectattr('on') | "
      "map(attribute='name') | first }}"
      "{{ tools | rejectattr('on', 'defined') | map(attribute='name') | last }}{{ [1, 0, 2] | select | list }}"
      "{{ [1, 2, 3] | reject('odd') | list }}",
      "1fG[1, 2][2]" },
    { "{{ x | default('d') }}{{ '' | default('e', true) }}{{ none | d('f') }}{{ 'abc' | length }}{{ tools | count }}",
      "deNone32" },
    { "{{ ['b', 'A', 'c'] | sort }}{{ [3, 1, 2] | sort(reverse=true) }}{{ tools | sort(attribute='name') | "
      "map(attribute='name') | join }}"
      "{{ {'b': 1, 'a': 2} | dictsort }}{{ [1, 2, 1] | unique | list }}{{ 'abc' | reverse }}",
      "['A', 'b', 'c'][3, 2, 1]fG[('a', 2), ('b', 1)][1, 2]cba" },
    { "{{ '42' | int }}{{ 'x' | int(7) }}{{ '2.9' | int }}{{ 2 | float }}{{ -3 | abs }}{{ 2.567 | round(1) }}{{ 2.5 | "
      "round }}{{ 3 | string }}",
      "42722.032.62.03" },
    { "{{ 'a\nb\n\nc' | indent(2) }}|{{ 'a' | indent(first=true) }}|{{ 'a' | safe }}|{{ {'a': 1} | items | list }}",
      "a\n  b\n\n  c|    a|a|[('a', 1)]" },
    { "{{ bos_token }}{{ eos_token }}{{ add_generation_prompt }}", "<s></s>True" },
};

static void every_construct_renders_as_jinja2_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(renderings); i++)
        assert_renders(renderings[i].template, renderings[i].expected);
}

/* --- what is refused --- */

static const struct {
    const char *template, *error;
} refusals[] = {
    { "a\n{% if %}", "line 2: an expression was expected" },
    { "{% if x %}", "line 1: the text ends inside a block" },
    { "{% endif %}", "line 1: \"endif\" is not supported here" },
    { "{% include 'x' %}", "line 1: \"include\" is not supported here" },
    { "{% for x in y recursive %}{% endfor %}", "line 1: recursive loops are not supported" },
    { "{% break %}", "line 1: there is no loop here" },
    { "{% for x in y %}{% set z %}{% break %}{% endset %}{% endfor %}", "line 1: there is no loop here" },
    { "{{ x", "line 1: a tag has no end" },
    { "{{ 'x }}", "line 1: a string has no end" },
    { "{# x", "line 1: a comment has no end" },
    { "{% raw %}x", "line 1: raw has no endraw" },
    { "{{ x | nosuch }}", "line 1: there is no filter \"nosuch\"" },
    { "{{ x is nosuch }}", "line 1: there is no test \"nosuch\"" },
    { "{{ 1 ? 2 }}", "line 1: a character that no expression has" },
    { "{{ f(a=1, 2) }}", "line 1: an argument by position follows one by name" },
    { "{{ 123456789012345678901 }}", "line 1: a number is too long" },
    { "\n{{ x.y }}", "line 2: an attribute of something undefined" },
    { "{{ x['y'] }}", "line 1: an element of something undefined" },
    { "{{ x() }}", "line 1: undefined cannot be called" },
    { "{{ 'a' + 1 }}", "line 1: this cannot be done with a string and an integer" },
    { "{{ 1 // 0 }}", "line 1: division by zero" },
    { "{{ 9223372036854775 * 9223372036854775 }}", "line 1: a number is out of range" },
    { "{{ 'a' < 1 }}", "line 1: a string and an integer have no order" },
    { "{{ x | tojson }}", "line 1: undefined is no JSON" },
    { "{{ 'a' | upper(1) }}", "line 1: \"upper\" was given an argument that it does not have" },
    { "{% macro f(a) %}{% endmacro %}{{ f(1, b=2) }}", "line 1: a macro was given an argument that it does not have" },
    { "{% set empty.x = 1 %}", "line 1: only attributes of a namespace can be set" },
    { "{% for a, b in [[1]] %}{% endfor %}",
      "line 1: a value has another number of elements than there are names for it" },
    { "{{ raise_exception('No ' + 'roles') }}", "line 1: the template refuses this: No roles" },
    { "{{ raise_exception('Bad: ' + messages[1].content) }}", "line 1: the template refuses this: raise_exception" },
    { "{{ strftime_now('%s') }}", "line 1: the template asks for a form of the date that is not supported" },
    /* limits */
    { "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "line 1: the template goes too deep" },
    { "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}", "line 1: the template goes too deep" },
    { "{% set l = [] %}{% set _ = l.append(l) %}{{ l | tojson }}", "line 1: the template goes too deep" },
    { "{{ range(100001) }}", "line 1: a range of more than 100000 elements" },
    { "{{ range(0, 5, 0) }}", "line 1: there is no such range" },
    { "{% set r = range(99999) %}{% for a in r %}{% for b in r %}{% endfor %}{% endfor %}",
      "line 1: the template takes too many steps" },
    { "{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
      "line 1: the template makes a text that is too long" },
    { "{{ 'x' * 99999999 }}", "line 1: the template makes a text that is too long" },
    { "{% set ns = namespace(l=range(9999)) %}{% for i in range(99) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
      "line 1: the template needs too much memory" },
};

static void a_refusal_names_the_line_and_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < PML_COUNT(refusals); i++) {
        struct pml_error err = { 0 };
        PML_AUTO(buf) struct pml_buf text = { 0 };
        PML_AUTO(buf) struct pml_buf mask = { 0 };
        char expected[256];
        snprintf(expected, sizeof expected, "chat template: %s", refusals[i].error);
        if (render_text(refusals[i].template, strlen(refusals[i].template), "2024-02-09", &text, &mask, &err))
            fail_msg("%s is accepted", refusals[i].template);
        assert_string_equal(err.text, expected);
        assert_string_equal(err.code, "chat_template");
        assert_int_equal(err.kind, PML_NO);
        assert_int_equal(text.size, 0);
    }
}

/* --- shapes that are large --- */

/* COUNT times PART between HEAD and TAIL. */
static void assert_large(const char *head, const char *part, size_t count, const char *tail, const char *error)
{
    struct pml_error err = { 0 };
    PML_AUTO(buf) struct pml_buf template = { 0 };
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(buf) struct pml_buf mask = { 0 };
    pml_put_text(&template, head);
    for (size_t i = 0; i < count; i++)
        pml_put_text(&template, part);
    pml_put_text(&template, tail);
    bool done = render_text((char *)template.bytes, template.size, NULL, &text, &mask, &err);
    if (done != !error)
        fail_msg("%s%s...: %s", head, part, done ? "accepted" : err.text);
    if (error && !strstr(err.text, error))
        fail_msg("%s%s...: %s, not %s", head, part, err.text, error);
}

static void large_templates_are_bounded(void **state)
{
    (void)state;
    assert_large("", "{% if true %}", 101, "", "nested too deeply");
    assert_large("{{ ", "(", 100000, "", "nested too deeply");
    assert_large("{{ ", "[", 100000, "", "nested too deeply");
    assert_large("{{ ", "not ", 100000, "x }}", "nested too deeply");
    assert_large("{{ ", "-", 100000, "1 }}", "nested too deeply");
    assert_large("{{ ", "1+", 100000, "1 }}", "goes too deep");
    assert_large("{{ 'a'", "|upper", 100000, " }}", "goes too deep");
    assert_large("{{ x", ".y", 100000, " }}", "goes too deep");
    assert_large("", "{{ x }}", 140000, "", NULL);
    assert_large("", "{", 1 << 20, "", "nested too deeply");
    assert_large("", "{# #}", 200000, "", NULL);
    assert_large("{% raw %}", "{%   ", 200000, "{% endraw %}", NULL);
    assert_large("{{ 1 ", " ", 1000000, "}}", NULL);
    assert_large("{% if x %}", "{% elif x %}", 80000, "{% endif %}", NULL);
    assert_large("{{ [", "1,", 200000, "] | length }}", NULL);
    assert_large("", "x", (1 << 20) + 1, "", "more than 1048576 bytes");
}

/* --- marks --- */

static void assert_marks(const char *template, const char *expected_text, const char *expected_mask)
{
    struct pml_error err = { 0 };
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(buf) struct pml_buf mask = { 0 };
    if (!render_text(template, strlen(template), NULL, &text, &mask, &err))
        fail_msg("%s: %s", template, err.text);
    for (size_t i = 0; i < mask.size; i++)
        mask.bytes[i] += '0';
    pml_put_u8(&text, 0);
    pml_put_u8(&mask, 0);
    assert_string_equal((char *)text.bytes, expected_text);
    assert_string_equal((char *)mask.bytes, expected_mask);
}

static void marks_follow_the_bytes(void **state)
{
    (void)state;
    assert_marks("<|end|>{{ messages[1].content }}<|end|>", "<|end|><|end|>Hi<|end|>",
                 "1111111"
                 "000000000"
                 "1111111");
    assert_marks("{{ '<|' + messages[1].role + '|>' }}", "<|user|>", "11111111");
    assert_marks("{{ '<|' + tools[0].name + '|>' }}", "<|f|>", "11011");
    assert_marks("{% set x = '[' ~ messages[0].content | trim ~ ']' %}{{ x[1:4] }}{{ x[-3:] }}", "Be nd]", "000001");
    assert_marks("{{ messages[2].content.split(',') | join('+') | upper }}", "A+B++C", "010110");
    assert_marks("{{ messages[2].content | replace(',', '<>') }}", "a<>b<><>c", "011011110");
    assert_marks("{{ ['x', messages[2].content] | tojson }}", "[\"x\", \"a,b,,c\"]", "001000000000000");
    assert_marks("{% macro m(a) %}({{ a }}){% endmacro %}{{ m(m(tools[1].name)) }}", "((G))", "11011");
    assert_marks("{% filter indent(1) %}a\n{{ tools[0].name }}{% endfilter %}", "a\n f", "1110");
    assert_marks("{% for k, v in tools[1].items() %}{{ k }}:{% endfor %}", "name:n:", "0000101");
    assert_marks("{{ bos_token }}{{ number }}", "<s>7", "1110");
}

static void a_role_that_the_api_does_not_know_is_content(void **state)
{
    static const char json[] =
        "{\"messages\":[{\"role\":\"tool\"},{\"role\":\"end\"}],\"other\":[{\"role\":\"user\"}]}";
    static const char template[] = "{{ messages[0].role }} {{ messages[1].role }} {{ other[0].role }}";
    struct pml_error err;
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(buf) struct pml_buf mask = { 0 };
    (void)state;
    PML_AUTO(json) json_t *variables = pml_json_load(json, sizeof json - 1, &err);
    PML_AUTO(jinja) struct pml_jinja *t = pml_jinja_new(template, sizeof template - 1, &err);
    assert_non_null(variables);
    assert_non_null(t);
    assert_true(pml_jinja_render(t, &(struct pml_jinja_input){ .variables = variables }, &text, &mask, NULL, &err));
    assert_int_equal(text.size, 13);
    assert_memory_equal(mask.bytes, "\1\1\1\1\1\0\0\0\1\0\0\0\0", 13);
}

/* --- the rest of the interface --- */

static void the_clock_is_the_given_date_or_an_error(void **state)
{
    static const char template[] =
        "{% if false %}{{ strftime_now('%Y') }}{% endif %}{{ strftime_now('%Y') if number == 8 }}";
    static const char reads[] = "{{ strftime_now('%Y') }}";
    struct pml_error err;
    bool read_clock = true;
    PML_AUTO(buf) struct pml_buf text = { 0 };
    PML_AUTO(buf) struct pml_buf mask = { 0 };
    (void)state;
    PML_AUTO(json) json_t *variables = json_object();
    PML_AUTO(jinja) struct pml_jinja *idle = pml_jinja_new(template, sizeof template - 1, &err);
    PML_AUTO(jinja) struct pml_jinja *reader = pml_jinja_new(reads, sizeof reads - 1, &err);
    struct pml_jinja_input input = { .variables = variables };
    assert_true(pml_jinja_render(idle, &input, &text, &mask, &read_clock, &err));
    assert_false(read_clock);
    assert_false(pml_jinja_render(reader, &input, &text, &mask, &read_clock, &err));
    assert_string_equal(err.text, "chat template: line 1: the template asks for the date, and there is none");
    input.date = "2024-13-01";
    assert_false(pml_jinja_render(reader, &input, &text, &mask, &read_clock, &err));
    input.date = "2031-12-31";
    assert_true(pml_jinja_render(reader, &input, &text, &mask, &read_clock, &err));
    assert_true(read_clock);
    assert_int_equal(text.size, 4);
    assert_memory_equal(text.bytes, "2031", 4);
}

static void a_template_says_which_variables_it_reads(void **state)
{
    static const char template[] =
        "tools {% if x.documents %}{{ 'tools' }}{% endif %}{# tools #}{{ messages[0]['x'] }}";
    struct pml_error err;
    (void)state;
    PML_AUTO(jinja) struct pml_jinja *t = pml_jinja_new(template, sizeof template - 1, &err);
    assert_non_null(t);
    assert_true(pml_jinja_reads(t, "messages"));
    assert_true(pml_jinja_reads(t, "x"));
    assert_false(pml_jinja_reads(t, "tools"));
    assert_false(pml_jinja_reads(t, "documents"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_construct_renders_as_jinja2_says),
        cmocka_unit_test(a_refusal_names_the_line_and_the_reason),
        cmocka_unit_test(large_templates_are_bounded),
        cmocka_unit_test(marks_follow_the_bytes),
        cmocka_unit_test(a_role_that_the_api_does_not_know_is_content),
        cmocka_unit_test(the_clock_is_the_given_date_or_an_error),
        cmocka_unit_test(a_template_says_which_variables_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
