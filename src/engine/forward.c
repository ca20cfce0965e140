/* SPDX-License-Identifier: MIT */
/*
 * A batch goes through the layers in stages, each a run of independent tasks on the pool: by column (a token's vector),
 * by groups of rows of a matrix, or by key/value head and a few queries in attention.
 */
#include "engine/forward.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/rope.h"
#include "engine/weights.h"

#define LOGITS_ROOM    (8u << 20) /* floats of logits held at once, or one column's */
#define ATTEND_ROWS    64         /* query rows of one attention task, or one token's */
#define COLUMNS_BLOCK  64         /* columns a product takes at once, to keep their inputs in cache */
#define TASKS_A_THREAD 4          /* of a product: enough to even out, few enough to cost nothing */

#define PARTS 17

struct column {
    size_t span, index; /* which token */
    size_t position;
    bool bad; /* a value was not finite */
};

/* Query rows FIRST to END of a span (tokens), one key/value head. */
struct attend_task {
    size_t span, head, first, end;
};

struct pml_forward {
    const struct pml_model *model;
    const struct pml_kv *kv;
    struct pml_pool *pool;
    size_t room; /* columns */

    /* of the batch under way */
    struct pml_span *spans;
    size_t count; /* columns */
    size_t layer_index;
    const struct pml_layer *layer;
    struct column *columns;
    struct attend_task *attend_tasks;
    size_t attend_count;

    /* activations, [room][...]; rows of products are padded to whole groups */
    float *x;             /* residual stream [embedding] */
    float *h;             /* input of the next product: normed x, or attention's output [widest input] */
    float *a, *b, *c;     /* outputs of products: q, k, v; gate, up */
    float *added;         /* what a layer adds to x */
    float *cosine, *sine; /* [pairs] */
    float *logits;        /* [logits_room][padded vocabulary] */
    size_t logits_room;
    int8_t *q, *q256; /* h in blocks of 32 and of 256, as its readers want it */
    float *d, *d256;
    int32_t *s;
    int16_t *s256; /* sums of 16 */
    size_t h_stride, a_stride, b_stride, c_stride, added_stride, logits_stride;
    float *scratch;              /* [threads][scratch_size] */
    struct pml_attend_row *rows; /* [threads][attend_rows] */
    size_t scratch_size, head_padded, attend_tokens, attend_rows;
    void *memory;
    size_t memory_size;
    struct part {
        size_t offset, rows, row_size;
    } parts[PARTS]; /* of memory */
    size_t used;    /* columns of the largest batch since the last wipe */
};

