/* Calls of handoff_CreateProcessW, whoever exports it. */
#ifndef HANDOFF_TESTS_DROPIN_H
#define HANDOFF_TESTS_DROPIN_H

#include "system.h"

typedef BOOL WINAPI create_process(const wchar_t *, const wchar_t *, SECURITY_ATTRIBUTES *, SECURITY_ATTRIBUTES *, BOOL,
                                   DWORD, void *, const wchar_t *, STARTUPINFOW *, PROCESS_INFORMATION *);

/* With tries: see START_TRIES. There is no parameter for the launcher: it lies beside this program. */
BOOL create_patiently(create_process *create, const wchar_t *application, const wchar_t *line, BOOL inherit,
                      DWORD flags, void *environment, const wchar_t *directory, STARTUPINFOW *startup,
                      PROCESS_INFORMATION *child);

#endif
