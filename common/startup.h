/* STARTUPINFOW on its way through a request. */
#ifndef HANDOFF_STARTUP_H
#define HANDOFF_STARTUP_H

#include <windows.h>

#include "request.h"

/* All but its streams, which are passes; the strings are still the caller's. */
void take_startup(struct request *request, const STARTUPINFOW *startup);
void give_startup(const struct request *request, STARTUPINFOW *startup);

#endif
