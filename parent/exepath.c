#include "exepath.h"

#include "cmdline.h"
#include "heap.h"
#include "lookup.h"

enum { DIRECTORIES_CAPACITY = 2 * LINE_CAPACITY + 4 * MAX_PATH };

/* ---- the directories ---- */

static void put_module_directory(struct text *directories)
{
    size_t start = directories->length;

    /* Where the room ends the name is cut, and the text is too long. */
    directories->length += GetModuleFileNameW(NULL, directories->at + start, LINE_CAPACITY);
    while (directories->length > start && directories->at[directories->length - 1] != L'\\')
        directories->length--;
    text_put_unit(directories, L';');
}

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

/* In memory of its own; NULL if there is none. */
static wchar_t *list_directories(BOOL with_current)
{
    struct text directories = {.at = allocate(DIRECTORIES_CAPACITY * sizeof(wchar_t)),
                               .capacity = DIRECTORIES_CAPACITY};

    if (directories.at == NULL)
        return NULL;
    put_module_directory(&directories);
    if (with_current)
        text_put_ascii(&directories, ".;");
    put_system_directories(&directories);
    directories.length += GetEnvironmentVariableW(L"PATH", directories.at + directories.length, LINE_CAPACITY);
    text_end(&directories);
    return directories.at;
}

/* ---- the name ---- */

struct search {
    wchar_t *directories, *name, *path;
    DWORD code; /* of the first name that was not there: ERROR_SUCCESS as long as there is none */
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

static BOOL try_name(struct search *search)
{
    DWORD length = SearchPathW(search->directories, search->name, L".exe", LINE_CAPACITY, search->path, NULL);
    DWORD attributes =
        length > 0 && length < LINE_CAPACITY ? GetFileAttributesW(search->path) : INVALID_FILE_ATTRIBUTES;

    if (attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
        return TRUE;
    if (search->code == ERROR_SUCCESS)
        search->code = why_missing(search->name);
    return FALSE;
}

/* Returns what follows the name in the line, or NULL if there is no such program. */
static const wchar_t *try_line(struct search *search, const wchar_t *line)
{
    struct text name = {.at = search->name, .capacity = LINE_CAPACITY};

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
    struct search search = {.directories = list_directories(current_counts_for(line)),
                            .name = allocate(LINE_CAPACITY * sizeof *search.name),
                            .path = allocate(LINE_CAPACITY * sizeof *search.path)};
    DWORD code = ERROR_NOT_ENOUGH_MEMORY;
    const wchar_t *rest;

    program->path = search.path;
    if (search.directories != NULL && search.name != NULL && search.path != NULL) {
        rest = try_line(&search, line);
        code = search.code != ERROR_SUCCESS ? search.code : ERROR_FILE_NOT_FOUND;
        if (rest != NULL)
            code = *line != L'"' && has_blank(search.name) ? quote_name(program, search.name, rest) : ERROR_SUCCESS;
    }
    release(search.name);
    release(search.directories);
    return code;
}

void release_program(struct program *program)
{
    release(program->line);
    release(program->path);
}
