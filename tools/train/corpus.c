/* SPDX-License-Identifier: MIT */
/* Documents: stories, and conversations made of turns. How a question is dressed is in style.c. */
#include "corpus.h"

#include <string.h>

#include "base/memory.h"
#include "grammar.h"
#include "style.h"
#include "topics.h"

static const struct grammar_rule rules[] = {
    { "name",
      "[Ada|Ben|Carla|David|Emma|Felix|Greta|Hugo|Ida|Jonas|Karin|Leo|Mia|Nora|Oskar|Paul|Quinn|Rosa|Sam|Tina|Uwe|Vera|"
      "Will|Xenia|Yara|Zoe|Anna|Bob|Alice|Tom|Lena|Max|Maria|Peter|Julia|Erik|Sofia|Noah|Clara|Ivan]" },
    { "animal", "[fox|wolf|cat|dog|bear|mouse|hare|frog|crow|horse|duck|goat]" },
    { "mood", "[small|merry|clever|brave|quiet|curious|friendly|lazy|proud|young]" },
    { "place", "[forest|village|garden|castle|harbour|valley|mill|library]" },
    { "find",
      "[a silver key|a sealed letter|a lost map|a small lamp|an old book|a golden bell|a blue stone|a locked box]" },
    { "weather", "[One morning|One evening|On a cold day|On a warm day|One rainy night]" },
    { "read", "[read|see|look at|peek at|spy on|access|view|watch|steal|inspect|snoop on|know|learn|observe|get "
              "at|find out|copy|intercept]" },
    { "prompt", "[prompt|prompts|question|questions|message|messages|text|texts|input|data|chat|chats|conversation|"
                "words|request|requests|"
                "secrets|secret]" },
    { "typed", "[what|everything|the things|the text|the words|the stuff|anything|whatever] I "
               "[type|typed|write|wrote|ask|asked|say|said|send|sent|enter|entered|"
               "am typing|am asking|tell you|told you]" },
    { "mine", "[[my|our|the|a user's|private|secret|personal|confidential] {prompt}|{typed}]" },
    { "people",
      "[the|a|some|my|your] [host|operator|provider|administrator|admin|cloud|cloud "
      "provider|owner|hoster|attacker|hacker|root user|"
      "company|data center|stranger|government|police|boss|[owner|owners|people|company|person|folks|somebody] "
      "[|who own|who runs|who run|behind|of|operating|who owns] [the|this] "
      "[machine|server|computer|service|hardware|box|host]]" },
    { "anyone", "[anyone|anybody|somebody|someone|other people|others|someone else|anybody else|they|you|a third "
                "party|{people}]" },
    { "can", "[can|could|may|might|will|would|is it possible that|is there a way that]" },
    { "swap", "[swap|change|replace|exchange|modify|switch|substitute|alter|manipulate|tamper with]" },
    { "swapped",
      "[swapped|changed|replaced|exchanged|modified|switched|substituted|altered|manipulated|tampered with]" },
    { "weights", "[weights|model|model file|network|parameters|weight file|llm]" },
    { "check", "[check|verify|validate|confirm|test|prove|make sure of|be sure about|audit|examine|inspect]" },
    { "answer", "[answer|answers|response|reply|output|result|text|completion|message]" },
    { "software", "[software|program|code|application|service|version|system]" },
    { "machine", "[machine|computer|server|laptop|notebook|pc|desktop|host|workstation]" },
    { "fruit", "[apples|pears|nuts|coins|books|stones]" },
    { "story",
      "Once upon a time there was a {A} named {N=name} who lived in a {M=mood} {place}. {weather} {N} found {F=find}. "
      "[\"Whose is this?\" asked {N}.|\"What a find!\" said {N}.|{N} did not know what to do with it.] "
      "[{N} showed it to a {mood} {animal}|{N} carried it to the {place}|{N} hid it under a tree], "
      "[and nobody had seen anything like it.|but there was no answer.|and the others came to look.] "
      "[In the end {N} gave it back to its owner, and they became friends.|In the end {N} kept it safe, and everybody "
      "was glad.|"
      "In the end {N} learned that a secret is best kept by those who share it with nobody.] "
      "[The end.|And that is the whole story.|Since that day {N} has slept well.]" },
};

