#include "query.h"

#include "heap.h"

wchar_t *full_path(const wchar_t *path)
{
    wchar_t *full = NULL;
    DWORD size = 0, needed, code;

    SetLastError(ERROR_INVALID_NAME); /* of an empty path nothing is said */
    needed = GetFullPathNameW(path, 0, NULL, NULL);
    /* Another thread may change the current directory between the question and the answer. */
    while (needed > size) {
        release(full);
        size = needed;
        full = allocate(size * sizeof *full);
        if (full == NULL) {
            SetLastError(ERROR_NOT_ENOUGH_MEMORY);
            return NULL;
        }
        needed = GetFullPathNameW(path, size, full, NULL);
    }
    if (needed > 0)
        return full;
    code = GetLastError();
    release(full);
    SetLastError(code);
    return NULL;
}

DWORD path_of_module(HMODULE module, wchar_t **path)
{
    DWORD size = MAX_PATH, length, code;

    for (;; size *= 2) {
        *path = allocate(size * sizeof **path);
        if (*path == NULL)
            return ERROR_NOT_ENOUGH_MEMORY;
        length = GetModuleFileNameW(module, *path, size);
        code = GetLastError();
        if (length > 0 && length < size)
            return ERROR_SUCCESS;
        release(*path); /* the name was cut, or there is none */
        *path = NULL;
        if (length == 0)
            return code;
    }
}

/* The size of a value with its NUL; 0 with ERROR_ENVVAR_NOT_FOUND if there is none. With no room at all some kernel32
 * has crashed when the value was empty (an NT 5.2's); with a unit it says the length of what fits, which is 0. */
static DWORD size_of_variable(const wchar_t *name)
{
    wchar_t unit[1];
    DWORD size;

    SetLastError(ERROR_SUCCESS);
    size = GetEnvironmentVariableW(name, unit, ARRAYSIZE(unit));
    return size == 0 && GetLastError() == ERROR_SUCCESS ? 1 : size;
}

BOOL variable_is_set(const wchar_t *name)
{
    return size_of_variable(name) != 0 || GetLastError() != ERROR_ENVVAR_NOT_FOUND;
}

wchar_t *get_variable(const wchar_t *name)
{
    DWORD size = size_of_variable(name);
    wchar_t *value = size > 1 ? allocate(size * sizeof *value) : NULL;

    if (value != NULL && GetEnvironmentVariableW(name, value, size) >= size) {
        release(value);
        value = NULL;
    }
    return value;
}
