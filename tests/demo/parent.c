/*
 * A C program that has gpgv.exe verify a signature. It opens the files itself and holds them non-inheritable;
 * handoff-launcher.exe, which lies beside it, steals duplicates of them for gpgv.
 *
 *   demo-parent GPGV KEYRING SIGNATURE DATA STATUS LOG
 */
#include "handoff.h"

#include <stdio.h>
#include <string.h>

enum { SIG, DATA, STATUS, LOG, PASSES };

static HANDLE open_file(const wchar_t *path, DWORD access, DWORD disposition)
{
    HANDLE file = CreateFileW(path, access, FILE_SHARE_READ, NULL, disposition, 0, NULL);

    if (file == INVALID_HANDLE_VALUE)
        printf("cannot open '%ls': Win32 error %lu\n", path, GetLastError());
    return file;
}

static BOOL start_gpgv(const wchar_t *program, const wchar_t *keyring, const struct handoff_pass *passes,
                       DWORD *numbers, struct handoff_trace *trace, PROCESS_INFORMATION *gpgv)
{
    const wchar_t *const arguments[] = {program,     L"--keyring",   keyring,     L"--status-fd",
                                        L"{status}", L"--logger-fd", L"{log}",    L"--enable-special-filenames",
                                        L"--",       L"-&{sig}",     L"-&{data}", NULL};
    struct handoff_request request = {.cb = sizeof request,
                                      .arguments = arguments,
                                      .passes = passes,
                                      .pass_count = PASSES,
                                      .numbers = numbers,
                                      .trace = trace};
    struct handoff_error error;
    wchar_t line[512];

    if (handoff_spawn(&request, gpgv, &error))
        return TRUE;
    handoff_error_text(&error, line, 512);
    printf("%ls\n", line);
    return FALSE;
}

static void show_way(const struct handoff_pass *pass, DWORD number, DWORD launcher, DWORD child)
{
    DWORD flags = HANDLE_FLAG_INHERIT;

    GetHandleInformation(pass->handle, &flags);
    printf("%ls: 0x%lx in parent %lu, %s -> duplicate stolen by launcher %lu -> 0x%lx in gpgv %lu\n", pass->name,
           (DWORD)(ULONG_PTR)pass->handle, GetCurrentProcessId(),
           (flags & HANDLE_FLAG_INHERIT) == 0 ? "not inheritable" : "INHERITABLE", launcher, number, child);
}

/* It is the file that gpgv has written to, so its position is behind what was written. */
static BOOL show_status(HANDLE file)
{
    char text[4096];
    DWORD size;

    if (SetFilePointer(file, 0, NULL, FILE_BEGIN) != 0 || !ReadFile(file, text, sizeof text - 1, &size, NULL))
        return FALSE;
    text[size] = '\0';
    printf("\nits status, which the parent reads through the handle that it has kept:\n%s\n", text);
    return strstr(text, "[GNUPG:] VALIDSIG ") != NULL;
}

static BOOL verify(wchar_t **argv)
{
    struct handoff_pass passes[PASSES] = {
        [SIG] = {.name = L"sig", .handle = open_file(argv[3], GENERIC_READ, OPEN_EXISTING)},
        [DATA] = {.name = L"data", .handle = open_file(argv[4], GENERIC_READ, OPEN_EXISTING)},
        [STATUS] = {.name = L"status", .handle = open_file(argv[5], GENERIC_READ | GENERIC_WRITE, CREATE_ALWAYS)},
        [LOG] = {.name = L"log", .handle = open_file(argv[6], GENERIC_WRITE, CREATE_ALWAYS)}};
    DWORD numbers[PASSES], code;
    struct handoff_trace trace;
    PROCESS_INFORMATION gpgv;

    if (!start_gpgv(argv[1], argv[2], passes, numbers, &trace, &gpgv))
        return FALSE;
    for (int i = 0; i < PASSES; i++)
        show_way(&passes[i], numbers[i], trace.launcher_id, gpgv.dwProcessId);
    WaitForSingleObject(gpgv.hProcess, INFINITE);
    GetExitCodeProcess(gpgv.hProcess, &code);
    CloseHandle(gpgv.hProcess);
    CloseHandle(gpgv.hThread);
    printf("gpgv's exit code: %lu\n", code);
    return show_status(passes[STATUS].handle) && code == 0;
}

int wmain(int argc, wchar_t **argv)
{
    BOOL valid = argc == 7 && verify(argv);

    printf("demo: the parent: %s\n", valid ? "the signature is valid" : "FAILED: no valid signature");
    return valid ? 0 : 1;
}
