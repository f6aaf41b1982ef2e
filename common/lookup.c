#include "lookup.h"

#include "cmdline.h"
#include "function.h"
#include "heap.h"
#include "query.h"

BOOL current_directory_counts(void)
{
    return !variable_is_set(L"NoDefaultCurrentDirectoryInExePath");
}

static BOOL is_separator(wchar_t unit)
{
    return unit == L'\\' || unit == L'/' || unit == L':';
}

BOOL name_has_directory(const wchar_t *name)
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

/* NUL and CON are in every directory, and before Windows 11 with every extension. */
static BOOL is_device(const wchar_t *path)
{
    wchar_t *full = full_path(path);
    BOOL device = full != NULL && text_begins_ascii(full, "\\\\.\\") && !text_begins_ascii(path, "\\\\.\\");

    release(full);
    return device;
}

static BOOL is_file(struct text *path)
{
    DWORD attributes;

    if (!text_end(path))
        return FALSE;
    attributes = GetFileAttributesW(path->at);
    return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0 &&
           !is_device(path->at);
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

static size_t length_of(const wchar_t *value)
{
    return value != NULL ? text_length(value) : 0;
}

/* As it was found, in memory of its own. No path that is tried is longer than one with all of PATH and all of
 * PATHEXT. */
static DWORD search(const wchar_t *name, wchar_t **found)
{
    wchar_t *directories = name_has_directory(name) ? NULL : get_variable(L"PATH");
    wchar_t *pathext = get_variable(L"PATHEXT");
    const wchar_t *extensions = pathext != NULL ? pathext : L".COM;.EXE;.BAT;.CMD";
    struct text path = {.capacity = length_of(directories) + text_length(name) + text_length(extensions) + 2};
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;

    *found = path.at = allocate(path.capacity * sizeof *path.at);
    if (path.at != NULL) {
        BOOL here = name_has_directory(name) || current_directory_counts();

        code =
            (here && try_extensions(&path, name, extensions)) || try_directories(&path, name, extensions, directories)
                ? ERROR_SUCCESS
                : ERROR_FILE_NOT_FOUND;
    }
    release(directories);
    release(pathext);
    return code;
}

typedef BOOL(WINAPI *error_mode_function)(DWORD, DWORD *);

DWORD lookup_program(const wchar_t *line, wchar_t **path)
{
    struct text name = {.capacity = text_length(line) + 1};
    error_mode_function set_mode = (error_mode_function)function_of(L"kernel32.dll", "SetThreadErrorMode");
    DWORD code = ERROR_FILE_NOT_FOUND, mode;
    wchar_t *found = NULL;
    BOOL is_set;

    *path = NULL;
    name.at = allocate(name.capacity * sizeof *name.at);
    if (name.at == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    /* An empty drive in PATH must not ask for a disk. The mode of the process is everybody's, so before Windows 7,
     * where a thread has none of its own, it stays as it is. */
    is_set = set_mode != NULL && set_mode(SEM_FAILCRITICALERRORS, &mode);
    line_program(&name, line);
    if (text_end(&name) && name.length > 0)
        code = search(name.at, &found);
    if (code == ERROR_SUCCESS) {
        *path = full_path(found);
        code = *path != NULL ? ERROR_SUCCESS : GetLastError();
    }
    if (is_set)
        set_mode(mode, NULL);
    release(found);
    release(name.at);
    return code;
}
