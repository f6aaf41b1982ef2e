/* Errors as the library's users see them, filled in on either side. */
#ifndef HANDOFF_ERROR_H
#define HANDOFF_ERROR_H

#include <windows.h>

#include "handoff.h"
#include "request.h"
#include "text.h"

/* Fills the error in, with the subject that its stage and pass suggest. */
void error_describe(struct handoff_error *error, const struct request *request, DWORD stage, DWORD pass, DWORD code);

/* Puts ": Win32 error CODE: " and Windows' text for it. */
void error_put_code(struct text *line, DWORD code, const wchar_t *subject);

#endif
