#include "exepath.h"

#include "cmdline.h"
#include "heap.h"
#include "lookup.h"
#include "query.h"

/* ---- the directories ---- */

static void put_system_directories(struct text *directories)
{
    wchar_t windows[MAX_PATH], system[MAX_PATH];

    if (GetSystemDirectoryW(system, MAX_PATH) != 0) {
        text_put(directories, system);
        text_put_unit(directories, L';');
    }
    if (GetSystemWindowsDirectoryW(windows, MAX_PATH) != 0) {
        text_put(directories, windows);
        text_put_ascii(directories, "\\system;"); /* of 16-bit programs */
        text_put(directories, windows);
        text_put_unit(directories, L';');
    }
}

/* In memory of its own. Who does not know the first directory must not go on with the next. */
static DWORD list_directories(BOOL with_current, wchar_t **list)
{
    wchar_t *program, *path = get_variable(L"PATH");
    struct text directories = {.capacity = 4 * MAX_PATH};
    DWORD code = path_of_module(NULL, &program);

    if (code == ERROR_SUCCESS) {
        directories.capacity += text_length(program) + (path != NULL ? text_length(path) : 0);
        directories.at = *list = allocate(directories.capacity * sizeof **list);
        code = directories.at != NULL ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
    }
    if (code == ERROR_SUCCESS) {
        text_put(&directories, program);
        text_cut_name(&directories);
        text_put_unit(&directories, L';');
        if (with_current)
            text_put_ascii(&directories, ".;");
        put_system_directories(&directories);
        if (path != NULL)
            text_put(&directories, path);
        text_end(&directories);
    }
    release(path);
    release(program);
    return code;
}

/* ---- the name ---- */

struct search {
    wchar_t *directories; /* NULL: the name needs none */
    wchar_t *name;
    wchar_t *path; /* where it is */
    DWORD size;    /* of that, in units */
    DWORD code;    /* of the first name that was not there: ERROR_SUCCESS as long as there is none */
};

static BOOL is_absolute(const wchar_t *name)
{
    return name[0] == L'\\' || name[0] == L'/' || (name[0] != L'\0' && name[1] == L':');
}

/* Why a file is not there can be told only of one place. */
static DWORD why_missing(const wchar_t *name)
{
    if (!is_absolute(name) || GetFileAttributesW(name) != INVALID_FILE_ATTRIBUTES)
        return ERROR_FILE_NOT_FOUND;
    return GetLastError();
}

static BOOL find_path(struct search *search)
{
    DWORD length = 0;

    while (search->path != NULL) {
        length = SearchPathW(search->directories, search->name, L".exe", search->size, search->path, NULL);
        if (length < search->size)
            break;
        release(search->path);
        search->size = length + 1;
        search->path = allocate(search->size * sizeof *search->path);
    }
    return search->path != NULL && length > 0;
}

static BOOL try_name(struct search *search)
{
    DWORD attributes = find_path(search) ? GetFileAttributesW(search->path) : INVALID_FILE_ATTRIBUTES;

    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
        return TRUE;
    if (search->code == ERROR_SUCCESS)
        search->code = search->path != NULL ? why_missing(search->name) : ERROR_NOT_ENOUGH_MEMORY;
    return FALSE;
}

/* Returns what follows the name in the line, or NULL if there is no such program. */
static const wchar_t *try_line(struct search *search, const wchar_t *line)
{
    struct text name = {.at = search->name, .capacity = text_length(line) + 1};

    if (*line == L'"') {
        line = line_program(&name, line);
        return text_end(&name) && name.length > 0 && try_name(search) ? line : NULL;
    }
    for (; *line != L'\0'; line++) {
        if ((*line == L' ' || *line == L'\t') && name.length > 0 && text_end(&name) && try_name(search))
            return line;
        text_put_unit(&name, *line);
    }
    return name.length > 0 && text_end(&name) && try_name(search) ? line : NULL;
}

/* The child would take what stands before the first blank for its name. */
static DWORD quote_name(struct program *program, const wchar_t *name, const wchar_t *rest)
{
    size_t capacity = text_length(name) + text_length(rest) + 3;
    struct text line = {.at = allocate(capacity * sizeof(wchar_t)), .capacity = capacity};

    program->line = line.at;
    if (line.at == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    text_put_unit(&line, L'"');
    text_put(&line, name);
    text_put_unit(&line, L'"');
    text_put(&line, rest);
    text_end(&line);
    return ERROR_SUCCESS;
}

static BOOL has_blank(const wchar_t *name)
{
    while (*name != L'\0' && *name != L' ' && *name != L'\t')
        name++;
    return *name != L'\0';
}

/* A name with a directory is always meant from the current one as well. */
static BOOL current_counts_for(const wchar_t *line)
{
    BOOL quoted = *line == L'"';

    if (quoted)
        line++;
    while (*line != L'\0' && (quoted ? *line != L'"' : *line != L' ' && *line != L'\t') && *line != L'\\' &&
           *line != L'/')
        line++;
    return *line == L'\\' || *line == L'/' || current_directory_counts();
}

DWORD find_as_windows(const wchar_t *line, struct program *program)
{
    struct search search = {.name = allocate((text_length(line) + 1) * sizeof *search.name),
                            .path = allocate(MAX_PATH * sizeof *search.path),
                            .size = MAX_PATH};
    DWORD code = search.name != NULL && search.path != NULL ? ERROR_SUCCESS : ERROR_NOT_ENOUGH_MEMORY;
    const wchar_t *rest;

    if (code == ERROR_SUCCESS && !is_absolute(*line == L'"' ? line + 1 : line))
        code = list_directories(current_counts_for(line), &search.directories);
    if (code == ERROR_SUCCESS) {
        rest = try_line(&search, line);
        code = search.code != ERROR_SUCCESS ? search.code : ERROR_FILE_NOT_FOUND;
        if (rest != NULL)
            code = *line != L'"' && has_blank(search.name) ? quote_name(program, search.name, rest) : ERROR_SUCCESS;
    }
    program->path = search.path;
    release(search.name);
    release(search.directories);
    return code;
}

void release_program(struct program *program)
{
    release(program->line);
    release(program->path);
}
