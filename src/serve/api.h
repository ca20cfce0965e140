/* SPDX-License-Identifier: MIT */
/* The routes of the service (spec inference-api §0): which path is answered by what. */
#ifndef PML_SERVE_API_H
#define PML_SERVE_API_H

#include "net/http_server.h"

struct pml_service;

/* The handler of the service's HTTP server. */
struct pml_http_handler pml_api_handler(struct pml_service *service);

#endif