static size_t pad(size_t count)
{
    return (count + PML_LANES - 1) / PML_LANES * PML_LANES;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

struct pml_kv_shape pml_model_kv_shape(const struct pml_model *m)
{
    return (struct pml_kv_shape){ m->info.layers, m->info.kv_heads, m->info.head_size, m->info.kv };
}

/* Working memory is one region, laid out by a first pass that only measures and a second that assigns. */
static void layout(struct pml_forward *f, char *base)
{
    const struct pml_model_info *i = &f->model->info;
    size_t used = 0, queries = (size_t)i->heads * i->head_size, kv = (size_t)i->kv_heads * i->head_size;
    f->h_stride = pad(larger(larger(i->embedding, queries), i->feed_forward));
    f->a_stride = pad(larger(queries, i->feed_forward));
    f->b_stride = pad(larger(kv, i->feed_forward));
    f->c_stride = pad(kv);
    f->added_stride = pad(i->embedding);
    f->logits_stride = pad(i->vocabulary);
    size_t threads = pml_pool_threads(f->pool);
    const struct {
        void *slot;
        size_t rows, count, size;
    } parts[PARTS] = {
        { &f->x, f->room, i->embedding, sizeof *f->x },
        { &f->h, f->room, f->h_stride, sizeof *f->h },
        { &f->a, f->room, f->a_stride, sizeof *f->a },
        { &f->b, f->room, f->b_stride, sizeof *f->b },
        { &f->c, f->room, f->c_stride, sizeof *f->c },
        { &f->added, f->room, f->added_stride, sizeof *f->added },
        { &f->cosine, f->room, f->model->pairs, sizeof *f->cosine },
        { &f->sine, f->room, f->model->pairs, sizeof *f->sine },
        { &f->logits, f->logits_room, f->logits_stride, sizeof *f->logits },
        { &f->q, f->room, f->h_stride, sizeof *f->q },
        { &f->d, f->room, f->h_stride / 32 + 1, sizeof *f->d },
        { &f->s, f->room, f->h_stride / 32 + 1, sizeof *f->s },
        { &f->q256, f->room, f->h_stride, sizeof *f->q256 },
        { &f->d256, f->room, f->h_stride / 256 + 1, sizeof *f->d256 },
        { &f->s256, f->room, f->h_stride / 16 + 1, sizeof *f->s256 },
        { &f->scratch, threads, f->scratch_size, sizeof *f->scratch },
        { &f->rows, threads, f->attend_rows, sizeof *f->rows },
    };
    for (size_t p = 0; p < PARTS; p++) {
        if (base)
            *(void **)parts[p].slot = base + used;
        f->parts[p] = (struct part){ used, parts[p].rows, parts[p].count * parts[p].size };
        used += (parts[p].rows * f->parts[p].row_size + 63) & ~(size_t)63;
    }
    f->memory_size = used;
}

struct pml_forward *pml_forward_new(const struct pml_model *model, const struct pml_kv *kv, struct pml_pool *pool,
                                    size_t columns, struct pml_error *err)
{
    const struct pml_model_info *i = &model->info;
    PML_AUTO(forward) struct pml_forward *f = calloc(1, sizeof *f);
    if (!f)
        return pml_fail_memory(err);
    f->model = model;
    f->kv = kv;
    f->pool = pool;
    f->room = columns;
    size_t sharing = i->heads / i->kv_heads;
    f->head_padded = pad(i->head_size);
    f->attend_tokens = larger(ATTEND_ROWS / sharing, 1);
    f->attend_rows = f->attend_tokens * sharing;
    f->scratch_size = pml_kv_scratch(kv) + 2 * f->attend_rows * f->head_padded;
    f->logits_room = LOGITS_ROOM / pad(i->vocabulary);
    f->logits_room = larger(1, f->logits_room < columns ? f->logits_room : columns);
    layout(f, NULL);
    f->memory = calloc(1, f->memory_size); /* pages that no batch reaches stay untouched */
    f->columns = calloc(columns, sizeof *f->columns);
    f->attend_tasks = calloc(columns * i->kv_heads, sizeof *f->attend_tasks);
    if (!f->memory || !f->columns || !f->attend_tasks)
        return pml_fail_memory(err);
    layout(f, f->memory);
    return pml_take(&f);
}

void pml_forward_wipe(struct pml_forward *f)
{
    size_t used = larger(f->used, pml_pool_threads(f->pool));
    for (size_t p = 0; f->used > 0 && p < PARTS; p++)
        pml_wipe((char *)f->memory + f->parts[p].offset,
                 (used < f->parts[p].rows ? used : f->parts[p].rows) * f->parts[p].row_size);
    f->used = 0;
}

void pml_forward_free(struct pml_forward *f)
{
    if (!f)
        return;
    pml_forward_wipe(f);
    free(f->memory);
    free(f->columns);
    free(f->attend_tasks);
    free(f);
}

void pml_forward_auto(struct pml_forward **f)
{
    pml_forward_free(*f);
}

/* Products: up to three matrices times the same columns, y = matrix . h. */

struct product {
    const struct pml_matrix *matrix;
    float *y;
    size_t stride;
};

struct products {
    const struct pml_forward *f;
    const struct product *of;
    size_t count;
    size_t step; /* groups of a task */
    struct pml_columns in;
};

static size_t product_tasks(const struct products *p, size_t i)
{
    return (pml_matrix_groups(p->of[i].matrix) + p->step - 1) / p->step;
}

static void product_task(void *arg, size_t index, size_t worker)
{
    const struct products *p = arg;
    size_t i = 0;
    (void)worker;
    for (; index >= product_tasks(p, i); i++)
        index -= product_tasks(p, i);
    const struct product *product = &p->of[i];
    size_t first = index * p->step, end = first + p->step, groups = pml_matrix_groups(product->matrix);
    end = end < groups ? end : groups;
    for (size_t c = 0; c < p->in.count; c += COLUMNS_BLOCK) {
        size_t blocks = p->in.size / 32;
        const struct pml_columns in = {
            .count = p->in.count - c < COLUMNS_BLOCK ? p->in.count - c : COLUMNS_BLOCK,
            .size = p->in.size,
            .x = p->in.x + c * p->in.stride,
            .stride = p->in.stride,
            .q = p->in.q + c * p->in.size,
            .d = p->in.d + c * blocks,
            .s = p->in.s + c * blocks,
            .q256 = p->in.q256 + c * p->in.size,
            .d256 = p->in.d256 + c * (p->in.size / 256),
            .s256 = p->in.s256 + c * (p->in.size / 16),
        };
        p->f->model->kernels->mul[product->matrix->type](product->y + c * product->stride, product->stride,
                                                         product->matrix->groups, &in, first, end);
    }
}

static void multiply(const struct pml_forward *f, size_t columns, const struct product *of, size_t count)
{
    struct products p = { f,
                          of,
                          count,
                          1,
                          { columns, of[0].matrix->inputs, f->h, f->h_stride, f->q, f->d, f->s, f->q256, f->d256,
                            f->s256 } };
    size_t groups = 0, tasks = 0;
    for (size_t i = 0; i < count; i++)
        groups += pml_matrix_groups(of[i].matrix);
    p.step = larger(1, groups / (TASKS_A_THREAD * pml_pool_threads(f->pool)));
    for (size_t i = 0; i < count; i++)
        tasks += product_tasks(&p, i);
    pml_pool_run(f->pool, product_task, &p, tasks);
}

/* Makes the blocks of h in slot C that the matrices which share this input read. False: not finite. */
static bool quantize(struct pml_forward *f, size_t c, const struct pml_matrix *const *readers, size_t count)
{
    const struct pml_kernels *k = f->model->kernels;
    const float *h = f->h + c * f->h_stride;
    size_t n = readers[0]->inputs;
    bool wanted[3] = { false };
    for (size_t i = 0; i < count; i++)
        wanted[readers[i]->packing->inputs] = true;
    return (!wanted[PML_INPUTS_A32] || k->quantize(f->q + c * n, f->d + c * (n / 32), f->s + c * (n / 32), h, n)) &&
           (!wanted[PML_INPUTS_A256] ||
            k->quantize256(f->q256 + c * n, f->d256 + c * (n / 256), f->s256 + c * (n / 16), h, n));
}

static void prepare(struct pml_forward *f, size_t c, const struct pml_matrix *const *readers, size_t count)
{
    if (!quantize(f, c, readers, count))
        f->columns[c].bad = true;
}

static void add(float *x, const float *y, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] + y[i];
}

