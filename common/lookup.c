#include "lookup.h"

#include "cmdline.h"
#include "function.h"
#include "heap.h"

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

BOOL current_directory_counts(void)
{
    return size_of_variable(L"NoDefaultCurrentDirectoryInExePath") == 0 && GetLastError() == ERROR_ENVVAR_NOT_FOUND;
}

/* A value of the environment in memory of its own, or NULL if it is absent or empty. */
static wchar_t *get_variable(const wchar_t *name)
{
    DWORD size = size_of_variable(name);
    wchar_t *value = size > 1 ? allocate(size * sizeof *value) : NULL;

    if (value != NULL && GetEnvironmentVariableW(name, value, size) >= size) {
        release(value);
        value = NULL;
    }
    return value;
}

static BOOL is_separator(wchar_t unit)
{
    return unit == L'\\' || unit == L'/' || unit == L':';
}

static BOOL has_directory(const wchar_t *name)
{
    while (*name != L'\0' && !is_separator(*name))
        name++;
    return *name != L'\0';
}

static BOOL has_extension(const wchar_t *name)
{
    BOOL dot = FALSE;

    for (; *name != L'\0'; name++) {
        if (*name == L'.')
            dot = TRUE;
        else if (is_separator(*name))
            dot = FALSE;
    }
    return dot;
}

static BOOL is_file(struct text *path)
{
    DWORD attributes;

    if (!text_end(path))
        return FALSE;
    attributes = GetFileAttributesW(path->at);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
}

/* Copies one element of a list such as PATH, without the quotes that protect a ';', and returns where the next begins,
 * or NULL after the last. */
static const wchar_t *put_element(struct text *text, const wchar_t *list)
{
    BOOL quoted = FALSE;

    for (; *list != L'\0' && (quoted || *list != L';'); list++) {
        if (*list == L'"')
            quoted = !quoted;
        else
            text_put_unit(text, *list);
    }
    return *list == L';' ? list + 1 : NULL;
}

/* Whether the file is there: as named, if it has an extension, or with one of PATHEXT. */
static BOOL try_extensions(struct text *path, const wchar_t *name, const wchar_t *extensions)
{
    size_t length;

    text_put(path, name);
    if (has_extension(name) && is_file(path))
        return TRUE;
    length = path->length;
    while (extensions != NULL) {
        path->length = length;
        extensions = put_element(path, extensions);
        if (path->length > length && is_file(path))
            return TRUE;
    }
    return FALSE;
}

static BOOL try_directories(struct text *path, const wchar_t *name, const wchar_t *extensions,
                            const wchar_t *directories)
{
    while (directories != NULL) {
        path->length = 0;
        directories = put_element(path, directories);
        if (path->length == 0)
            continue;
        if (!is_separator(path->at[path->length - 1]))
            text_put_unit(path, L'\\');
        if (try_extensions(path, name, extensions))
            return TRUE;
    }
    return FALSE;
}

static BOOL search(struct text *path, const wchar_t *name)
{
    wchar_t *directories = get_variable(L"PATH");
    wchar_t *pathext = get_variable(L"PATHEXT");
    const wchar_t *extensions = pathext != NULL ? pathext : L".COM;.EXE;.BAT;.CMD";
    BOOL found = FALSE;

    if (has_directory(name) || current_directory_counts())
        found = try_extensions(path, name, extensions);
    if (!found && !has_directory(name))
        found = try_directories(path, name, extensions, directories);
    release(directories);
    release(pathext);
    return found;
}

static DWORD make_full(wchar_t *path)
{
    wchar_t *full = allocate(LINE_CAPACITY * sizeof *full);
    DWORD code = ERROR_SUCCESS, length;

    if (full == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    length = GetFullPathNameW(path, LINE_CAPACITY, full, NULL);
    if (length == 0)
        code = GetLastError();
    else if (length >= LINE_CAPACITY)
        code = ERROR_FILENAME_EXCED_RANGE;
    else
        CopyMemory(path, full, (length + 1) * sizeof *path);
    release(full);
    return code;
}

typedef BOOL(WINAPI *error_mode_function)(DWORD, DWORD *);

DWORD lookup_program(const wchar_t *line, wchar_t *path)
{
    struct text found = {.at = path, .capacity = LINE_CAPACITY}, name = {.capacity = text_length(line) + 1};
    error_mode_function set_mode = (error_mode_function)function_of(L"kernel32.dll", "SetThreadErrorMode");
    DWORD code = ERROR_FILE_NOT_FOUND, mode;
    BOOL is_set;

    name.at = allocate(name.capacity * sizeof *name.at);
    if (name.at == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    /* An empty drive in PATH must not ask for a disk. The mode of the process is everybody's, so before Windows 7,
     * where a thread has none of its own, it stays as it is. */
    is_set = set_mode != NULL && set_mode(SEM_FAILCRITICALERRORS, &mode);
    line_program(&name, line);
    if (text_end(&name) && name.length > 0 && search(&found, name.at))
        code = make_full(path);
    if (is_set)
        set_mode(mode, NULL);
    release(name.at);
    return code;
}
