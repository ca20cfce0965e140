/* SPDX-License-Identifier: MIT */
/*
 * Loading: read the metadata, plan where each tensor goes, then read the tensors in the order of the file, packing the
 * bytes that were hashed, and compare the digest at the end.
 */
#include "engine/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"
#include "engine/math.h"
#include "engine/rope.h"
#include "engine/weights.h"

#define LAYERS_MAX    1024
#define EMBEDDING_MAX 65536
#define FEED_MAX      (1u << 20)
#define HEAD_SIZE_MAX 1024
#define POSITIONS_MAX (1u << 20) /* what pml_sincos can turn by */
#define READ_SIZE     (1u << 20)
#define ALIGNED(size) (((size) + 63) & ~(size_t)63)

static const struct pml_architecture architectures[] = {
    { "llama", .rope_halves = false, .biases = false },
    { "qwen2", .rope_halves = true, .biases = true },
};

/* Where one tensor of the file goes: a matrix or a vector of the model, or nowhere. */
struct place {
    struct pml_matrix *matrix;
    float **vector;
};

struct loader {
    struct pml_model *model;
    const struct pml_gguf *gguf;
    struct place *places; /* [gguf->tensor_count] */
    const struct pml_model_options *options;
    uint8_t *rows; /* as they come from the file */
    void *group;   /* reference mode: packed as the file has it */
    float *row;    /* reference mode: one row as numbers */
    uint64_t done;
};

/* Steps of planning; each fails naming the tensor. */

static bool unsupported(struct pml_error *err, const char *tensor, enum pml_tensor_type type)
{
    return pml_fail(err, PML_NO, "model", "tensor %s: type %s is not supported", tensor, pml_tensor_type(type)->name);
}

/* The tensor's place, or NULL when it is missing: an error unless OPTIONAL. */
static struct place *find(struct loader *l, const char *name, bool optional, const struct pml_gguf_tensor **tensor,
                          struct pml_error *err)
{
    *tensor = pml_gguf_tensor(l->gguf, name);
    if (*tensor)
        return &l->places[*tensor - l->gguf->tensors];
    if (!optional)
        pml_fail(err, PML_NO, "model", "tensor %s is missing", name);
    return NULL;
}

static bool plan_matrix(struct loader *l, struct pml_matrix *matrix, const char *name, size_t inputs, size_t rows,
                        struct pml_error *err)
{
    const struct pml_gguf_tensor *t;
    struct place *place = find(l, name, false, &t, err);
    if (!place)
        return false;
    if (t->dims[0] != inputs || t->dims[1] != rows || t->dims[2] != 1 || t->dims[3] != 1)
        return pml_fail(err, PML_NO, "model", "tensor %s: shape is not %zu x %zu", name, inputs, rows);
    if (!pml_packing(t->type))
        return unsupported(err, name, t->type);
    matrix->type = l->model->reference ? PML_TYPE_F32 : t->type;
    matrix->packing = pml_packing(matrix->type);
    matrix->inputs = inputs;
    matrix->rows = rows;
    matrix->group_size = matrix->packing->group_size(inputs);
    l->model->memory_size += ALIGNED(pml_matrix_groups(matrix) * matrix->group_size);
    place->matrix = matrix;
    return true;
}

static bool plan_vector(struct loader *l, float **vector, const char *name, size_t count, bool optional,
                        struct pml_error *err)
{
    const struct pml_gguf_tensor *t;
    struct place *place = find(l, name, optional, &t, err);
    if (!place)
        return optional;
    if (t->dims[0] != count || t->dims[1] != 1 || t->dims[2] != 1 || t->dims[3] != 1)
        return pml_fail(err, PML_NO, "model", "tensor %s: shape is not %zu", name, count);
    if (t->type != PML_TYPE_F32 && t->type != PML_TYPE_F16 && t->type != PML_TYPE_BF16)
        return unsupported(err, name, t->type);
    l->model->memory_size += ALIGNED(count * sizeof(float));
    place->vector = vector;
    return true;
}