/* Stages by column; ARG is the pass, INDEX the column. */

static void embed(void *arg, size_t c, size_t worker)
{
    struct pml_forward *f = arg;
    const struct pml_model *m = f->model;
    const struct column *column = &f->columns[c];
    (void)worker;
    pml_matrix_row(f->x + c * m->info.embedding, &m->embedding, f->spans[column->span].tokens[column->index]);
    pml_rope_angles(f->cosine + c * m->pairs, f->sine + c * m->pairs, m->frequency, m->pairs,
                    (uint32_t)column->position);
}

static void before_attention(void *arg, size_t c, size_t worker)
{
    struct pml_forward *f = arg;
    const struct pml_model *m = f->model;
    const struct pml_matrix *const readers[] = { &f->layer->q, &f->layer->k, &f->layer->v };
    float *x = f->x + c * m->info.embedding;
    (void)worker;
    m->kernels->rms(f->h + c * f->h_stride, x, f->layer->attn_norm, m->info.embedding, m->epsilon);
    prepare(f, c, readers, PML_COUNT(readers));
}

static void turn_and_store(void *arg, size_t c, size_t worker)
{
    struct pml_forward *f = arg;
    const struct pml_model *m = f->model;
    const struct pml_layer *layer = f->layer;
    const struct pml_model_info *i = &m->info;
    size_t size = i->head_size;
    float *q = f->a + c * f->a_stride, *k = f->b + c * f->b_stride, *v = f->c + c * f->c_stride;
    const float *cosine = f->cosine + c * m->pairs, *sine = f->sine + c * m->pairs;
    (void)worker;
    if (layer->q_bias)
        add(q, layer->q_bias, i->heads * size);
    if (layer->k_bias)
        add(k, layer->k_bias, i->kv_heads * size);
    if (layer->v_bias)
        add(v, layer->v_bias, i->kv_heads * size);
    __typeof__(&pml_rope_turn_halves) turn =
        m->architecture->rope_halves ? pml_rope_turn_halves : pml_rope_turn_adjacent;
    for (size_t head = 0; head < i->heads; head++)
        turn(q + head * size, cosine, sine, m->pairs);
    for (size_t head = 0; head < i->kv_heads; head++)
        turn(k + head * size, cosine, sine, m->pairs);
    pml_kv_store(f->kv, f->spans[f->columns[c].span].cache, f->layer_index, f->columns[c].position, k, v);
}

static void after_attention(void *arg, size_t c, size_t worker)
{
    struct pml_forward *f = arg;
    (void)worker;
    prepare(f, c, (const struct pml_matrix *const[]){ &f->layer->output }, 1);
}

