/* SPDX-License-Identifier: MIT */
/* The file is written in its own order: header, keys, tensor infos, tensors. */
#include "gguf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "engine/math.h"

enum { ALIGNMENT = 32, BLOCK = 32, BLOCK_SIZE = 34 };
enum { VALUE_U32 = 4, VALUE_I32 = 5, VALUE_F32 = 6, VALUE_BOOL = 7, VALUE_STRING = 8, VALUE_ARRAY = 9 };
enum { TENSOR_F32 = 0, TENSOR_Q8_0 = 8 };
enum { TOKEN_NORMAL = 1, TOKEN_CONTROL = 3 };

static const char chat_template[] =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

struct tensor {
    char name[32];
    size_t at, ins, outs; /* in the parameters; outs 0: a vector, stored as F32 */
};

enum { MAX_TENSORS = 2 + 9 * NET_MAX_LAYERS };

static size_t list_tensors(struct tensor list[MAX_TENSORS], const struct net_shape *s)
{
    struct net_layout l = net_layout(s);
    size_t n = 0, q = s->heads * s->head_dim, kv = s->kv_heads * s->head_dim;

    list[n++] = (struct tensor){ "token_embd.weight", l.embed, s->dim, s->vocab };
    for (size_t i = 0; i < s->layers; i++) {
        const struct net_layer *p = &l.layer[i];
        const struct {
            const char *name;
            size_t at, ins, outs;
        } block[] = {
            { "attn_norm", p->attn_norm, s->dim, 0 },      { "attn_q", p->qkv, s->dim, q },
            { "attn_k", p->qkv + q * s->dim, s->dim, kv }, { "attn_v", p->qkv + (q + kv) * s->dim, s->dim, kv },
            { "attn_output", p->out, q, s->dim },          { "ffn_norm", p->ffn_norm, s->dim, 0 },
            { "ffn_gate", p->gate_up, s->dim, s->ffn },    { "ffn_up", p->gate_up + s->ffn * s->dim, s->dim, s->ffn },
            { "ffn_down", p->down, s->ffn, s->dim },
        };
        for (size_t k = 0; k < PML_COUNT(block); k++, n++) {
            list[n] = (struct tensor){ .at = block[k].at, .ins = block[k].ins, .outs = block[k].outs };
            snprintf(list[n].name, sizeof list[n].name, "blk.%u.%s.weight", (unsigned)(i % NET_MAX_LAYERS),
                     block[k].name);
        }
    }
    list[n++] = (struct tensor){ "output_norm.weight", l.out_norm, s->dim, 0 };
    return n;
}

/* One Q8_0 block: the scale is the greatest magnitude / 127, rounded to binary16. Returns the scale as read back. */
static float quantize(int8_t quants[BLOCK], uint16_t *half, const float *x)
{
    float greatest = 0;
    for (size_t i = 0; i < BLOCK; i++)
        greatest = fabsf(x[i]) > greatest ? fabsf(x[i]) : greatest;
    *half = pml_f32_to_f16(greatest / 127.0f);
    float scale = pml_f16_to_f32(*half);
    for (size_t i = 0; i < BLOCK; i++) {
        float q = scale > 0 ? rintf(x[i] / scale) : 0;
        quants[i] = (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q);
    }
    return scale;
}

static void put_string(struct pml_buf *out, const char *text)
{
    pml_put_u64le(out, strlen(text));
    pml_put_text(out, text);
}

static void put_key(struct pml_buf *out, const char *key, uint32_t type)
{
    put_string(out, key);
    pml_put_u32le(out, type);
}

static void put_u32(struct pml_buf *out, const char *key, size_t value)
{
    put_key(out, key, VALUE_U32);
    pml_put_u32le(out, (uint32_t)value);
}

static void put_f32(struct pml_buf *out, const char *key, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, key, VALUE_F32);
    pml_put_u32le(out, bits);
}

static void put_text(struct pml_buf *out, const char *key, const char *text)
{
    put_key(out, key, VALUE_STRING);
    put_string(out, text);
}

static void put_array(struct pml_buf *out, const char *key, uint32_t type, size_t count)
{
    put_key(out, key, VALUE_ARRAY);
    pml_put_u32le(out, type);
    pml_put_u64le(out, count);
}

/* Appends the bytes of token ID in the GPT-2 alphabet (spec engine §7.3 step 2), as UTF-8. */
static void put_alphabet(struct pml_buf *out, const struct bpe *bpe, int32_t id)
{
    PML_AUTO(buf) struct pml_buf bytes = { 0 };
    bpe_decode(bpe, &bytes, id);
    for (size_t i = 0; i < bytes.size; i++) {
        uint32_t c = bytes.bytes[i];
        if (c <= 32)
            c = 0x100 + c;
        else if (c >= 127 && c <= 160)
            c = 0x100 + 33 + c - 127;
        else if (c == 173)
            c = 0x100 + 33 + 34;
        if (c < 0x80) {
            pml_put_u8(out, (uint8_t)c);
        } else {
            pml_put_u8(out, (uint8_t)(0xc0 | c >> 6));
            pml_put_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
        }
    }
}

