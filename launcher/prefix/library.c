/* DLLs that are loaded only when they are needed. */
#include "command.h"

/* By the full path: a name alone would be looked for where handoff.exe lies, and in the current directory. With the
 * flag that holds for what the DLL itself needs. */
static HMODULE load_module(const wchar_t *name)
{
    wchar_t units[MAX_PATH + 16];
    struct text path = {.at = units, .capacity = ARRAYSIZE(units)};

    path.length = GetSystemDirectoryW(units, MAX_PATH);
    if (path.length == 0)
        return NULL;
    text_format(&path, "\\%w", name);
    return text_end(&path) ? LoadLibraryExW(units, NULL, LOAD_WITH_ALTERED_SEARCH_PATH) : NULL;
}

BOOL load_functions(const wchar_t *module_name, const char *names, FARPROC *functions, size_t count)
{
    HMODULE module = load_module(module_name);

    for (size_t i = 0; i < count; i++) {
        functions[i] = module != NULL ? GetProcAddress(module, names) : NULL;
        if (functions[i] == NULL)
            return FALSE;
        while (*names++ != '\0')
            ;
    }
    return TRUE;
}
