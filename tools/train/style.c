/* SPDX-License-Identifier: MIT */
/* Dressing of questions. */
#include "style.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static const char *const frames[] = {
    "[what is|what's|what are|whats] %s",
    "[can|could|would|will] you [please |][explain|describe|define|tell me about|talk about|say something about] %s "
    "[to me|for me|]",
    "[explain|describe|define|tell me about|talk about|say something about|introduce] %s [to me|for me|]",
    "[please explain|please describe|please tell me about|I want to know about|I would like to know about|I want to "
    "understand|I am interested in] %s",
    "what [do you know|can you say|can you tell me|should I know|do I have to know|must I know] about %s",
    "what [exactly|really|actually|precisely] [is|are] %s",
    "[what does|how do you define|what is the meaning of|what is meant by|what does it mean,|what do you mean by|what "
    "do people mean by|what do you understand by] %s [mean|]",
    "[what is|what's] the [purpose|idea|point|use|role|job|meaning|function|task] of %s",
    "what is %s [for|good for|used for|about]",
    "[how does|how do|how would you explain|in what way does|how exactly does] %s [work|]",
    "[why do I need|why is there|why do you have|why should I care about|why would anybody want|why do you need|who "
    "needs] %s",
    "I [do not|don't] [know|understand|get] [what|] %s [is|means|]",
    "I have [never|not] [heard of|heard about|seen|understood] %s",
    "%s",
    "%s, [what is that|what is it|please|what does it mean|what does it do]",
    "[help me understand|teach me about|give me a short explanation of|give me the definition of|summarize|outline] %s",
    "do you know [what|] %s [is|means|]",
    "[someone|a friend|my boss|my teacher|a colleague|the manual] [mentioned|talked about|asked me about|speaks of] %s",
    "what [would|could|can] %s [do|be|mean]",
    "[is there|are there|do you have|do you use] %s",
};

/* Words that questions can do without. */
static const char *const weak[] = { "a",     "an",   "the", "is", "are", "do",   "does", "can",  "could",  "would",
                                    "will",  "to",   "of",  "in", "on",  "it",   "that", "this", "please", "me",
                                    "about", "some", "so",  "be", "was", "were", "for",  "with", "my",     "your" };

void style_frame(struct grammar *g, char question[STYLE_TEMPLATE_SIZE], const char *noun)
{
    const char *frame = frames[rng_below(&g->rng, PML_COUNT(frames))], *slot = strstr(frame, "%s");
    snprintf(question, STYLE_TEMPLATE_SIZE, "%.*s%s%s", (int)(slot - frame), frame, noun, slot + 2);
}

static bool is_weak(const uint8_t *word, size_t size)
{
    for (size_t i = 0; i < PML_COUNT(weak); i++)
        if (strlen(weak[i]) == size && strncasecmp(weak[i], (const char *)word, size) == 0)
            return true;
    return false;
}

/* A word that means nothing: the unknown words of real questions. */
static void put_junk(struct grammar *g, struct pml_buf *out)
{
    static const char *const part[] = { "ba",  "ter", "mo",  "lin", "ru",  "sta", "ven", "ki",  "por", "al",
                                        "den", "shi", "cor", "ple", "um",  "gra", "ne",  "tic", "ol",  "fe",
                                        "ing", "er",  "ous", "ly",  "con", "pre", "ed",  "able" };
    for (uint32_t n = 2 + rng_below(&g->rng, 2); n > 0; n--)
        pml_put_text(out, part[rng_below(&g->rng, PML_COUNT(part))]);
}

/* Copies TEXT word by word; of 100 weak words DROPPED are dropped or replaced, and some junk is put in between. */
static void put_noisy(struct grammar *g, struct pml_buf *out, const uint8_t *text, size_t size, uint32_t dropped)
{
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && text[end] != ' ')
            end++;
        uint32_t r = rng_below(&g->rng, 100);
        bool drop = r < dropped && is_weak(text + at, end - at);
        if (drop && r < 12)
            put_junk(g, out);
        else if (!drop)
            pml_put_bytes(out, text + at, end - at);
        if ((!drop || r < 12) && end < size)
            pml_put_u8(out, ' ');
        if (r >= 94) {
            if (end == size)
                pml_put_u8(out, ' ');
            put_junk(g, out);
            pml_put_u8(out, ' ');
        }
        at = end + 1;
    }
}

/* A template for what comes before and after the question; most often nothing. */
static const char *prefix(struct rng *rng)
{
    return rng_below(rng, 100) < 75 ? ""
                                    : "[hi,|hello,|hey,|ok,|okay,|so,|well,|now|and|but|please,|sorry,|excuse "
                                      "me,|quick question:|one more thing:|a question:|tell me,|"
                                      "say,|I wonder,|I am new here,|by the way,|dear model,|listen,|just curious:|let "
                                      "me ask:|also,|first,|next question:|hm,|in your opinion,|I would like to know,]";
}

static const char *suffix(struct rng *rng)
{
    return rng_below(rng, 100) < 85 ? ""
                                    : "[please|, please|, thanks|, thank you|for me|in short|briefly|in one "
                                      "sentence|in simple words|now|exactly|here|, my friend|again|in this project|"
                                      "in the SDK|for a beginner|, and why|at all|then|in practice|right now|with an "
                                      "example|if I may ask|in detail]";
}

static void set_case(struct grammar *g, uint8_t *text, size_t size)
{
    uint32_t r = rng_below(&g->rng, 100);
    if (size == 0)
        return;
    if (r < 70)
        text[0] = (uint8_t)toupper(text[0]);
    else if (r < 92)
        for (size_t i = 0; i < size; i++)
            text[i] = (uint8_t)tolower(text[i]);
    else if (r < 94)
        for (size_t i = 0; i < size; i++)
            text[i] = (uint8_t)toupper(text[i]);
}

void style_question(struct grammar *g, struct pml_buf *out, const char *question)
{
    PML_AUTO(buf) struct pml_buf plain = { 0 };
    char template[STYLE_TEMPLATE_SIZE + 1024];
    static const char *const marks[] = { "?", "?", "?", "?", "?", "?", "?", "", "", ".", "?", "!", "??", "" };
    size_t from = out->size;

    snprintf(template, sizeof template, "%s %s %s", prefix(&g->rng), question, suffix(&g->rng));
    grammar_expand(g, &plain, template);
    uint32_t noise = rng_below(&g->rng, 100);
    if (noise < 28)
        put_noisy(g, out, plain.bytes, plain.size, noise < 6 ? 90 : 30);
    else
        pml_put_bytes(out, plain.bytes, plain.size);
    while (out->size > from && out->bytes[out->size - 1] == ' ')
        out->size--;
    if (!out->failed)
        set_case(g, out->bytes + from, out->size - from);
    pml_put_text(out, marks[rng_below(&g->rng, PML_COUNT(marks))]);
}