static void put_tokens(struct pml_buf *out, const struct bpe *bpe)
{
    put_array(out, "tokenizer.ggml.tokens", VALUE_STRING, BPE_VOCAB);
    for (int32_t id = 0; id < BPE_VOCAB; id++) {
        PML_AUTO(buf) struct pml_buf text = { 0 };
        if (id < BPE_END)
            put_alphabet(&text, bpe, id);
        else
            pml_put_text(&text, corpus_control_text(id == BPE_END        ? CORPUS_END
                                                    : id == BPE_IM_START ? CORPUS_IM_START
                                                                         : CORPUS_IM_END));
        pml_put_u64le(out, text.size);
        pml_put_bytes(out, text.bytes, text.size);
    }
    put_array(out, "tokenizer.ggml.token_type", VALUE_I32, BPE_VOCAB);
    for (int32_t id = 0; id < BPE_VOCAB; id++)
        pml_put_u32le(out, id < BPE_END ? TOKEN_NORMAL : TOKEN_CONTROL);

    put_array(out, "tokenizer.ggml.merges", VALUE_STRING, BPE_MERGES);
    for (int32_t id = 256; id < 256 + BPE_MERGES; id++) {
        PML_AUTO(buf) struct pml_buf text = { 0 };
        put_alphabet(&text, bpe, bpe->left[id]);
        pml_put_u8(&text, ' ');
        put_alphabet(&text, bpe, bpe->right[id]);
        pml_put_u64le(out, text.size);
        pml_put_bytes(out, text.bytes, text.size);
    }
}

/* Returns the number of keys. */
static uint64_t put_keys(struct pml_buf *out, const struct net_shape *s, const struct bpe *bpe)
{
    put_text(out, "general.architecture", "llama");
    put_text(out, "general.type", "model");
    put_text(out, "general.name", "pml-demo");
    put_text(out, "general.license", "MIT");
    put_text(out, "general.description", "Demo model of the Private ML SDK, trained from a grammar by tools/train");
    put_u32(out, "general.file_type", 7);
    put_u32(out, "general.quantization_version", 2);
    put_u32(out, "general.alignment", ALIGNMENT);
    put_u32(out, "llama.vocab_size", s->vocab);
    put_u32(out, "llama.context_length", s->context);
    put_u32(out, "llama.embedding_length", s->dim);
    put_u32(out, "llama.block_count", s->layers);
    put_u32(out, "llama.feed_forward_length", s->ffn);
    put_u32(out, "llama.attention.head_count", s->heads);
    put_u32(out, "llama.attention.head_count_kv", s->kv_heads);
    put_u32(out, "llama.rope.dimension_count", s->head_dim);
    put_f32(out, "llama.rope.freq_base", s->rope_base);
    put_f32(out, "llama.attention.layer_norm_rms_epsilon", s->rms_eps);
    put_text(out, "tokenizer.ggml.model", "gpt2");
    put_text(out, "tokenizer.ggml.pre", "gpt-2");
    put_tokens(out, bpe); /* three keys */
    put_u32(out, "tokenizer.ggml.bos_token_id", BPE_END);
    put_u32(out, "tokenizer.ggml.eos_token_id", BPE_IM_END);
    put_u32(out, "tokenizer.ggml.padding_token_id", BPE_END);
    put_key(out, "tokenizer.ggml.add_bos_token", VALUE_BOOL);
    pml_put_u8(out, 0);
    put_text(out, "tokenizer.chat_template", chat_template);
    return 28;
}

static size_t tensor_size(const struct tensor *t)
{
    return t->outs ? t->ins * t->outs / BLOCK * BLOCK_SIZE : t->ins * sizeof(float);
}

static size_t padded(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void put_tensor(struct pml_buf *out, const struct tensor *t, const float *params)
{
    const float *x = params + t->at;
    if (t->outs == 0) {
        pml_put_bytes(out, x, t->ins * sizeof(float));
        return;
    }
    for (size_t i = 0; i < t->ins * t->outs; i += BLOCK) {
        int8_t quants[BLOCK];
        uint16_t half;
        quantize(quants, &half, x + i);
        pml_put_u16le(out, half);
        pml_put_bytes(out, quants, sizeof quants);
    }
}

void gguf_write(struct pml_buf *out, const struct net_shape *s, const float *params, const struct bpe *bpe)
{
    struct tensor list[MAX_TENSORS];
    size_t count = list_tensors(list, s), offset = 0;
    PML_AUTO(buf) struct pml_buf keys = { 0 };
    uint64_t keys_count = put_keys(&keys, s, bpe);

    pml_put_text(out, "GGUF");
    pml_put_u32le(out, 3);
    pml_put_u64le(out, count);
    pml_put_u64le(out, keys_count);
    pml_put_bytes(out, keys.bytes, keys.size);
    for (size_t i = 0; i < count; i++) {
        put_string(out, list[i].name);
        pml_put_u32le(out, list[i].outs ? 2 : 1);
        pml_put_u64le(out, list[i].ins);
        if (list[i].outs)
            pml_put_u64le(out, list[i].outs);
        pml_put_u32le(out, list[i].outs ? TENSOR_Q8_0 : TENSOR_F32);
        pml_put_u64le(out, offset);
        offset += padded(tensor_size(&list[i]));
    }
    pml_put_zero(out, padded(out->size) - out->size);
    for (size_t i = 0; i < count; i++) {
        put_tensor(out, &list[i], params);
        pml_put_zero(out, padded(tensor_size(&list[i])) - tensor_size(&list[i]));
    }
    out->failed |= keys.failed;
}

void gguf_round(const struct net_shape *s, float *params)
{
    struct tensor list[MAX_TENSORS];
    size_t count = list_tensors(list, s);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < list[i].ins * list[i].outs; k += BLOCK) {
            int8_t quants[BLOCK];
            uint16_t half;
            float scale = quantize(quants, &half, params + list[i].at + k);
            for (size_t m = 0; m < BLOCK; m++)
                params[list[i].at + k + m] = scale * (float)quants[m];
        }
}