static bool plan_layer(struct loader *l, size_t index, struct pml_error *err)
{
    const struct pml_model_info *i = &l->model->info;
    size_t d = i->embedding, q = (size_t)i->heads * i->head_size, kv = (size_t)i->kv_heads * i->head_size;
    bool biases = l->model->architecture->biases;
    struct pml_layer *layer = &l->model->layers[index];
    const struct {
        const char *name;
        struct pml_matrix *matrix;
        size_t inputs, rows;
    } matrices[] = {
        { "attn_q", &layer->q, d, q },
        { "attn_k", &layer->k, d, kv },
        { "attn_v", &layer->v, d, kv },
        { "attn_output", &layer->output, q, d },
        { "ffn_gate", &layer->gate, d, i->feed_forward },
        { "ffn_up", &layer->up, d, i->feed_forward },
        { "ffn_down", &layer->down, i->feed_forward, d },
    };
    const struct {
        const char *name;
        float **vector;
        size_t count;
        bool optional;
    } vectors[] = {
        { "attn_norm.weight", &layer->attn_norm, d, false }, { "ffn_norm.weight", &layer->ffn_norm, d, false },
        { "attn_q.bias", &layer->q_bias, q, !biases },       { "attn_k.bias", &layer->k_bias, kv, !biases },
        { "attn_v.bias", &layer->v_bias, kv, !biases },      { "attn_output.bias", &layer->output_bias, d, true },
    };
    char name[64];
    for (size_t m = 0; m < PML_COUNT(matrices); m++) {
        snprintf(name, sizeof name, "blk.%zu.%s.weight", index, matrices[m].name);
        if (!plan_matrix(l, matrices[m].matrix, name, matrices[m].inputs, matrices[m].rows, err))
            return false;
    }
    for (size_t v = 0; v < PML_COUNT(vectors); v++) {
        snprintf(name, sizeof name, "blk.%zu.%s", index, vectors[v].name);
        if (!plan_vector(l, vectors[v].vector, name, vectors[v].count, vectors[v].optional, err))
            return false;
    }
    return true;
}

static bool plan(struct loader *l, struct pml_error *err)
{
    struct pml_model *m = l->model;
    const struct pml_model_info *i = &m->info;
    l->places = calloc(l->gguf->tensor_count, sizeof *l->places);
    m->layers = calloc(i->layers, sizeof *m->layers);
    if (!l->places || !m->layers)
        return pml_fail_memory(err);
    if (!plan_matrix(l, &m->embedding, "token_embd.weight", i->embedding, i->vocabulary, err) ||
        !plan_vector(l, &m->output_norm, "output_norm.weight", i->embedding, false, err) ||
        !plan_vector(l, &m->rope_factors, "rope_freqs.weight", m->pairs, true, err))
        return false;
    if (pml_gguf_tensor(l->gguf, "output.weight") &&
        !plan_matrix(l, &m->output, "output.weight", i->embedding, i->vocabulary, err))
        return false;
    for (size_t layer = 0; layer < i->layers; layer++) {
        if (!plan_layer(l, layer, err))
            return false;
    }
    return true;
}

/* Hyper-parameters (spec engine §3.1). */

static bool check_range(const char *key, uint64_t value, uint64_t low, uint64_t high, struct pml_error *err)
{
    if (value < low || value > high)
        return pml_fail(err, PML_NO, "model", "key %s: %llu is not between %llu and %llu", key,
                        (unsigned long long)value, (unsigned long long)low, (unsigned long long)high);
    return true;
}

