/* handoff.dll: it needs nothing but its launcher beside it. */
#include "dropin.h"

#include <stdio.h>
#include <wchar.h>

enum { WIDTHS = WIDTH_COUNT * WIDTH_COUNT };

struct dll {
    HMODULE module;
    BOOL(WINAPI *spawn)(const struct handoff_request *, PROCESS_INFORMATION *, struct handoff_error *);
    size_t(WINAPI *error_text)(const struct handoff_error *, wchar_t *, size_t);
    create_process *create_process;
    const char *(WINAPI *version)(void);
    struct handoff_offering *(WINAPI *offer)(HANDLE, wchar_t *);
    BOOL(WINAPI *withdraw)(struct handoff_offering *);
    BOOL(WINAPI *take)(const wchar_t *, HANDLE *);
};

static void *export_of(HMODULE module, const char *name)
{
    void *address = (void *)GetProcAddress(module, name);

    ck_assert_msg(address != NULL, "handoff.dll does not export %s", name);
    return address;
}

static struct dll load_dll(const wchar_t *path)
{
    struct dll dll = {.module = LoadLibraryW(path)};

    ck_assert_msg(dll.module != NULL, "%ls: %lu", path, GetLastError());
    *(void **)&dll.spawn = export_of(dll.module, "handoff_spawn");
    *(void **)&dll.error_text = export_of(dll.module, "handoff_error_text");
    *(void **)&dll.create_process = export_of(dll.module, "handoff_CreateProcessW");
    *(void **)&dll.version = export_of(dll.module, "handoff_version");
    *(void **)&dll.offer = export_of(dll.module, "handoff_offer");
    *(void **)&dll.withdraw = export_of(dll.module, "handoff_withdraw");
    *(void **)&dll.take = export_of(dll.module, "handoff_take");
    return dll;
}

#ifdef _WIN64
static BOOL is_in(const void *address, HMODULE module)
{
    HMODULE found;

    return GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                              (const wchar_t *)address, &found) &&
           found == module;
}

/* Goes on in the DLL's caller as if the call had returned 0, all other registers restored as the tables say. */
static LONG CALLBACK unwind_dll(EXCEPTION_POINTERS *exception)
{
    CONTEXT *context = exception->ContextRecord;
    HMODULE dll = GetModuleHandleW(L"handoff.dll");
    DWORD64 base, frame;
    void *data;

    if (!is_in((void *)context->Rip, dll))
        return EXCEPTION_CONTINUE_SEARCH;
    for (int frames = 0; frames < 100 && is_in((void *)context->Rip, dll); frames++) {
        RUNTIME_FUNCTION *function = RtlLookupFunctionEntry(context->Rip, &base, NULL);

        if (function == NULL)
            return EXCEPTION_CONTINUE_SEARCH;
        RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, context->Rip, function, context, &data, &frame, NULL);
    }
    context->Rax = 0;
    return is_in((void *)context->Rip, GetModuleHandleW(NULL)) ? EXCEPTION_CONTINUE_EXECUTION
                                                               : EXCEPTION_CONTINUE_SEARCH;
}

START_TEST(an_exception_finds_its_way_through_the_dll)
{
    struct dll dll = load_dll(program(X64, L"handoff.dll"));
    void *handler = AddVectoredExceptionHandler(TRUE, unwind_dll);
    const wchar_t *nowhere = (const wchar_t *)16;
    PROCESS_INFORMATION child;
    struct handoff_request request = {.cb = sizeof request, .command_line = nowhere};
    HANDLE taken;

    ck_assert(!dll.take(nowhere, &taken));
    ck_assert(!dll.spawn(&request, &child, NULL));
    ck_assert(RemoveVectoredExceptionHandler(handler) != 0);
    ck_assert(FreeLibrary(dll.module));
}
END_TEST
#endif

/* The launcher of the test is not the one that the DLL finds: it lies beside the DLL, in a directory with
 * nothing else, and without it there is none. */