static void add_to_residual(struct pml_forward *f, size_t c)
{
    size_t n = f->model->info.embedding;
    add(f->x + c * n, f->added + c * f->added_stride, n);
}

static void before_feed(void *arg, size_t c, size_t worker)
{
    struct pml_forward *f = arg;
    const struct pml_model *m = f->model;
    const struct pml_matrix *const readers[] = { &f->layer->gate, &f->layer->up };
    float *x = f->x + c * m->info.embedding;
    (void)worker;
    if (f->layer->output_bias)
        add(f->added + c * f->added_stride, f->layer->output_bias, m->info.embedding);
    add_to_residual(f, c);
    m->kernels->rms(f->h + c * f->h_stride, x, f->layer->ffn_norm, m->info.embedding, m->epsilon);
    prepare(f, c, readers, PML_COUNT(readers));
}

static void gate(void *arg, size_t c, size_t worker)
{
    struct pml_forward *f = arg;
    (void)worker;
    f->model->kernels->silu_gate(f->h + c * f->h_stride, f->a + c * f->a_stride, f->b + c * f->b_stride,
                                 f->model->info.feed_forward);
    prepare(f, c, (const struct pml_matrix *const[]){ &f->layer->down }, 1);
}

static void after_feed(void *arg, size_t c, size_t worker)
{
    (void)worker;
    add_to_residual(arg, c);
}

/* Attention: some tokens' queries of the heads that share a key/value head, over all chunks they see. */

static void copy_queries(const struct pml_forward *f, const struct attend_task *task, size_t first_column,
                         float *queries)
{
    const struct pml_model_info *i = &f->model->info;
    size_t sharing = i->heads / i->kv_heads;
    for (size_t t = task->first; t < task->end; t++) {
        for (size_t g = 0; g < sharing; g++, queries += f->head_padded) {
            memcpy(queries, f->a + (first_column + t) * f->a_stride + (task->head * sharing + g) * i->head_size,
                   i->head_size * sizeof *queries);
            memset(queries + i->head_size, 0, (f->head_padded - i->head_size) * sizeof *queries);
        }
    }
}

static void write_outputs(const struct pml_forward *f, const struct attend_task *task, size_t first_column,
                          const struct pml_attend_row *row)
{
    const struct pml_model_info *i = &f->model->info;
    size_t sharing = i->heads / i->kv_heads;
    for (size_t t = task->first; t < task->end; t++) {
        for (size_t g = 0; g < sharing; g++, row++) {
            float *to = f->h + (first_column + t) * f->h_stride + (task->head * sharing + g) * i->head_size;
            for (size_t e = 0; e < i->head_size; e++)
                to[e] = row->out[e] / row->sum;
        }
    }
}

static void attend(void *arg, size_t index, size_t worker)
{
    struct pml_forward *f = arg;
    const struct attend_task *task = &f->attend_tasks[index];
    const struct pml_span *span = &f->spans[task->span];
    const struct pml_model_info *i = &f->model->info;
    size_t sharing = i->heads / i->kv_heads, count = (task->end - task->first) * sharing, first_column = 0;
    for (size_t s = 0; s < task->span; s++)
        first_column += f->spans[s].count;

    struct pml_attend_row *rows = f->rows + worker * f->attend_rows;
    float *scratch = f->scratch + worker * f->scratch_size, *queries = scratch + pml_kv_scratch(f->kv);
    float *out = queries + count * f->head_padded;
    copy_queries(f, task, first_column, queries);
    memset(out, 0, count * f->head_padded * sizeof *out);
    for (size_t r = 0; r < count; r++)
        rows[r] = (struct pml_attend_row){ queries + r * f->head_padded, 0, -INFINITY, 0.0f, out + r * f->head_padded };

    size_t last = span->position + task->end - 1;
    for (size_t chunk = 0; chunk <= last / PML_CHUNK; chunk++) {
        size_t start = chunk * PML_CHUNK, seen = last - start + 1, r = 0;
        struct pml_attend_chunk keys = { .scale = 1.0f / sqrtf((float)i->head_size) };
        pml_kv_widen(f->kv, span->cache, f->layer_index, chunk, task->head, seen < PML_CHUNK ? seen : PML_CHUNK,
                     f->model->kernels, scratch, &keys);
        for (; r < count && span->position + task->first + r / sharing < start; r++)
            ; /* tokens before this chunk see nothing of it */
        for (size_t k = r; k < count; k++) {
            size_t visible = span->position + task->first + k / sharing - start + 1;
            rows[k].visible = (uint32_t)(visible < PML_CHUNK ? visible : PML_CHUNK);
        }
        f->model->kernels->attend(&keys, &rows[r], count - r);
    }
    write_outputs(f, task, first_column, rows);
}