/* Nothing that this engine would silently leave out. */
static bool check_features(struct pml_model *m, const struct pml_gguf *g, struct pml_error *err)
{
    uint32_t experts = 0;
    struct pml_gguf_text scaling = { "none", 4 };
    for (size_t i = 0; i < PML_COUNT(architectures); i++) {
        if (!strcmp(architectures[i].name, g->architecture))
            m->architecture = &architectures[i];
    }
    if (!m->architecture)
        return pml_fail(err, PML_NO, "model", "architecture %s is not supported", g->architecture);
    if (!pml_gguf_u32(g, ".expert_count", PML_OPTIONAL, &experts, err) ||
        !pml_gguf_string(g, ".rope.scaling.type", PML_OPTIONAL, &scaling, err))
        return false;
    if (experts > 0)
        return pml_fail(err, PML_NO, "model", "mixtures of experts are not supported");
    if (!pml_gguf_text_is(scaling, "none") && !pml_gguf_text_is(scaling, "linear"))
        return pml_fail(err, PML_NO, "model", "rope scaling %.*s is not supported", (int)(scaling.size & 63),
                        scaling.bytes);
    return true;
}

static bool read_shape(struct pml_model *m, const struct pml_gguf *g, struct pml_error *err)
{
    struct pml_model_info *i = &m->info;
    uint32_t value_size;
    if (!pml_gguf_u32(g, ".context_length", PML_REQUIRED, &i->trained_context, err) ||
        !pml_gguf_u32(g, ".embedding_length", PML_REQUIRED, &i->embedding, err) ||
        !pml_gguf_u32(g, ".block_count", PML_REQUIRED, &i->layers, err) ||
        !pml_gguf_u32_layers(g, ".feed_forward_length", PML_REQUIRED, &i->feed_forward, err) ||
        !pml_gguf_u32_layers(g, ".attention.head_count", PML_REQUIRED, &i->heads, err))
        return false;
    i->kv_heads = i->heads;
    if (!pml_gguf_u32_layers(g, ".attention.head_count_kv", PML_OPTIONAL, &i->kv_heads, err) ||
        !check_range("context_length", i->trained_context, 1, UINT32_MAX, err) ||
        !check_range("embedding_length", i->embedding, 1, EMBEDDING_MAX, err) ||
        !check_range("block_count", i->layers, 1, LAYERS_MAX, err) ||
        !check_range("feed_forward_length", i->feed_forward, 1, FEED_MAX, err) ||
        !check_range("attention.head_count", i->heads, 1, EMBEDDING_MAX, err) ||
        !check_range("attention.head_count_kv", i->kv_heads, 1, i->heads, err))
        return false;
    if (i->heads % i->kv_heads != 0)
        return pml_fail(err, PML_NO, "model", "%u heads cannot share %u key/value heads", i->heads, i->kv_heads);
    i->head_size = i->embedding / i->heads;
    if (!pml_gguf_u32(g, ".attention.key_length", PML_OPTIONAL, &i->head_size, err))
        return false;
    value_size = i->head_size;
    if (!pml_gguf_u32(g, ".attention.value_length", PML_OPTIONAL, &value_size, err) ||
        !check_range("attention.key_length", i->head_size, 2, HEAD_SIZE_MAX, err))
        return false;
    if (value_size != i->head_size)
        return pml_fail(err, PML_NO, "model", "keys of %u and values of %u elements are not supported", i->head_size,
                        value_size);
    return true;
}

