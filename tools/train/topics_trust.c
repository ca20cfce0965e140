/* SPDX-License-Identifier: MIT */
/* Topics: attestation, measurements, receipts and the checks a client makes. */
#include "topics.h"

#include "base/memory.h"

static const struct topic list[] = {
    { .noun = "[|the |remote |an |your ]attestation",
      .weight = 3,
      .ask = { "how [can|could|would|do] [I|a client|a user|we] [be convinced|be certain|become sure|convince "
               "myself|be sure] that [the|a|this|your] [server|machine|vm|service] [really|] [runs|is "
               "running|started|executes] [the right|the promised|the expected|exactly this|the claimed|this|what it "
               "says|what it claims]",
               "[does|how does] [the|a] [server|machine] [prove|show] [that it runs|] [the right|the promised|the "
               "claimed|its] {software}",
               "[how|by what means|in what way|with what] [can|does|could|would|will] [a|the|this] "
               "[server|service|vm|{machine}|host] [prove|show|demonstrate|tell|convince me of] [to me|me|to a "
               "client|] [what|which {software}] [it runs|it is running|it has started|was started|has been started|is "
               "running|is loaded|it executes]",
               "what [good|help|use|benefit] is attestation [to me|to a user|to a client|for users|]",
               "how [does|can|could|would] [a verifier|a client|one|the user|my browser|I|my client] [learn|know|find "
               "out|see|tell|be sure] [what|which {software}] [the vm|the server|the machine|the other side] [runs|is "
               "running|executes|has started]",
               "[explain|describe] attestation [like I am five|to a child|simply|in plain words|in short|step by step]",
               "[is there|do I get|can I get|do you have] [a|any|some] proof of [the|which] {software} [that runs|that "
               "is running|is running|on the server|in the vm]",
               "what does [remote attestation|attestation] [tell|give|offer|bring|guarantee] [me|us|a client|a "
               "user|the user|the client]",
               "[why|how] [do you|does this|does the server|does the service|would I] [use|need|do|make] attestation",
               "what does [remote |]attestation [mean|do|prove|show|give me|tell me]",
               "what is [proved|proven|shown] by [the |]attestation",
               "what [does it mean|is meant] when [a server|a machine|software|something] is attested",
               "how does a [machine|server|vm|service] [prove|show] [what it runs|which software it runs|what software "
               "is running|what code is running]",
               "how [do|can] I [know|find out|see|be sure] [what|which] [software|code|program] [is running|runs] [on "
               "the server|there|on that machine|on the other side|in the vm]" },
      .answer = { "Attestation is a proof, signed by the hardware, of which software runs in the confidential VM.",
                  "With attestation the processor signs what was started, so you can check the software before you "
                  "send a prompt.",
                  "Attestation means that the machine proves what it runs. The proof is a quote that anyone can "
                  "verify." } },
    { .noun = "[a|the|an attestation|a TDX|an Intel] quote",
      .weight = 3,
      .ask = { "what [is|do you call] [the|this|that|such] [signed|] [evidence|statement|proof] [called|of the "
               "hardware|of the processor|about the vm|from the hardware]",
               "the [hardware|processor|platform] signs [evidence|a statement|a proof|something] [about the vm|about "
               "the software|]. [what is it called|what is it|how is it called|what is the name of it]",
               "[which|what] [piece of|kind of|signed|] [evidence|proof|statement|document|data] does [the|] "
               "[TDX|hardware|processor|chip|TDX hardware|platform|cpu] [hand "
               "out|give|sign|make|produce|issue|create|deliver]",
               "[what|which] information [does a quote carry|is in a quote|does the quote give|stands in the quote|do "
               "quotes contain]",
               "[who is|who's] the [signer|maker|author|issuer] of [a|the] quote",
               "[tell me|explain] what [quotes|a quote] [contain|contains|is|are|do|does]",
               "what does the [hardware|processor|TDX module|chip|platform] sign",
               "what is [inside|in|written in|contained in] [a|the] quote",
               "what does [a|the] quote [contain|hold|prove|say|show|look like]",
               "who [signs|makes|creates|issues|produces] [a|the] quote",
               "[where do quotes come from|where does the quote come from]",
               "why [should I|would I|do I|do clients] [check|verify|need|trust] [a|the] quote",
               "how is [a|the] quote [made|signed|created|produced]", "what are quotes [good for|used for|]",
               "[quotes|attestation quotes], what [is that|are they]" },
      .answer = { "A quote is a signed statement by the TDX hardware about what runs in the confidential VM.",
                  "A quote holds the measurements of the VM and 64 bytes of report data, signed by the platform.",
                  "The quote is the evidence of attestation: measurements of the software, signed with a key that "
                  "Intel certifies." } },
    { .noun = "[TDX|Intel TDX|trust domain extensions]",
      .weight = 2,
      .ask = { "TDX is [short for|an abbreviation of|an acronym for] [what|which words|which name|what exactly]",
               "[what is|what's] [TDX|the abbreviation TDX|the acronym TDX|the word TDX] [short for|]",
               "[is TDX|does TDX come] from [Intel|AMD|ARM|Intel or AMD]",
               "[who|which company] [made|makes|invented|developed] TDX",
               "[describe|explain] TDX [in one line|in a sentence|in short|quickly]",
               "what [protects|encrypts|guards|hides|isolates] the memory [of the vm|of the virtual machine|]",
               "what does TDX [stand for|mean|do|give you|protect]",
               "why [do you use|does it use|do we need|is there] [Intel |]TDX",
               "[which|what] [hardware|cpu|processor] feature [protects|isolates] the [vm|memory|virtual machine]",
               "how [does|is] [Intel |]TDX [work|protect the memory|different]",
               "[what is|what's] an Intel [trust domain|TD]" },
      .answer = { "TDX means Trust Domain Extensions. It is the Intel technology that runs a virtual machine with "
                  "encrypted memory.",
                  "TDX is Intel hardware that isolates a virtual machine from the host and signs quotes about it.",
                  "With TDX an Intel processor keeps the memory of a VM encrypted, so that the host cannot read "
                  "it." } },
    { .noun = "[a|the] [confidential VM|confidential virtual machine|CVM|trust domain|TD|TEE|trusted execution "
              "environment|enclave]",
      .weight = 2,
      .ask = { "what is a [TEE|CVM|TD|enclave|confidential vm] [exactly|good for|in this project|]",
               "in what [environment|kind of machine|place] does [the model|the engine|the code] [run|execute]",
               "what makes [a|the] [vm|virtual machine] confidential",
               "where does [the model|the engine|the inference|everything|the service] [run|live]",
               "what does [CVM|TEE] [mean|stand for]",
               "why [does it|does the model|do you] run in a [vm|virtual machine|confidential vm]",
               "where is my prompt [processed|computed|decrypted]", "[what is|what's] confidential computing" },
      .answer = { "A confidential VM is a virtual machine whose memory the host cannot read. The model runs inside it.",
                  "The model runs inside a confidential VM. Its memory is encrypted by the processor, and its software "
                  "is measured.",
                  "A confidential VM is isolated by the hardware: neither the host nor its operator can look "
                  "inside." } },
    { .noun = "[a|the|a signed] receipt",
      .weight = 3,
      .ask = { "[after|when|once] [an|the|my|each] answer [arrives|came|comes|is there|is finished|is complete], "
               "[what|which] [signed|] [document|record|proof|paper|thing] [can I fetch|do I get|can I get|is "
               "signed|belongs to it|proves it]",
               "[what|which] signed [document|record|proof] [can I fetch|do I get|do you give me|is there] "
               "[afterwards|after the answer|for my request|]",
               "what [do I hold in my hands|do I have|do I get|will I have|is left|do I keep|is there for "
               "me|comes|remains] [once|after|when|as soon as] [the model|you|the server|it] [has|have|] "
               "[answered|replied|finished|responded|spoken|answers|replies]",
               "what [is|are] [a receipt|receipts|the receipt|the receipts] [there|good|used|meant] for",
               "what [can|could|do] I [read|see|find|learn] in [a|the|my] receipt",
               "[do I get|is there|will I get|do you give me] [some|any|a] [proof|record|evidence|document] "
               "[for|of|after] [every|each|an|the|my] [reply|answer|request|response]",
               "[which|what] [document|record|paper|proof] [belongs to|comes with|accompanies|follows] [an|each|every] "
               "[answer|reply|response]",
               "what [is in|does it say in|is written in|is inside] [a|the] receipt",
               "what does [a|the|my] receipt [contain|prove|say|show|hold]",
               "why [do I get|is there|would I want|do I need|should I keep] a receipt",
               "[what do I get|is there a proof|do I get a record] [after|for|with] [an|each|every|my] "
               "[answer|request|reply]",
               "who signs [a|the] receipt", "what [are|is the use of|is the purpose of] receipts",
               "how [do|can] I [get|fetch|download|obtain] [a|the|my] receipt",
               "[what is|what's] signed after [a request|an answer|each request]" },
      .answer = { "A receipt is a signed record of one request: the hashes of request and answer, the model digest and "
                  "the engine build.",
                  "The receipt says which model and which engine made an answer. It is signed with a key inside the "
                  "confidential VM.",
                  "For each request you get a receipt. It binds your prompt, the answer and the model with a "
                  "signature." } },
    { .noun = NULL,
      .weight = 2,
      .ask = { "{can} {anyone} [forge|fake|falsify|counterfeit|alter|invent] [a receipt|receipts|an answer|the "
               "answers|my answer|your reply]",
               "can [somebody|someone|the host|the operator|a hacker|an attacker|anyone|the provider|they] "
               "[forge|fake|invent|change|alter|tamper with] [a|the|my] "
               "[receipt|receipts|answer|answers|reply|response]",
               "[is it possible to|could you|can you] [fake|forge|alter|manipulate] [a receipt|an answer|the "
               "answers|receipts]",
               "what [if|happens if|happens when] [somebody|someone|the host] [changes|alters|modifies|tampers with] "
               "[the answer|the receipt|a byte|an answer]",
               "how [are receipts|is a receipt|is the answer] protected [against|from] "
               "[changes|forgery|tampering|fakes]" },
      .answer = { "No. A changed answer or receipt has a wrong signature, and the check fails.",
                  "A receipt cannot be forged without the signature key, and this key never leaves the confidential "
                  "VM.",
                  "Any changed byte breaks the hash or the signature, so the client notices it." } },
    { .noun = "[replay|a replay|replaying|replaying a receipt|the replay check]",
      .weight = 3,
      .ask = { "what is it called [when|if] [I|you|somebody] [compute|run|calculate] [the|an|my] "
               "[answer|output|result] [again|once more|twice] [on my own machine|on my own {machine}|at "
               "home|somewhere else|]",
               "[what|which] [word|name] [is there for|means] [running|computing|executing] [everything|the answer] "
               "again",
               "[suppose|imagine|assume|say|what if] I [compute|run|calculate|do] [everything|it|all|the answer|the "
               "whole thing|this] [a second time|again|once more|twice] [at home|myself|on my {machine}|], what is "
               "[that|this|it] called",
               "what is it called [to|when I|when you|if I] [compute|run|execute|calculate|do] [an "
               "answer|everything|the same thing|it|the model] [a second time|again|once more]",
               "how does [replay|a replay|replaying] check [the model|an answer|the server|the answer]",
               "what would [a replay|replay|replaying] [tell|show|prove|give] me",
               "can [a third party|someone else|I|anyone|an auditor] [verify|check] the [output|answer|result] by "
               "[running|computing|doing] it again",
               "[compute|run|calculate|execute] [the|an] answer [a second time|again|once more] [at home|myself|on my "
               "{machine}|]",
               "what does [replay|a replay|pml replay|replaying] [mean|do|prove|show|check]",
               "how does [replay|a replay|pml replay|replaying] work",
               "how [can|do] I [replay|repeat|run again|recompute] [an answer|a receipt|the computation|a request]",
               "why [is|would I] [replay|replaying] [useful|possible|a receipt|an answer]",
               "can [I|anyone|a third party] [repeat|recompute|redo|run] the [computation|inference|calculation] "
               "[again|later|myself|]",
               "[what is|what's] re-execution",
               "how do I [check|know|prove] that the [answer|output] [was computed correctly|really came from the "
               "model|is what the model says]" },
      .answer = { "Replay runs the same model on the same prompt again and compares every token with the receipt.",
                  "With replay you compute the answer again on your own machine. If all tokens are equal, the result "
                  "is a match.",
                  "Replay means re-execution: the engine is deterministic, so the same weights and prompt must give "
                  "the same answer." } },
    { .noun = "[a|the|the server's|the workload] keyset",
      .weight = 2,
      .ask = { "[is there|do you have|where is|where do I find|can I see] [a|one|the] [list|document|collection|set] "
               "[of|with] [all|every|the|all the] public [key|keys] [of the server|of the service|that belong to the "
               "server|the server uses|]",
               "[where|in what|in which document|in which list] are the [public |]keys of [this|the|your] "
               "[service|server] [listed|named|found|published|kept|written|collected]",
               "[what|which document|which list] [holds|lists|contains|names|collects|has] [the|all the|all] public "
               "keys [of the server|of the service|of this server|]",
               "[describe|explain] the [server's|service's|workload's|] keyset",
               "[which|what] [public |]keys [are there|does it have|can I trust|are published|are listed]",
               "what [is in|does it hold in|belongs to] [a|the] keyset",
               "what does [a|the] keyset [contain|hold|do|list]",
               "why [is there|do you need|does the server have] a keyset",
               "which keys [does the server have|does the service use|belong to the server]",
               "how [are the keys|is the keyset|are the server keys] [bound|tied|linked|connected] to the "
               "[quote|hardware|vm]",
               "[what is|what's] the keyset digest" },
      .answer = { "The keyset is the list of public keys of the service. Its digest is in the report data of the "
                  "quote.",
                  "A keyset holds the keys for TLS and for receipts. The quote binds them all to the confidential VM.",
                  "The keyset names the public keys that belong to this server, so one quote vouches for all of "
                  "them." } },
    { .noun = "[an RTMR|the RTMRs|RTMR|RTMRs|RTMR3|a runtime measurement register|the measurement registers]",
      .weight = 2,
      .ask = { "[which|what] registers [of TDX|in TDX|of the processor|of the vm|] "
               "[record|hold|contain|collect|keep|store] [what|the things that|everything that|all that] "
               "[is|are|gets|was] measured [later|at run time|while the vm runs|after the start|during run time|after "
               "boot|]",
               "[which|what] [register|registers] [grows|grow|changes|change|is extended|are extended|is updated] "
               "[with|by|at|on|for] [each|every|any|a|all] [measured |new |] [event|events|measurement|measurements] "
               "[at run time|at runtime|measured at run time|]",
               "how many RTMRs does [TDX|a TD|the vm|it] [offer|have|give]",
               "what is [an RTMR|RTMR3|RTMR0|RTMR1|RTMR2|the RTMR] [good for|used for|for]",
               "[which|what] register [holds|records|measures|has|covers] [the application|the model|runtime "
               "events|the kernel|the events]",
               "[can|could] an RTMR be [reset|set back|cleared|overwritten|written]",
               "what does [RTMR|an RTMR|RTMR3|the RTMR] [mean|stand for|hold|contain|measure|do]",
               "how [is|are] [an RTMR|RTMRs|the RTMRs] [used|extended|computed|changed]",
               "how many [RTMRs|measurement registers] are there",
               "[what|which] is measured into [RTMR3|the RTMRs|an RTMR]",
               "which registers [hold|contain|store] the measurements" },
      .answer = { "An RTMR is a runtime measurement register of TDX. It can only be extended with new hashes, never "
                  "set back.",
                  "TDX has four RTMR registers. RTMR3 holds the application, the model and the engine.",
                  "RTMR means runtime measurement register. Firmware, kernel and application are hashed into the RTMR "
                  "values." } },
    { .noun = "[MRTD|the MRTD|an MRTD]",
      .ask = { "what does [the |]MRTD [mean|stand for|hold|contain|measure|do]", "how is [the |]MRTD [computed|made]",
               "[what|which] [measurement|register] covers the firmware", "how is the firmware [measured|checked]" },
      .answer = { "MRTD is the measurement of the first memory of the VM, that is of its firmware.",
                  "The MRTD is a hash of the firmware with which a trust domain starts.",
                  "MRTD stands for measurement of the trust domain: it is fixed before the first instruction runs." } },
    { .noun = "[a|the] measurement",
      .ask = { "[what is|what's|what gets] measured [at start|at boot|in the vm|by the hardware|]",
               "what does [it mean to measure something|measured mean|measuring mean]",
               "why are [the weights|the model|firmware and kernel|things|the files] measured",
               "which [parts|things|files|components] are measured" },
      .answer = { "A measurement is a hash of something that is loaded. Firmware, kernel, application and model "
                  "weights are measured.",
                  "Everything that matters is measured: each part is hashed, and the quote shows the measurement.",
                  "A measurement is a cryptographic hash. What is not measured is treated as hostile input." } },
    { .noun = "[the|an|the TDX] event log",
      .ask = { "what [is in|does it say in|is the use of] [the|an] event log",
               "what does [the|an] event log [contain|hold|record|do]", "why [is there|do I need] an event log",
               "how is the event log [checked|verified|replayed]" },
      .answer = { "The event log lists what was measured. Replaying it must give the RTMR values of the quote.",
                  "An event log explains the RTMR values: it names each measured event with its digest.",
                  "The event log is the list of all measured events, and the quote proves that it is complete." } },
    { .noun = "[the|a|the model|the weights] digest",
      .weight = 3,
      .ask = { "how [do|can|could|would] I [find out|see|know|notice|detect] [if|whether|that|when] {anyone} "
               "[loaded|used|put in|installed|started|served] [other|different|wrong|false] {weights}",
               "[which|what] [fingerprint|hash|checksum] has the [model|weights file|model file]",
               "[is|are|was|were] the [model|weights|model file|file] hashed",
               "what does [the model's digest|the digest of the model|the digest] [tell|show|give] me",
               "[how|from what|by what] [can|could|do|would|should] I [see|tell|know|recognise|learn] [which|that the "
               "right|what] {weights} [answered|answers|was used|were used|is used|were loaded|is loaded]",
               "what does the model digest [mean|do|prove|show]",
               "[how do|how can|can] I [know|find out|tell|see|check|be sure|verify] [which|what] [model|weights] "
               "[answered|was used|is used|made the answer|is loaded|is running|is served]",
               "how is [the model|the weights file|the weight file] [identified|hashed|fingerprinted]",
               "[what|which] hash [identifies|names|is used for] the [model|weights]",
               "[is there|do you have] a [fingerprint|hash|checksum] of the [model|weights]",
               "how [can|do] I compare the weights with [mine|my file|my copy|the original]",
               "[what is|what's] the [hash|fingerprint|checksum] of the model [|for]" },
      .answer = { "The model digest is the SHA-256 hash of the weights. It is measured and stands in every receipt.",
                  "The digest of the model is a SHA-256 hash. Compare it with the digest of your own file to know "
                  "which weights answered.",
                  "Every receipt names the model digest, so you know exactly which weights were used." } },
    { .noun = NULL,
      .weight = 3,
      .ask = { "[did|has|have] {anyone} [loaded|used|installed|put in|served|sent me] [other|different|wrong|false] "
               "{weights}",
               "{can} {anyone} {swap} [the|my|your|its] {weights} [secretly|in secret|unnoticed|without me "
               "noticing|without telling|without telling me|]",
               "how [would|can|do|could|should|will] I [notice|see|detect|find out|learn|know|tell|be sure] "
               "[that|if|whether|when] [other|different|wrong|foreign|smaller|cheaper|another|the wrong|a different|a "
               "smaller] {weights} [was loaded|were loaded|than promised was loaded|was used|were used|is used|is "
               "served|than the promised one answers|is running|answers me]",
               "would [a|any|the|such a] [secret|hidden|silent|] [swap|change|exchange|replacement|manipulation] of "
               "the {weights} be [noticed|seen|detected|visible|found]",
               "[what|how] if [the|my] {weights} [is|are|was|were] {swapped}",
               "[is|are|was|were] the {weights} [the|really the|] [right|original|promised|true|correct|real|same] "
               "[one|ones|]",
               "{can} {anyone} [give|sell|serve|send|show|offer] me [a|another|some] "
               "[smaller|cheaper|different|other|worse|weaker] {weights} [instead|without telling|secretly|]",
               "what happens [with|to|if I use] {swapped} {weights}",
               "can [the host|somebody|someone|the operator|the provider|anyone|they|the company|an attacker|you] "
               "[swap|change|replace|exchange|modify|switch] the [weights|model|model file] [secretly|in "
               "secret|without me noticing|behind my back|]",
               "[could|can|may] the [weights|model] be [swapped|changed|replaced|exchanged|modified|switched]",
               "what [if|happens if|happens when] [somebody|someone|the host|the operator|they] "
               "[swaps|changes|replaces|exchanges|switches] the [model|weights]",
               "how do I know that the [weights|model] [were|was] not [swapped|changed|replaced|exchanged]",
               "[what|who] stops [them|the host|the operator|the provider|somebody] from "
               "[swapping|changing|replacing|using] [the model|the weights|another model|a cheaper model|a smaller "
               "model|other weights]",
               "[is it possible|would I notice if somebody tried] to [swap|replace|exchange] the [model|weights]" },
      .answer = { "No, not unnoticed. Other weights have another digest, and the digest is measured and stands in "
                  "every receipt.",
                  "Swapped weights would change the model digest in the quote and in the receipt, so the client would "
                  "see it.",
                  "The weights are hashed when they are loaded. A swapped model has a different digest, and the check "
                  "fails." } },
    { .noun = NULL,
      .weight = 4,
      .ask = { "[does|do|did|will] {people} [get to|] {read} {mine}",
               "[can|could] [the people|those|somebody|the ones] who [own|run|operate] the {machine} {read} {mine}",
               "{can} {anyone} {read} {mine}", "{can} {people} {read} {mine}",
               "who [else|apart from me|besides me|] [can|could|may|is able to|will|has the right to] {read} {mine}",
               "will {anyone} {read} {mine}",
               "[who|who else|which people] [sees|reads|gets|knows|learns|has access to] {mine}",
               "[is|are] {mine} [private|secret|safe|confidential|hidden|protected|visible|readable]",
               "is [this|our|the|my] [chat|conversation|talk|service|connection] [private|confidential|secret|secure]",
               "[does|do|can] {anyone} {read} along",
               "who can [read|see|look at|access|get|spy on|view|watch] [my|our|the|your users'] "
               "[prompt|prompts|question|questions|messages|data|text|input|chat|conversation]",
               "can [you|the host|the operator|the provider|the administrator|the "
               "cloud|somebody|someone|anybody|anyone|they|the owner|a hacker|the admin] [read|see|look at|access|spy "
               "on|view|watch] [my|our|the] "
               "[prompt|prompts|question|questions|messages|data|text|input|chat|conversation|secrets]",
               "is [my|the|our] [prompt|question|data|text|chat|conversation|input] "
               "[private|secret|safe|protected|confidential|secure|hidden|visible to others]",
               "[does anybody|does anyone|does somebody|who] [sees|see|read|reads] what I [write|type|ask|say|send]",
               "how is [my|the|our] [prompt|question|data|privacy|text|input|chat] [protected|kept private|kept "
               "secret|kept safe|hidden]",
               "what about [my privacy|the privacy of my prompt|privacy|my private data]",
               "where does my [prompt|question|text|data] go",
               "[is anybody|is anyone|is somebody] [listening|reading along|watching|spying]" },
      .answer = { "Nobody but the software in the confidential VM can read your prompt. The host only sees encrypted "
                  "data.",
                  "Your prompt stays private: it is decrypted only inside the confidential VM, and nobody on the host "
                  "can read it.",
                  "Nobody outside the confidential VM can read your prompt, not even the operator of the machine." } },
    { .noun = NULL,
      .weight = 2,
      .ask = { "[are|is] [{mine}|my words] [logged|saved|stored|kept|recorded|written down|archived] "
               "[somewhere|anywhere|on disk|in a file|by you|by the server|]",
               "do you [keep|have|write|make] [a|any|some] [log|logs|copy|copies|record|records|archive] of [{mine}|my "
               "chats]",
               "[do you|does the server|does the service|do they] [log|store|save|keep|record|write down] "
               "[my|the|our|any] "
               "[prompt|prompts|question|questions|messages|data|chats|conversations|answers|requests]",
               "are [my|the|our] [prompts|questions|messages|chats|conversations|answers] "
               "[logged|stored|saved|kept|recorded]",
               "is anything [logged|stored|saved|recorded|written to disk]",
               "[what is|what's|what gets] [logged|stored|in the logs|recorded]",
               "how long [do you keep|is stored|do you store|are kept] [my data|my prompt|the logs|my chats|]" },
      .answer = { "Prompts and answers are never logged. A receipt holds only their hashes.",
                  "No prompt is logged or stored. Only hashes of the request and the answer go into the receipt.",
                  "Nothing you write is logged. The memory of a request is wiped when it ends." } },
    { .noun = "[checking an answer|the verification|verification|the verdict|the check of an answer]",
      .weight = 3,
      .ask = { "[what|which things] [exactly|] [must|should|can|do] I [do|check] to [be sure|make sure|know|be "
               "certain] [that|] [your|the|this|my|an] {answer} is [authentic|genuine|real|from the model|not forged]",
               "how [do|can|could|should|would|may] I {check} [that|whether|if] [this|the|your|an|my] {answer} "
               "[is|was] [real|genuine|authentic|right|not forged|not faked|true|the real one|untouched|valid|correct]",
               "I [got|have|received|was given] [a|an|the|your] [reply|answer|response|output]. [how|by which "
               "steps|what do I do to|how do I|how can I] [make sure that it is|know it is|see that it is|be sure it "
               "is|check that it is|prove it is] [genuine|real|authentic|not forged|right|original]",
               "[by which|in what|with which|by what] [steps|way|means|checks|procedure|method] [do|can|should|could] "
               "I {check} [this|the|an|your|my] {answer}",
               "what [should|must|can|do] I do to {check} [this|a|the|your|my] {answer}",
               "how do I {check} [your|the|this|my|an] {answer}",
               "[is|was] [this|the|your|that] {answer} [genuine|authentic|real|not forged|untouched]",
               "how [do|can|could|should] I [check|verify|prove|validate|confirm|test] [an answer|the answer|your "
               "answer|this answer|a response|the response|answers|the output|a reply|your reply|this]",
               "what [must|should|do|can] I [do to|do in order to] [check|verify|trust] [an answer|the answer|this "
               "answer|your answer|a reply]",
               "[can I|is it possible to|is there a way to] [check|verify|prove] [your answers|an answer|what you "
               "say|this answer|the result]",
               "which [command|program|tool] [checks|verifies] [an answer|answers|a receipt|the receipt]",
               "how [does|do] [the client|clients|pml chat] [verify|check] [an answer|the server|everything]",
               "[what|which] [steps|checks|things] [are needed|are made|does pml chat make|does the client do|are "
               "done] [to verify an answer|to check the server|before the prompt is sent|]",
               "how [can|do] I [check|verify|validate] [a|the|my] receipt" },
      .answer = { "Use pml chat: it verifies the quote, the keyset and the receipt, and it can replay the answer.",
                  "Verify the receipt: check its signature, compare the hashes and the model digest, then replay the "
                  "answer.",
                  "To check an answer, verify the quote, then the receipt, and replay it with pml replay." } },
    { .noun = "[a|the] nonce",
      .ask = { "why is a random number [sent|used|sent along|sent with the request|needed]",
               "what is [a|the] nonce [for|good for]", "what does [a|the] nonce [do|mean|prove]",
               "why [does the client|do I|do clients] send a nonce",
               "how do I know that [a|the] quote is [fresh|new|not old|recent]",
               "what [stops|prevents] [somebody|the server|a server|them] from [showing|using|sending|replaying] an "
               "old quote" },
      .answer = { "A nonce is a random number from the client. It comes back inside the quote, so an old quote cannot "
                  "be used again.",
                  "The nonce makes the quote fresh: the client chooses it, and the hardware signs it.",
                  "Because a new nonce is in every report, an old quote is noticed." } },
    { .noun = "[the|] report data",
      .ask = { "what [is in|goes into|belongs in] the report data", "what does the report data [hold|contain|do]",
               "how long is the report data", "what are the 64 bytes [in the quote|of report data] [for|]" },
      .answer = { "Report data are 64 bytes in the quote that the software chooses. They bind the keyset and the "
                  "nonce.",
                  "The report data hold a SHA-256 hash over the keyset digest and the nonce of the client.",
                  "In the report data the server puts a hash of its keyset, so that the hardware signs it." } },
    { .noun = "[the|] collateral",
      .ask = { "what [is in|belongs to] [the |]collateral", "where does [the |]collateral come from",
               "why [do I need|is there|does a verifier need] collateral",
               "what is needed to verify a quote [offline|without a network|besides the quote|]" },
      .answer = { "Collateral is what a verifier needs besides the quote: certificates, revocation lists and TCB "
                  "information, signed by Intel.",
                  "The collateral comes from Intel. It says which certificates and which firmware versions are good.",
                  "Collateral means the signed data of Intel with which a quote is checked. It can be stored and used "
                  "offline." } },
    { .noun = "[the|a|the platform] TCB [status|level|]",
      .ask = { "what does [TCB|TCB status|UpToDate|OutOfDate] mean",
               "[what|which] [TCB status|status|TCB level] [should I accept|is good|is accepted|do I want]",
               "how do I know that the platform is [patched|up to date|not too old]",
               "[what is|what's] the trusted computing base" },
      .answer = { "TCB is the trusted computing base. Its TCB status says whether the platform has all security "
                  "updates: UpToDate is good.",
                  "The TCB status tells how current the firmware of the platform is. By default only UpToDate is "
                  "accepted.",
                  "TCB means trusted computing base: processor, microcode and firmware. An old one gives the TCB "
                  "status OutOfDate." } },
    { .noun = "[the|a] [simulated|simulated TDX|fake] platform",
      .weight = 3,
      .ask = { "I [only|just] have [a|an old|my|one] {machine} [without|that has no|that lacks|which has no] TDX[, "
               "what happens|, does it work|, which platform do I get|. which platform is used|. what happens then|. "
               "what then|. can I try it]",
               "which platform [is|will be|gets] used [without TDX|on my {machine}|here|if there is no TDX|on an old "
               "{machine}]",
               "my {machine} [lacks|has no|does not have|is without|does not support] TDX. [what|which kind of "
               "platform|what sort of platform|what kind of quote|what happens|what do I get|does it work] "
               "[there|then|do I get|is used|do I get there|would run|]",
               "what [happens|do I get|is used|would I see] [without|if there is no|when there is no|if my {machine} "
               "lacks|if my {machine} has no|on a {machine} without] TDX [hardware|support|]",
               "does it [work|run|start] on [a|my|any|an old|a normal] {machine} without [TDX|TDX hardware]",
               "[is|are] [this|the|a|such a] simulation [safe to trust|trustworthy|safe|real|protected]",
               "what does a simulated [quote|platform|TDX] [prove|protect|show|mean]",
               "[which|what] [kind|sort] of platform [is this|do I have|is used|do I get] [on a {machine}|without "
               "TDX|]",
               "what does [simulated|SIMULATED|simulation] mean [here|]",
               "[is this|are we on|is it|am I on] [real hardware|a real TDX machine|a simulation|simulated|the real "
               "thing]",
               "why does it say [simulated|SIMULATED]",
               "can I [trust|use|rely on] [a|the] [simulated quote|simulation|simulated platform]",
               "[what is|what's] the [simulator|simulation|TDX simulator] [for|]",
               "[does it|can I] [work|run|run it|use it|try it] [without TDX|without TDX hardware|on my laptop|on a "
               "laptop|on a normal computer|without special hardware]",
               "[what is|what's] the difference between simulated and real",
               "is a simulated [quote|platform|vm] [safe|secure|private]", "who signs a simulated quote" },
      .answer = { "A simulated platform makes quotes with a throw-away key. It runs on any laptop and protects "
                  "nothing.",
                  "Simulated means that there is no TDX hardware: everything works the same, but nothing is protected, "
                  "and each verdict says SIMULATED.",
                  "On a laptop the platform is simulated. It shows how the checks work, but a simulated quote must "
                  "never be trusted as a real one." } },
    { .noun = "[end-to-end|end to end] encryption",
      .weight = 2,
      .ask = { "explain [e2ee|end-to-end encryption|the encryption]",
               "[is|are] [{mine}|my message|my messages] encrypted [on the way|in transit|on the wire|]",
               "how does [end-to-end encryption|end to end encryption|encryption|e2ee] [help|protect|work for] [me|my "
               "prompt|us|]",
               "how [is|are] {mine} encrypted", "what does [end-to-end|end to end] encrypted mean",
               "[is|are] [the chat|my prompt|everything|the messages|the connection|the traffic] [encrypted|end-to-end "
               "encrypted]",
               "what is E2EE", "how is [my prompt|the prompt|the traffic|the connection|the data|a message] encrypted",
               "who can decrypt [my prompt|my message|the messages|the traffic]" },
      .answer = { "End-to-end encryption means that the prompt is encrypted for a key that only the confidential VM "
                  "holds.",
                  "It is encrypted from your client into the confidential VM. With end-to-end encryption no machine in "
                  "between can read anything.",
                  "The data are encrypted on the whole way: the key to read them exists only inside the confidential "
                  "VM." } },
    { .noun = "[the|] TLS [key|certificate|pinning|]",
      .ask = { "what does [it mean to pin|pinning] [the TLS key|mean|a key]",
               "how is the [connection|TLS key|https connection|certificate] [protected|bound|checked|verified]",
               "where does TLS end", "why is the TLS key [pinned|in the keyset|bound to the quote]", "what is RA-TLS",
               "is https enough" },
      .answer = { "The TLS key is made inside the confidential VM and stands in the keyset, so the connection ends in "
                  "the VM.",
                  "TLS ends inside the confidential VM. The client pins the TLS key that the quote vouches for.",
                  "The client accepts only the TLS key that is bound to the quote. A different key stops the chat." } },
    { .noun = "[the|a|an untrusted] [host|operator]",
      .ask = { "[must|should|do|can] I [have to |]trust the [host|operator|provider|owner of the machine|cloud|data "
               "center]",
               "what can {people} [see|do|learn|change|read from the outside]",
               "what [can|could] the [host|operator|provider|cloud|administrator] [do|see|learn|change]",
               "do I have to trust the [host|operator|provider|cloud|machine owner|administrator]",
               "whom [must|do|should] I [|have to ]trust", "who [must|has to] be trusted",
               "[what|who] do I have to trust", "is the [host|operator] trusted" },
      .answer = { "The host is not trusted. It can stop the service, but it cannot read a prompt or forge an answer.",
                  "You need not trust the host: it sees only encrypted data. You trust the processor and the measured "
                  "software.",
                  "The host is treated as hostile. What you trust is the TDX hardware and the software that the quote "
                  "names." } },
    { .noun = NULL,
      .ask = { "[which|what] [attacks|threats|risks|dangers] [are still|remain|are] possible",
               "[how|where] could [it|this|the protection] [fail|break]",
               "what [attacks|dangers|threats|risks] [remain|are left|are not covered|exist]",
               "[what does it|what does the sdk|what can it] not protect [against|]",
               "what are the [limits|limitations|weak points] of [the protection|this protection|TDX|attestation]",
               "[is it|is this|is the system] [perfectly|absolutely|one hundred percent|really] [safe|secure]",
               "what about side channels", "can it be [hacked|broken|attacked]" },
      .answer = { "It does not protect against bugs in the measured software, side channels or a broken processor. "
                  "These attacks remain.",
                  "Some attacks remain: side channels, physical attacks on the chip, and the host can always stop the "
                  "service.",
                  "No system is perfect. Side channels and physical attacks remain, and the load of the machine can be "
                  "seen." } },
    { .noun = "[a|the] [KMS|key management service|key server]",
      .ask = { "what does [a|the] KMS [do|mean|stand for]",
               "how [does|do] [a VM|the VM|an application|apps] get [its|the|their] keys",
               "who [gives|hands out|manages|releases] the keys",
               "where are the [secret |private |]keys [kept|stored|made|held]", "what is pml-kms" },
      .answer = { "A KMS is a key management service. It gives keys only to a VM whose quote it has verified.",
                  "The KMS manages the keys and runs in a confidential VM itself. It releases a key after it has "
                  "checked a quote.",
                  "Keys stay inside confidential VMs. The KMS hands them out only to attested software." } },
    { .noun = "[a|the] signature",
      .ask = { "[which|what] [signature|signing] [algorithm|scheme|method] [do you use|is used|signs receipts|is used "
               "for receipts]",
               "how [are receipts|is a receipt] signed", "what [is|makes] Ed25519 [|good for]",
               "with which key is [a|the] receipt signed", "[what is|what's] the signing key" },
      .answer = { "Receipts carry an Ed25519 signature. The signing key is in the keyset and never leaves the "
                  "confidential VM.",
                  "The signature of a receipt is Ed25519 over its canonical JSON.",
                  "A receipt has an Ed25519 signature by a key of the keyset, so anyone can check it." } },
    { .noun = "[a|the|a cryptographic] hash",
      .ask = { "what is SHA-256 [|good for]", "[which|what] hash [function|algorithm] [do you use|is used]",
               "why do you use [hashes|SHA-256]", "what does a hash [do|prove]" },
      .answer = { "A hash like SHA-256 is a short fingerprint of data. If one bit changes, the hash changes.",
                  "SHA-256 is the hash that names requests, answers and models. Nobody can find other data with the "
                  "same hash.",
                  "A hash is a fingerprint: two files with the same SHA-256 hash are the same file." } },
};

const struct topics topics_trust = { list, PML_COUNT(list) };