/* The batch as columns and attention tasks. */
static void set_up(struct pml_forward *f, struct pml_span *spans, size_t count)
{
    f->spans = spans;
    f->count = f->attend_count = 0;
    for (size_t s = 0; s < count; s++) {
        spans[s].failed = false;
        for (size_t i = 0; i < spans[s].count; i++)
            f->columns[f->count++] = (struct column){ s, i, spans[s].position + i, false };
        for (size_t first = 0; first < spans[s].count; first += f->attend_tokens) {
            size_t end = first + f->attend_tokens < spans[s].count ? first + f->attend_tokens : spans[s].count;
            for (size_t head = 0; head < f->model->info.kv_heads; head++)
                f->attend_tasks[f->attend_count++] = (struct attend_task){ s, head, first, end };
        }
    }
}

/*
 *   x += output(attention(rope(q), rope(k), v))   with q, k, v of rms(x)
 *   x += down(silu(gate) * up)                    with gate, up of rms(x)
 */
static void run_layer(struct pml_forward *f, size_t index)
{
    const struct pml_layer *layer = &f->model->layers[index];
    f->layer = layer;
    f->layer_index = index;
    pml_pool_run(f->pool, before_attention, f, f->count);
    multiply(f, f->count,
             (const struct product[]){
                 { &layer->q, f->a, f->a_stride }, { &layer->k, f->b, f->b_stride }, { &layer->v, f->c, f->c_stride } },
             3);
    pml_pool_run(f->pool, turn_and_store, f, f->count);
    pml_pool_run(f->pool, attend, f, f->attend_count);
    pml_pool_run(f->pool, after_attention, f, f->count);
    multiply(f, f->count, &(const struct product){ &layer->output, f->added, f->added_stride }, 1);

    pml_pool_run(f->pool, before_feed, f, f->count);
    multiply(f, f->count,
             (const struct product[]){ { &layer->gate, f->a, f->a_stride }, { &layer->up, f->b, f->b_stride } }, 2);
    pml_pool_run(f->pool, gate, f, f->count);
    multiply(f, f->count, &(const struct product){ &layer->down, f->added, f->added_stride }, 1);
    pml_pool_run(f->pool, after_feed, f, f->count);
}

/* Some of the columns whose logits are wanted. */
struct wanted {
    struct pml_forward *f;
    size_t columns[256], count;
};

static void normalize_output(void *arg, size_t slot, size_t worker)
{
    const struct wanted *w = arg;
    struct pml_forward *f = w->f;
    const struct pml_model *m = f->model;
    size_t c = w->columns[slot];
    (void)worker;
    m->kernels->rms(f->h + slot * f->h_stride, f->x + c * m->info.embedding, m->output_norm, m->info.embedding,
                    m->epsilon);
    if (!quantize(f, slot, (const struct pml_matrix *const[]){ &m->output }, 1))
        f->columns[c].bad = true;
}

static void note_failures(struct pml_forward *f)
{
    for (size_t c = 0; c < f->count; c++) {
        if (f->columns[c].bad)
            f->spans[f->columns[c].span].failed = true;
    }
}

static void emit(struct wanted *w, pml_logits_sink *sink, void *arg)
{
    struct pml_forward *f = w->f;
    pml_pool_run(f->pool, normalize_output, w, w->count);
    note_failures(f);
    multiply(f, w->count, &(const struct product){ &f->model->output, f->logits, f->logits_stride }, 1);
    for (size_t i = 0; i < w->count; i++) {
        const struct column *c = &f->columns[w->columns[i]];
        if (!f->spans[c->span].failed)
            sink(arg, c->span, c->index, f->logits + i * f->logits_stride);
    }
    w->count = 0;
}

void pml_forward_run(struct pml_forward *f, struct pml_span *spans, size_t count, pml_logits_sink *sink, void *arg)
{
    set_up(f, spans, count);
    pml_pool_run(f->pool, embed, f, f->count);
    for (size_t layer = 0; layer < f->model->info.layers; layer++)
        run_layer(f, layer);
    f->used = larger(f->used, f->count);
    note_failures(f);

    struct wanted w = { .f = f };
    for (size_t c = 0; c < f->count; c++) {
        if (f->columns[c].index < spans[f->columns[c].span].logits_from)
            continue;
        w.columns[w.count++] = c;
        if (w.count == f->logits_room || w.count == PML_COUNT(w.columns))
            emit(&w, sink, arg);
    }
    if (w.count > 0)
        emit(&w, sink, arg);
}