static bool read_rope(struct pml_model *m, const struct pml_gguf *g, float *base, float *scale, struct pml_error *err)
{
    uint32_t rotated = m->info.head_size;
    *base = 10000.0f;
    *scale = 1.0f;
    if (!pml_gguf_u32(g, ".rope.dimension_count", PML_OPTIONAL, &rotated, err) ||
        !pml_gguf_f32(g, ".rope.freq_base", PML_OPTIONAL, base, err) ||
        !pml_gguf_f32(g, ".rope.scale_linear", PML_OPTIONAL, scale, err) ||
        !pml_gguf_f32(g, ".rope.scaling.factor", PML_OPTIONAL, scale, err) ||
        !pml_gguf_f32(g, ".attention.layer_norm_rms_epsilon", PML_REQUIRED, &m->epsilon, err) ||
        !check_range("rope.dimension_count", rotated, 2, m->info.head_size, err))
        return false;
    if (rotated % 2 != 0)
        return pml_fail(err, PML_NO, "model", "key rope.dimension_count: %u is odd", rotated);
    if (!(*base >= 1.0f && *base <= 1e12f))
        return pml_fail(err, PML_NO, "model", "key rope.freq_base is out of range");
    if (!(*scale >= 1e-3f && *scale <= 1e6f))
        return pml_fail(err, PML_NO, "model", "key rope.scaling.factor is out of range");
    if (!(m->epsilon >= 0.0f && m->epsilon < 1.0f))
        return pml_fail(err, PML_NO, "model", "key attention.layer_norm_rms_epsilon is out of range");
    m->pairs = rotated / 2;
    return true;
}

static bool choose_context(struct pml_model *m, const struct pml_model_options *options, struct pml_error *err)
{
    uint32_t most = m->info.trained_context < POSITIONS_MAX ? m->info.trained_context : POSITIONS_MAX;
    if (options->context_length > most)
        return pml_fail(err, PML_USAGE, "context_length", "the model has a context of at most %u tokens", most);
    m->info.context_length = options->context_length > 0 ? options->context_length : most;
    return true;
}

/* Frequencies need the factors, so this comes after the tensors. */
static bool make_rope(struct pml_model *m, float base, float scale, struct pml_error *err)
{
    for (size_t i = 0; m->rope_factors && i < m->pairs; i++) {
        if (!(m->rope_factors[i] >= 1e-3f && m->rope_factors[i] <= 1e6f))
            return pml_fail(err, PML_NO, "model", "tensor rope_freqs.weight: a factor is out of range");
    }
    m->frequency = malloc(m->pairs * sizeof *m->frequency);
    if (!m->frequency)
        return pml_fail_memory(err);
    pml_rope_frequencies(m->frequency, m->pairs, (double)base, m->rope_factors, (double)scale);
    return true;
}

/* Loading of what was planned. */

static void *carve(struct pml_model *m, size_t *used, size_t size)
{
    void *at = (char *)m->memory + *used;
    *used += ALIGNED(size);
    return at;
}