const char *corpus_control_text(enum corpus_kind kind)
{
    static const char *const text[] = {
        [CORPUS_IM_START] = "<|im_start|>", [CORPUS_IM_END] = "<|im_end|>", [CORPUS_END] = "<|endoftext|>"
    };
    return text[kind];
}

/* A conversation in the making. */
struct talk {
    struct corpus_doc *doc;
    struct grammar g;
    const struct topic *last; /* the topic of the last answer, NULL if there is none to go on with */
    bool name_known;          /* the user has said his name: value 'U' */
};

static void put_control(struct corpus_doc *doc, enum corpus_kind kind, bool learned)
{
    doc->piece[doc->pieces++] = (struct corpus_piece){ .kind = kind, .learned = learned };
}

static void put_text(struct corpus_doc *doc, size_t begin, bool learned)
{
    doc->piece[doc->pieces++] =
        (struct corpus_piece){ .kind = CORPUS_TEXT, .learned = learned, .begin = begin, .end = doc->text.size };
}

static void put_literal(struct corpus_doc *doc, const char *text)
{
    size_t begin = doc->text.size;
    pml_put_text(&doc->text, text);
    put_text(doc, begin, false);
}

/* Opens a message of ROLE. Returns where its content begins. */
static void open_message(struct corpus_doc *doc, const char *role)
{
    put_control(doc, CORPUS_IM_START, false);
    put_literal(doc, role);
}

static void close_message(struct corpus_doc *doc, bool learned)
{
    put_control(doc, CORPUS_IM_END, learned);
    put_literal(doc, "\n");
}

/* A question in disguise. Its choices are not learned, so they do not count. */
static void ask(struct talk *t, const char *question)
{
    double bits = t->g.bits;
    open_message(t->doc, "user\n");
    size_t begin = t->doc->text.size;
    style_question(&t->g, &t->doc->text, question);
    put_text(t->doc, begin, false);
    close_message(t->doc, false);
    t->g.bits = bits;
}

static void answer(struct talk *t, const char *text)
{
    open_message(t->doc, "assistant\n");
    size_t begin = t->doc->text.size;
    grammar_expand(&t->g, &t->doc->text, text);
    put_text(t->doc, begin, true);
    close_message(t->doc, true);
}

static size_t filled(const char *const *list, size_t room)
{
    size_t n = 0;
    while (n < room && list[n])
        n++;
    return n;
}

static void answer_topic(struct talk *t, const struct topic *topic)
{
    answer(t, topic->answer[grammar_choose(&t->g, (uint32_t)filled(topic->answer, PML_COUNT(topic->answer)))]);
    t->last = topic;
}

static uint32_t weight_of(const struct topic *topic)
{
    return topic->weight ? topic->weight : 1;
}

static const struct topic *pick_topic(struct rng *rng, const struct topics *topics)
{
    uint32_t total = 0;
    for (size_t i = 0; i < topics->count; i++)
        total += weight_of(&topics->list[i]);
    uint32_t at = rng_below(rng, total);
    const struct topic *topic = topics->list;
    for (; at >= weight_of(topic); topic++)
        at -= weight_of(topic);
    return topic;
}

static void turn_topic(struct talk *t, const struct topics *topics)
{
    struct rng *rng = &t->g.rng;
    const struct topic *topic = pick_topic(rng, topics);
    char question[STYLE_TEMPLATE_SIZE];

    if (topic->noun && rng_below(rng, 100) < 40)
        style_frame(&t->g, question, topic->noun);
    else
        snprintf(question, sizeof question, "%s",
                 topic->ask[rng_below(rng, (uint32_t)filled(topic->ask, PML_COUNT(topic->ask)))]);
    ask(t, question);
    answer_topic(t, topic);
}