START_WIDTH_TEST(the_dll_brings_its_own_launcher)
{
    const int own_width = sizeof(void *) == 8 ? X64 : X86;
    HANDLE event = make_event(), taken;
    struct handoff_pass pass = {.name = L"h", .handle = event};
    struct handoff_request request = request_child(_i % WIDTH_COUNT, _i / WIDTH_COUNT, L"signal {h}");
    STARTUPINFOW startup = {.cb = sizeof startup};
    struct handoff_error error;
    struct handoff_offering *offering;
    wchar_t directory[MAX_PATH], dll_path[MAX_PATH], launcher[MAX_PATH], token[HANDOFF_TOKEN_CAPACITY], text[256];
    PROCESS_INFORMATION child;
    struct dll dll;

    GetTempPathW(MAX_PATH, directory);
    swprintf(directory + wcslen(directory), 64, L"hofdll%lu \x263a", GetCurrentProcessId());
    ck_assert(CreateDirectoryW(directory, NULL));
    swprintf(dll_path, MAX_PATH, L"%ls\\handoff.dll", directory);
    swprintf(launcher, MAX_PATH, L"%ls\\handoff-launcher.exe", directory);
    ck_assert(CopyFileW(program(own_width, L"handoff.dll"), dll_path, FALSE));
    dll = load_dll(dll_path);
    request.launcher = NULL;
    request.passes = &pass;
    request.pass_count = 1;
    ck_assert_str_eq(dll.version(), HANDOFF_VERSION);
    ck_assert_str_eq(dll.version(), handoff_version());
    ck_assert(!dll.spawn(&request, &child, &error));
    ck_assert_uint_eq(error.stage, HANDOFF_STAGE_LAUNCHER);
    ck_assert_uint_eq(error.code, ERROR_FILE_NOT_FOUND);
    ck_assert(dll.error_text(&error, text, ARRAYSIZE(text)) == wcslen(text) && wcslen(text) > 0);
    ck_assert(CopyFileW(program(_i % WIDTH_COUNT, L"handoff-launcher.exe"), launcher, FALSE));
    ck_assert_msg(dll.spawn(&request, &child, &error) || dll.spawn(&request, &child, &error), "%lu: %lu", error.stage,
                  error.code);
    ck_assert_uint_eq(finish_child(&child), 0);
    ck_assert(is_set(event));
    ck_assert(create_patiently(dll.create_process, NULL, wcscpy(text, L"cmd /c exit 7"), TRUE, 0, NULL, NULL, &startup,
                               &child));
    ck_assert_uint_eq(finish_child(&child), 7);
    offering = dll.offer(event, token);
    ck_assert_ptr_nonnull(offering);
    ck_assert(dll.take(token, &taken) && CloseHandle(taken));
    ck_assert(!dll.take(token, &taken) && GetLastError() == ERROR_INVALID_STATE);
    ck_assert(!dll.withdraw(offering));
    ck_assert(FreeLibrary(dll.module));
    ck_assert(DeleteFileW(dll_path) && DeleteFileW(launcher) && RemoveDirectoryW(directory));
    CloseHandle(event);
}
END_TEST

/* The import table as it lies in memory. */
START_TEST(the_dll_imports_kernel32_only)
{
    HMODULE module = LoadLibraryW(program(sizeof(void *) == 8 ? X64 : X86, L"handoff.dll"));
    const BYTE *base = (const BYTE *)module;
    const IMAGE_NT_HEADERS *headers;
    const IMAGE_IMPORT_DESCRIPTOR *import;
    int count = 0;

    ck_assert_ptr_nonnull(module);
    headers = (const IMAGE_NT_HEADERS *)(const void *)(base + ((const IMAGE_DOS_HEADER *)(const void *)base)->e_lfanew);
    import = (const IMAGE_IMPORT_DESCRIPTOR *)(const void *)(base + headers->OptionalHeader
                                                                        .DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT]
                                                                        .VirtualAddress);
    for (; import->Name != 0; import++, count++)
        ck_assert_int_eq(_stricmp((const char *)(base + import->Name), "kernel32.dll"), 0);
    ck_assert_int_eq(count, 1);
    ck_assert(FreeLibrary(module));
}
END_TEST

Suite *dll_suite(void)
{
    const struct listed_test tests[] = {
        {the_dll_brings_its_own_launcher, "dll", WIDTHS},
        {the_dll_imports_kernel32_only, "dll", 1},
#ifdef _WIN64
        {an_exception_finds_its_way_through_the_dll, "dll", 1},
#endif
    };
    Suite *suite = suite_create("dll");

    add_tests(suite, tests, ARRAYSIZE(tests));
    return suite;
}