static bool allocate(struct loader *l, struct pml_error *err)
{
    struct pml_model *m = l->model;
    size_t used = 0, largest_row = 0, largest_inputs = 0;
    m->memory = mmap(NULL, m->memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (m->memory == MAP_FAILED) {
        m->memory = NULL;
        return pml_fail(err, PML_UNKNOWN, "memory", "no memory for %zu MiB of weights", m->memory_size >> 20);
    }
    madvise(m->memory, m->memory_size, MADV_HUGEPAGE);
    for (size_t i = 0; i < l->gguf->tensor_count; i++) {
        struct place *p = &l->places[i];
        const struct pml_gguf_tensor *t = &l->gguf->tensors[i];
        if (p->matrix)
            p->matrix->groups = carve(m, &used, pml_matrix_groups(p->matrix) * p->matrix->group_size);
        if (p->vector)
            *p->vector = carve(m, &used, t->dims[0] * sizeof(float));
        largest_row = t->row_size > largest_row && (p->matrix || p->vector) ? t->row_size : largest_row;
        largest_inputs = p->matrix && t->dims[0] > largest_inputs ? t->dims[0] : largest_inputs;
    }
    l->rows = malloc(READ_SIZE + PML_LANES * largest_row);
    l->group = malloc(PML_LANES * largest_inputs * sizeof(float));
    l->row = malloc(PML_LANES * largest_inputs * sizeof(float));
    if (!l->rows || !l->group || !l->row)
        return pml_fail_memory(err);
    return true;
}

/* One group, from up to 16 rows of the file. */
static void pack_group(struct loader *l, const struct pml_matrix *m, enum pml_tensor_type type, size_t group,
                       const uint8_t *rows, size_t row_size, size_t row_count)
{
    void *to = m->groups + group * m->group_size;
    if (m->type == type) {
        m->packing->pack(to, rows, row_size, row_count, m->inputs);
        return;
    }
    const struct pml_packing *from = pml_packing(type); /* reference mode: through numbers */
    from->pack(l->group, rows, row_size, row_count, m->inputs);
    for (size_t r = 0; r < row_count; r++)
        from->unpack(l->row + r * m->inputs, l->group, r, m->inputs);
    m->packing->pack(to, (const uint8_t *)l->row, m->inputs * sizeof(float), row_count, m->inputs);
}

static bool load_matrix(struct loader *l, const struct pml_matrix *m, const struct pml_gguf_tensor *t,
                        struct pml_error *err)
{
    size_t step = READ_SIZE / (PML_LANES * t->row_size) * PML_LANES; /* whole groups at a time */
    if (step == 0)
        step = PML_LANES;
    for (size_t first = 0; first < m->rows; first += step) {
        size_t count = m->rows - first < step ? m->rows - first : step;
        if (!pml_gguf_read(l->model->reader, t->offset + first * t->row_size, l->rows, count * t->row_size, err))
            return false;
        for (size_t r = 0; r < count; r += PML_LANES)
            pack_group(l, m, t->type, (first + r) / PML_LANES, l->rows + r * t->row_size, t->row_size,
                       count - r < PML_LANES ? count - r : PML_LANES);
        if (l->options->progress)
            l->options->progress(l->options->progress_arg, t->offset + (first + count) * t->row_size,
                                 l->gguf->file_size);
    }
    return true;
}

static bool load_vector(struct loader *l, float *vector, const struct pml_gguf_tensor *t, struct pml_error *err)
{
    if (!pml_gguf_read(l->model->reader, t->offset, l->rows, t->size, err))
        return false;
    for (size_t i = 0; i < t->dims[0]; i++) {
        uint16_t half;
        memcpy(&half, l->rows + i * 2, sizeof half);
        if (t->type == PML_TYPE_F32)
            memcpy(&vector[i], l->rows + i * 4, sizeof vector[i]);
        else
            vector[i] = t->type == PML_TYPE_F16 ? pml_f16_to_f32(half) : pml_bf16_to_f32(half);
    }
    return true;
}

static bool load_tensors(struct loader *l, struct pml_error *err)
{
    if (!allocate(l, err))
        return false;
    for (size_t i = 0; i < l->gguf->tensor_count; i++) {
        const struct pml_gguf_tensor *t = &l->gguf->tensors[i];
        if (l->places[i].matrix && !load_matrix(l, l->places[i].matrix, t, err))
            return pml_wrap(err, "tensor %s", t->name);
        if (l->places[i].vector && !load_vector(l, *l->places[i].vector, t, err))
            return pml_wrap(err, "tensor %s", t->name);
    }
    return true;
}

static bool check_digest(struct pml_model *m, const uint8_t *expected, struct pml_error *err)
{
    if (!pml_gguf_finish(m->reader, m->info.file_digest, err))
        return false;
    if (expected && memcmp(expected, m->info.file_digest, PML_SHA256_SIZE) != 0) {
        char want[PML_DIGEST_TEXT], have[PML_DIGEST_TEXT];
        return pml_fail(err, PML_NO, "digest_mismatch", "the file is %s, not the expected %s",
                        pml_digest_text(have, m->info.file_digest), pml_digest_text(want, expected));
    }
    return true;
}

static void fill_info(struct pml_model *m, const struct pml_gguf *g, const struct pml_model_options *options)
{
    struct pml_model_info *i = &m->info;
    struct pml_gguf_text name = { "", 0 };
    struct pml_error ignored; /* a name of another type is no name */
    if (pml_gguf_string(g, "general.name", PML_OPTIONAL, &name, &ignored) && name.size < sizeof m->name)
        memcpy(m->name, name.bytes, name.size);
    i->architecture = g->architecture;
    i->name = m->name;
    i->simd = m->kernels->name;
    i->kv = options->kv;
    i->file_size = g->file_size;
    i->packed_size = m->memory_size;
    i->kv_size = 2ull * i->layers * i->kv_heads * i->head_size * (i->kv == PML_KV_F32 ? 4 : 2);
    for (size_t t = 0; t < g->tensor_count; t++)
        i->parameters += g->tensors[t].dims[0] * g->tensors[t].dims[1] * g->tensors[t].dims[2] * g->tensors[t].dims[3];
}

static bool load(struct loader *l, struct pml_error *err)
{
    struct pml_model *m = l->model;
    float base, scale;
    l->gguf = pml_gguf_meta(m->reader);
    if (l->gguf->tensor_count == 0)
        return pml_fail(err, PML_NO, "model", "the file holds a vocabulary only, no weights");
    if (!check_features(m, l->gguf, err) || !read_shape(m, l->gguf, err) ||
        !read_rope(m, l->gguf, &base, &scale, err) || !choose_context(m, l->options, err))
        return false;
    m->tokenizer = pml_tokenizer_new(l->gguf, err);
    if (!m->tokenizer)
        return false;
    m->info.vocabulary = pml_tokenizer_count(m->tokenizer);
    if (!plan(l, err) || !load_tensors(l, err) || !check_digest(m, l->options->expected_digest, err))
        return false;
    if (!m->output.groups)
        m->output = m->embedding;
    if (!make_rope(m, base, scale, err))
        return false;
    fill_info(m, l->gguf, l->options);
    return true;
}

struct pml_model *pml_model_open(const char *path, const struct pml_model_options *options, struct pml_error *err)
{
    PML_AUTO(model) struct pml_model *m = calloc(1, sizeof *m);
    if (!m)
        return pml_fail_memory(err);
    m->kernels = pml_kernels(options->simd);
    if (!m->kernels)
        return pml_fail(err, PML_USAGE, "simd", "this CPU has no %s", pml_simd_name(options->simd));
    m->reference = options->reference;
    m->reader = pml_gguf_open(path, err);
    if (!m->reader)
        return NULL;
    struct loader l = { .model = m, .options = options };
    bool ok = load(&l, err);
    free(l.places);
    free(l.rows);
    free(l.group);
    free(l.row);
    return ok ? pml_take(&m) : pml_wrap(err, "%s", path);
}

void pml_model_free(struct pml_model *m)
{
    if (!m)
        return;
    if (m->memory)
        munmap(m->memory, m->memory_size);
    free(m->layers);
    free(m->frequency);
    pml_tokenizer_free(m->tokenizer);
    pml_gguf_close(m->reader);
    free(m);
}

void pml_model_auto(struct pml_model **m)
{
    pml_model_free(*m);
}

const struct pml_model_info *pml_model_info(const struct pml_model *m)
{
    return &m->info;
}

const struct pml_tokenizer *pml_model_tokenizer(const struct pml_model *m)
{
    return m->tokenizer;
}

const struct pml_gguf *pml_model_gguf(const struct pml_model *m)
{
    return pml_gguf_meta(m->reader);
}

static const char *const kv_names[] = { [PML_KV_F16] = "f16", [PML_KV_F32] = "f32" };

const char *pml_kv_name(enum pml_kv_type kv)
{
    return kv_names[kv];
}

bool pml_kv_parse(enum pml_kv_type *out, const char *name)
{
    for (size_t i = 0; i < PML_COUNT(kv_names); i++) {
        if (!strcmp(name, kv_names[i])) {
            *out = (enum pml_kv_type)i;
            return true;
        }
    }
    return false;
}
