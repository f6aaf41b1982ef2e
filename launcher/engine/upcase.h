/* Upper case as Windows has it for names of variables and files, whatever the user's language. */
#ifndef HANDOFF_UPCASE_H
#define HANDOFF_UPCASE_H

#include <wchar.h>

wchar_t upcase(wchar_t unit);

#endif
