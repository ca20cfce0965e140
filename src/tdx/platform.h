/* SPDX-License-Identifier: MIT */
/*
 * The one seam between TDX hardware and everything else (design §4): get a quote for 64 bytes, extend RTMR3, read the
 * registers and the event log, say what you are. Providers: the guest agent's socket, configfs-tsm, /dev/tdx_guest with
 * the quote service over vsock, and the simulator. Nothing above knows which one it has, except to label output.
 *
 * Every call is safe from any thread; one lock serialises them, since TDX makes one quote at a time. Calls may take
 * seconds on hardware: keep them off an event loop.
 */
#ifndef PML_TDX_PLATFORM_H
#define PML_TDX_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

#define PML_REPORT_DATA_SIZE 64
#define PML_RTMR_COUNT       4
#define PML_RTMR_SIZE        48

struct pml_platform_model {
    const char *model_id;
    const char *file_digest; /* "sha256:<64 lower-case hex>" */
};

struct pml_platform_options {
    const char *state_dir; /* held by the caller (pml_state_open); the simulated platform lives in its sim/ */
    const char *sim_dir;   /* directory whose sim/ is shared instead; NULL: state_dir */
    bool simulated;        /* --simulated was given */
    const struct pml_platform_model *models; /* for app_compose where this process boots the TD (spec simulator §4) */
    size_t model_count;
};

/* What a platform says of itself. All text is owned by the platform and constant while it is open. */
struct pml_platform_facts {
    bool simulated;
    const char *platform;      /* "tdx" or "simulated": evidence.pml.platform */
    const char *provider;      /* "agent", "configfs-tsm", "tdx_guest" or "simulator" */
    const char *description;   /* one line for people */
    const char *app_compose;   /* the exact bytes whose SHA-256 is the compose-hash event */
    const char *vm_config;     /* the agent's text, else "{}" */
    const char *app_id;        /* 40 hex digits when a guest agent names the app, else NULL */
    const char *os_image_hash; /* 64 hex digits when a guest agent names it, else NULL */
};

struct pml_platform;

/*
 * Selects and opens a platform (spec simulator §1). The caller frees.
 *   PML_USAGE   "simulated_in_td"  --simulated inside a TD
 *   PML_UNKNOWN "no_tdx"           neither a TD nor --simulated
 *   PML_UNKNOWN "no_simulator"     --simulated in a build without the simulator
 *   PML_UNKNOWN "cannot_extend"    a TD whose RTMR3 cannot be extended from here
 *   PML_UNKNOWN "sim_state"        a file of the simulated platform is missing or damaged; the text names it
 *   other codes of the state directory (state_dir, key_file, cert_file, io)
 */
PML_CHECKED
struct pml_platform *pml_platform_open(const struct pml_platform_options *options, struct pml_error *err);
void pml_platform_free(struct pml_platform *p);
void pml_platform_auto(struct pml_platform **p);

/* Would pml_platform_open find what it is asked for? For programs that load a model first. "simulated_in_td", "no_tdx".
 */
PML_CHECKED
bool pml_platform_check(bool simulated, struct pml_error *err);

/* True inside a TD: a tsm report entry whose provider begins with "tdx_guest" can be made, or /dev/tdx_guest exists. */
bool pml_platform_in_td(void);

const struct pml_platform_facts *pml_platform_describe(const struct pml_platform *p);

/* A quote over REPORT_DATA, zero padding after it cut off. The caller frees. PML_UNKNOWN: "quote", "io". */
PML_CHECKED
uint8_t *pml_platform_quote(struct pml_platform *p, const uint8_t report_data[PML_REPORT_DATA_SIZE], size_t *size,
                            struct pml_error *err);

/* Extends RTMR3 with the runtime event EVENT and appends it to the event log: both or neither. EVENT is UTF-8, not
 * empty, at most PML_EVENT_NAME_MAX bytes. PML_UNKNOWN: "cannot_extend", "io". */
PML_CHECKED
bool pml_platform_extend(struct pml_platform *p, const char *event, const void *payload, size_t size,
                         struct pml_error *err);

PML_CHECKED
bool pml_platform_rtmrs(struct pml_platform *p, uint8_t rtmr[PML_RTMR_COUNT][PML_RTMR_SIZE], struct pml_error *err);

/* The event log as JSON text (spec guest §3.4), digests always filled. The caller frees. */
PML_CHECKED
char *pml_platform_event_log(struct pml_platform *p, struct pml_error *err);

/*
 * Collateral for this platform's quotes, as the JSON text of a bundle (spec dcap §3.4); the caller frees. *BUNDLE is
 * NULL on a real platform: fetching it is the caller's. On the simulated one it is renewed here when less than 15 days
 * remain; call it at start and daily.
 */
PML_CHECKED
bool pml_platform_collateral(struct pml_platform *p, char **bundle, struct pml_error *err);

/*
 * Opens DIR as the private state of this process: made 0700 if missing, refused if foreign or accessible to others,
 * locked (DIR/lock) until the returned descriptor is closed. -1 on failure: "state_dir", "in_use", "io".
 */
PML_CHECKED
int pml_state_open(const char *dir, struct pml_error *err);

#endif