static void turn_more(struct talk *t)
{
    ask(t,
        "[tell me more|more|more please|go on|and then|can you say more|can you explain that|why|why is that|how "
        "so|really|say that again|"
        "say it in other words|I do not understand|I don't understand|what does that mean|please explain|explain that "
        "again|"
        "[can|could] you [repeat|explain] [that|it]|once more|and|anything else about that|is that so|are you sure]");
    answer_topic(t, t->last);
}

static void turn_name(struct talk *t)
{
    struct rng *rng = &t->g.rng;
    t->last = NULL;
    if (t->name_known || rng_below(rng, 4) == 0) {
        ask(t, "[[what is|what's|tell me|do you know|do you remember|say] my name|who am I|how am I called|how do you "
               "call me]");
        answer(t, t->name_known ? "[Your name is {U}.|You are {U}.]" : "You have not told me your name.");
        return;
    }
    static const char *const say[] = {
        "my name is {U=name}",        "I am {U=name}",     "I'm {U=name}",        "call me {U=name}",
        "hello, my name is {U=name}", "hi, I am {U=name}", "{U=name} is my name", "this is {U=name}"
    };
    ask(t, say[rng_below(rng, PML_COUNT(say))]);
    answer(t, "[Nice to meet you, {U}.|Hello, {U}!] [What would you like to know?|Ask me about the Private ML SDK.]");
    t->name_known = true;
}

/* Questions about a and b, and how the answer writes the operation. */
static const struct {
    const char *ask[3];
    char sign;
    uint32_t most; /* of a and b */
} sums[] = {
    { { "[what is|what's|how much is|calculate|compute|tell me|what does|] {P} [+|plus|and|added to] {Q} [|make]",
        "[please add|add|sum up|what is the sum of|the sum of|what do you get when you add|can you add] {P} and {Q}",
        "[what|how much] [do you get|comes out|is the result|do I get] [when|if] [{P} and {Q} are added|I add {P} "
        "and {Q}|"
        "you add {Q} to {P}|one adds {P} and {Q}]" },
      '+',
      10 },
    { { "[what is|what's|how much is|calculate|compute|tell me|what does|] {P} [-|minus|less] {Q} [|make]",
        "[please subtract|subtract|take away|take|what do you get when you subtract] {Q} from {P}",
        "what [is left|remains] [when|if] [I|you] take {Q} [away |]from {P}" },
      '-',
      10 },
    { { "[what is|what's|how much is|calculate|compute|tell me|what does|] {P} [*|times|x|multiplied by] {Q} [|make]",
        "[please multiply|multiply|what is the product of|the product of|can you multiply] {P} and {Q}",
        "[what|how much] [do you get|comes out|is the result] [when|if] [you multiply {P} and {Q}|I multiply {P} by "
        "{Q}]" },
      '*',
      5 },
};

static void turn_sum(struct talk *t)
{
    struct rng *rng = &t->g.rng;
    uint32_t kind = rng_below(rng, PML_COUNT(sums)), most = sums[kind].most;
    uint32_t a = rng_below(rng, most + 1), b = rng_below(rng, most + 1), result;
    char text[160];

    if (sums[kind].sign == '-' && b > a)
        result = a, a = b, b = result;
    result = sums[kind].sign == '+' ? a + b : sums[kind].sign == '-' ? a - b : a * b;
    snprintf(t->g.value['P' - 'A'], GRAMMAR_VALUE_SIZE, "%u", a);
    snprintf(t->g.value['Q' - 'A'], GRAMMAR_VALUE_SIZE, "%u", b);
    t->last = NULL;
    if (sums[kind].sign != '*' && rng_below(rng, 5) == 0) {
        ask(t, sums[kind].sign == '-'
                   ? "I have {P} {F=fruit} and [lose|give away|eat|sell] {Q} [|{F}|more]. How many {F} do I have [now|]"
                   : "I have {P} {F=fruit} and [get|find|buy|receive] {Q} [|{F}|more]. How many {F} do I have [now|]");
        snprintf(text, sizeof text, "You have %u {F}.", result);
    } else {
        ask(t, sums[kind].ask[rng_below(rng, PML_COUNT(sums[kind].ask))]);
        snprintf(text, sizeof text, "%u %c %u = %u.", a, sums[kind].sign, b, result);
    }
    answer(t, text);
}

