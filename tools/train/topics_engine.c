/* SPDX-License-Identifier: MIT */
/* Topics: the inference engine, its numbers and its files. */
#include "topics.h"

#include "base/memory.h"

static const struct topic list[] = {
    { .noun = "[GGUF|a GGUF file|the GGUF format]",
      .weight = 2,
      .ask = { "what is the [format|file format|type|file type] of [the|your] [file|model file|weights file|file with "
               "the weights|file that holds the weights|weights|model]",
               "in [what|which] [type|kind|sort|format|form] of [file|container] [does the model come|is the model|are "
               "the weights|do the weights come|is the model kept|is it saved|are you stored]",
               "[what|which] format do the [weights|models|model files] [use|have|come in]",
               "tell me about [the GGUF container|the GGUF file|GGUF files|the model file|the file format]",
               "[what|which] [type|kind|sort|format] of [file|container] [is the model|is it|holds the "
               "weights|contains the model|is used|is the model in|is this model]",
               "what does GGUF [mean|hold|contain]",
               "[what|which] [file format|format|kind of file|file type] [do you use|does the model use|is used for "
               "the model|is used for the weights|do you read|can you load|is the model]",
               "in [what|which] format [are the weights|is the model] [stored|saved|]",
               "how [are the weights|is the model] stored [on disk|in the file|]",
               "what [is in|is inside|does it contain in] a GGUF [file|]",
               "which model files [can be loaded|work|are supported|can I use]" },
      .answer = { "GGUF is the file format of the model. One GGUF file holds the weights, the tokenizer and the "
                  "metadata.",
                  "The model is a GGUF file: weights, vocabulary and settings in one file.",
                  "Models are stored in the GGUF format, version 3. The engine hashes the file while it reads it." } },
    { .noun = "[determinism|deterministic inference|bit-identical inference]",
      .weight = 3,
      .ask = { "[will|do|would|can|should] [two|different|all|several|both|any two] "
               "[machines|computers|processors|servers|laptops|{machine}s] [produce|give|compute|print|write|reach] "
               "[exactly|always|] the same [output|answer|result|tokens|bits]",
               "[are|will|do|would] [two|several|both|repeated|all] "
               "[runs|machines|computers|computations|answers|processors] [on different {machine}s|] [agree|give the "
               "same|be equal|be identical|match|guaranteed to agree|sure to agree] [to the last bit|bit for "
               "bit|exactly|]",
               "[are|is] [the|your|all|two] [results|result|outputs|output|runs|answers|computations] [bit for "
               "bit|exactly|always|guaranteed to be|] [equal|identical|the same|repeatable|reproducible]",
               "is it [guaranteed|certain|sure|true] that [two|both|different|all] "
               "[runs|computers|machines|processors] [give|reach|get|compute] the same "
               "[bits|result|answer|tokens|output]",
               "[why|how] are the results [bit for bit equal|identical|the same everywhere|equal on every machine]",
               "is the [output|result|answer] [repeatable|reproducible|always the same]",
               "what does deterministic mean [here|]",
               "[is|are] [the engine|the inference|your answers|the answers|the model|the output|the results] "
               "[deterministic|always the same|reproducible|repeatable]",
               "why [is|must] the engine [be |]deterministic",
               "why [do|are] [the bits|the results|the numbers|the answers] [the same|always equal|always the same] "
               "[everywhere|on every machine|]",
               "[do|will|would] I get the same answer [twice|again|every time|on another machine|on my machine]",
               "how [is|do you reach|do you get] determinism [reached|possible|]",
               "does the [number of threads|batch|batch size|machine|processor|thread count] [change|matter "
               "for|influence] the [answer|result|output]",
               "[if I|when I] [ask|run] the same [question|prompt] [twice|again], [do I get|will I get|is it] the same "
               "[answer|result|output]" },
      .answer = { "The engine is deterministic: the same weights, prompt and seed give the same tokens on every "
                  "machine.",
                  "Deterministic means that every run gives the same bits, for any number of threads and any "
                  "processor.",
                  "Inference is deterministic because every sum has a fixed order. That is what makes replay "
                  "possible." } },
    { .noun = "[CPU inference|inference without a GPU]",
      .weight = 3,
      .ask = { "[would|does|will|can] [a|an|my] [better|faster|bigger|new|good|] [graphics card|GPU|video card] "
               "[help|make any difference|make it faster|make you faster|be used|be of use|matter]",
               "is [a|an|any|an expensive|a big|a fast|some] [graphics card|GPU|video card|nvidia card|graphics "
               "chip|accelerator] [required|needed|necessary|used|a must|involved|helpful] [for this|for all "
               "this|here|]",
               "[must|should|do] I [buy|have|own|rent|install] [a|an|some] [GPU|graphics card|expensive graphics "
               "card|nvidia card]",
               "[does|do] [inference|the model|you|it|everything] [happen|run|work|compute] [on a GPU or a CPU|on the "
               "CPU or the GPU|on a GPU|on the CPU]",
               "[runs it|does it run|can it run|does it work] without [nvidia|nvidia hardware|a GPU|a graphics "
               "card|cuda]",
               "[do you need|do I need|does it need|is there|does it use|do you use|does this need|must I have] a "
               "[GPU|graphics card|video card]",
               "[does it run|can I run it|can it run|does this run|do you run] on a [GPU|CPU|graphics card|normal "
               "processor|processor]",
               "why [no GPU|CPU only|only the CPU|not a GPU|is there no GPU]",
               "what about [GPUs|a GPU|graphics cards|nvidia]",
               "[what|which] [hardware|processor|cpu|chip] [runs the model|does the model run on|computes the "
               "answers|is used]",
               "[is|are] [this|it|you] CPU only", "can I use my [GPU|graphics card]" },
      .answer = { "It runs on the CPU only. No GPU is needed.",
                  "No GPU: the engine computes everything on the CPU, inside the confidential VM.",
                  "The SDK is CPU only. Intel TDX protects the CPU and its memory, and no GPU has to be trusted." } },
    { .noun = "[the|the inference] engine",
      .ask = { "what does the engine do", "[which|what] engine [do you use|is used|runs the model|runs here]",
               "[who|what] computes the [answers|tokens]", "is it [llama.cpp|based on llama.cpp|vllm|ollama|pytorch]",
               "how does the engine [work|compute]" },
      .answer = { "The engine is written in C for this project. It loads a GGUF file and computes the next token, "
                  "always with the same bits.",
                  "The inference engine of the SDK is our own C code without other libraries. It is deterministic.",
                  "The engine reads the weights, hashes them and computes the answer token by token." } },
    { .noun = "[a|the|the byte-level] tokenizer",
      .ask = { "how [are words|is text|is my text] [split|cut|turned] into tokens", "what does the tokenizer do",
               "[which|what] tokenizer [do you use|is used|do you have]",
               "how many tokens [do you know|are in your vocabulary|does the vocabulary have]",
               "what is [BPE|byte pair encoding]", "how big is your vocabulary" },
      .answer = { "The tokenizer cuts text into tokens. Mine is a byte-level BPE with 1024 tokens.",
                  "My tokenizer knows 1024 tokens, all single bytes among them, so it can read any text.",
                  "A tokenizer turns text into numbers. The demo model has a byte-level BPE tokenizer with 1024 "
                  "tokens." } },
    { .noun = "[a|the] token",
      .ask = { "what are tokens", "what does token mean", "how long is a token",
               "how do you [write|make|produce|generate] [an answer|a sentence|text|words]" },
      .answer = { "A token is a piece of text, often a word or a part of a word. I write one token after the other.",
                  "Tokens are the pieces of text that a model reads and writes. Each token has a number.",
                  "I write token by token: each token is chosen after all the tokens before it." } },
    { .noun = "[the|your] context [length|window|size|]",
      .ask = { "[which|what] context [size|length|window] do you have", "how many tokens can I [send|write|use]",
               "how [long|much text] can [my prompt be|a prompt be|you read|our chat be|the conversation be|you "
               "remember]",
               "[what is|what's] your [context length|context window|maximum length]",
               "how many tokens [fit|can you read|fit into your context|can a prompt have]",
               "what happens when the context is full" },
      .answer = { "My context has 1024 tokens. A longer prompt is refused.",
                  "The context length is 1024 tokens for prompt and answer together.",
                  "At most 1024 tokens fit into my context, so our chat should be short." } },
    { .noun = "[|the |a |random ][seed]",
      .ask = { "what is the seed [for|good for|used for]", "what does the seed do",
               "why [is there|do I need|should I set] a seed", "how [is|are] random [numbers|choices] made",
               "what [does|is] sampling [mean|]",
               "[where do the random numbers come from|is there randomness|are your answers random]" },
      .answer = { "The seed fixes the random numbers. With the same seed you get the same answer again.",
                  "Random choices come from the seed and the position only, so an answer can be replayed.",
                  "A seed is the number from which all random choices follow. It stands in the receipt." } },
    { .noun = "[the|] temperature",
      .ask = { "what does [the |]temperature [do|mean|change]", "what is greedy [sampling|decoding]",
               "[which|what] temperature should I [use|set]",
               "how [do|can] I make [answers|your answers] [more random|less random|more creative]" },
      .answer = { "The temperature sets how random the choice of tokens is. Temperature 0 is greedy: always the most "
                  "likely token.",
                  "With temperature 0 the most likely token is taken. A higher temperature gives more variety.",
                  "A low temperature gives safe answers, a high temperature gives varied ones." } },
    { .noun = "[quantization|Q8_0|a quantized model]",
      .ask = { "[are you|is the model|are the weights] quantized", "what does [Q8_0|quantized] mean",
               "[how many bits|in how many bits] [are the weights|do the weights have|is a weight|does a weight have]",
               "[which|what] quantization [do you use|is used|is supported]",
               "why [are the weights|is the model] quantized" },
      .answer = { "My weights are quantized as Q8_0: 8 bits for each weight and one scale for 32 weights.",
                  "Q8_0 quantization stores each weight in 8 bits, so the file is small and the sums are exact.",
                  "Quantization makes a model smaller. The demo model is quantized with Q8_0." } },
    { .noun = "[the|a|your] [transformer|neural network|architecture|language model]",
      .ask = { "what [architecture|kind of network|network|model architecture] [are you|is the model|do you have|do "
               "you use|is this]",
               "how many layers do you have", "how do you work [inside|internally|]", "how does a language model work",
               "[are you|is this] a [transformer|neural network|llama model]" },
      .answer = { "I am a transformer of the llama architecture with two layers.",
                  "The model is a small transformer: two layers of attention and feed-forward networks.",
                  "A transformer predicts the next token from all tokens before it. I have two layers." } },
    { .noun = "[the|your|a] weights",
      .ask = { "what are [the |your |]weights", "where are [the|your] weights [kept|stored|loaded]",
               "can I [download|have|get|see] [the|your] weights", "are [the|your] weights [open|public|secret|free]" },
      .answer = { "The weights are the numbers of a model. Mine are in the repository under the MIT license.",
                  "Weights are the numbers that a model has learned. They are hashed when they are loaded.",
                  "My weights are open: the file is in the repository, and anyone can train it again." } },
    { .noun = "[AVX2|AVX-512|AMX|SIMD]",
      .ask = { "[which|what] [instructions|instruction sets|SIMD levels] [do you use|does the engine use|are "
               "supported]",
               "does it use [AVX2|AVX-512|AMX|SIMD]",
               "[do AVX2 and AVX-512|do all SIMD levels] give the same [bits|answer|result]",
               "[which|what] [processors|cpus] are supported" },
      .answer = { "The engine has kernels for AVX2, AVX-512 and plain C. All give the same bits.",
                  "AVX2 and AVX-512 make it faster, but they never change a result.",
                  "It picks AVX2 or AVX-512 at run time, whatever the processor has, with the same result." } },
    { .noun = NULL,
      .ask = { "how [quickly|fast] do you [answer|write|think|reply|work]",
               "how [fast|quick|slow] [are you|is it|is the engine|is the model|is this]",
               "how many tokens [per second|a second] [can you write|do you make|does it reach|does the engine reach]",
               "[what is|what's] the [speed|performance|latency|throughput]",
               "[is it|are you|is attestation] [slow|fast]",
               "how much [time|slower] does [attestation|a receipt] [cost|take|add]" },
      .answer = { "The speed depends on the CPU and on the model. A small model like me writes hundreds of tokens per "
                  "second.",
                  "I am fast because I am small. A receipt adds less than a millisecond, so the speed is hardly "
                  "changed.",
                  "The engine reaches a good part of the speed limit of the CPU. Run pml bench to measure it." } },
    { .noun = "[a|the] thread",
      .ask = { "how many [threads|cores] [do you use|are used|should I use|do I need|does it need]",
               "[does|do] [the number of threads|more threads|threads] [matter|change the answer|help]",
               "can [several|many|two] [users|people|requests] [use it|be answered|run] at [once|the same time]",
               "does batching change the [answer|result]" },
      .answer = { "Use one thread for each core. The number of threads never changes a result.",
                  "Several requests run at once on all threads, and no answer depends on its neighbours.",
                  "Threads only change the speed. Every answer has the same bits with 1 or with 8 threads." } },
    { .noun = "[the|a|your] chat template",
      .ask = { "[which|what] chat template do you use",
               "how [are messages|is a chat|is a conversation] [written|formatted|turned into tokens]",
               "what is chatml", "can I put special tokens in my prompt", "what about prompt injection" },
      .answer = { "My chat template is chatml: each message stands between two special tokens.",
                  "The chat template is chatml. Text of a user can never become a special token.",
                  "Messages are written in chatml, a chat template with a start and an end token for each message." } },
};

const struct topics topics_engine = { list, PML_COUNT(list) };