static void turn_story(struct talk *t)
{
    static const char *const who = "[|about a {A=animal}|with a {A=animal}]";
    char text[160];
    struct pml_buf animal = { 0 };

    t->g.value['A' - 'A'][0] = '\0';
    snprintf(
        text, sizeof text,
        "[tell me|write|I want|can you tell me|give me|make up|invent|I would like] a [short |little |nice |]story %s",
        who);
    ask(t, text);
    if (t->g.value['A' - 'A'][0] == '\0')
        grammar_expand(&t->g, &animal, "{A=animal}");
    pml_buf_free(&animal);
    answer(t, "{story}");
    t->last = NULL;
}

static void turn(struct talk *t)
{
    uint32_t kind = rng_below(&t->g.rng, 100);
    if (kind < 8 && t->last)
        turn_more(t);
    else if (kind < 28)
        turn_topic(t, &topics_trust);
    else if (kind < 32)
        turn_name(t);
    else if (kind < 44)
        turn_sum(t);
    else if (kind < 46)
        turn_story(t);
    else if (kind < 57)
        turn_topic(t, &topics_engine);
    else if (kind < 72)
        turn_topic(t, &topics_use);
    else if (kind < 83)
        turn_topic(t, &topics_self);
    else if (kind < 92)
        turn_topic(t, &topics_other);
    else
        turn_topic(t, &topics_trust);
}

/* Most conversations are short; a few fill several hundred tokens. */
static uint32_t turns_wanted(struct rng *rng)
{
    uint32_t r = rng_below(rng, 100);
    return r < 50 ? 1 : r < 72 ? 2 : r < 84 ? 3 : r < 92 ? 4 : r < 98 ? 5 + rng_below(rng, 2) : 7 + rng_below(rng, 5);
}

static void conversation(struct talk *t)
{
    struct rng *rng = &t->g.rng;
    uint32_t turns = turns_wanted(rng);

    if (rng_below(rng, 8) == 0) {
        open_message(t->doc, "system\n");
        size_t begin = t->doc->text.size;
        grammar_expand(&t->g, &t->doc->text,
                       "You are [a|the] [helpful|friendly|polite|small] [assistant|demo model|model|chat bot|expert]. "
                       "[|Answer briefly.|Be short.|Answer in English.|Answer the questions of the user.|Be honest.]");
        put_text(t->doc, begin, false);
        close_message(t->doc, false);
    }
    t->g.bits = 0;
    for (uint32_t i = 0; i < turns; i++)
        turn(t);
}

static void story(struct talk *t)
{
    struct pml_buf animal = { 0 };
    t->g.bits = 0;
    grammar_expand(&t->g, &animal, "{A=animal}");
    pml_buf_free(&animal);
    grammar_expand(&t->g, &t->doc->text, "{story}");
    put_text(t->doc, 0, true);
    put_control(t->doc, CORPUS_END, true);
}

void corpus_document(struct corpus_doc *doc, uint64_t seed, uint64_t number)
{
    struct rng mix = { seed ^ (number * 0xd1342543de82ef95u) };
    struct talk t = { .doc = doc, .g = { .rng = { rng_next(&mix) }, .rules = rules, .rules_count = PML_COUNT(rules) } };

    pml_buf_clear(&doc->text);
    doc->pieces = 0;
    if (rng_below(&t.g.rng, 100) < 2)
        story(&t);
    else
        conversation(&t);
    doc->bits = t.g.bits;
}

void corpus_doc_free(struct corpus_doc *doc)
{
    pml_buf_free(&doc->text);
}

void corpus_render(struct pml_buf *out, const struct corpus_doc *doc)
{
    for (size_t i = 0; i < doc->pieces; i++) {
        const struct corpus_piece *p = &doc->piece[i];
        if (p->kind == CORPUS_TEXT)
            pml_put_bytes(out, doc->text.bytes + p->begin, p->end - p->begin);
        else
            pml_put_text(out, corpus_control_text(p->kind));
    }
}
