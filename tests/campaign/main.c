#include "campaign.h"

#include "closed.h"

#include <tlhelp32.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static const struct campaign {
    const char *name;
    void (*fight)(unsigned size);
    unsigned small, full;
    BOOL is_of_width; /* it also runs where a 32-bit process is dear */
} campaigns[] = {{"launchers", campaign_launchers, 20, 1000, FALSE}, {"parents", campaign_parents, 10, 1000, TRUE},
                 {"prefixes", campaign_prefixes, 5, 1000, FALSE},    {"still", campaign_still, 100000, 5000000, FALSE},
                 {"leaks", campaign_leaks, 48, 10000, FALSE},        {"soak", campaign_soak, 60, 50000, FALSE}};

enum { CAMPAIGNS = ARRAYSIZE(campaigns) };

static BOOL failed; /* the campaign that is under way */

/* What HANDOFF_X86 says, as in tests/support/harness.h. */
static BOOL says_of_x86(const char *word)
{
    const char *said = getenv("HANDOFF_X86");

    return said != NULL && strcmp(said, word) == 0;
}

static BOOL is_left_out(const struct campaign *campaign)
{
    return says_of_x86("count") || (sizeof(void *) == 4 && says_of_x86("width") && !campaign->is_of_width);
}

void expect(BOOL condition, const char *format, ...)
{
    va_list arguments;

    if (condition)
        return;
    failed = TRUE;
    printf("FAIL: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

const wchar_t *neighbour(const wchar_t *name, BOOL other_width)
{
    static __thread wchar_t path[MAX_PATH];
    static LONG said; /* once, since it is always the launcher */
    wchar_t *end;

    GetModuleFileNameW(NULL, path, MAX_PATH);
    end = wcsrchr(path, L'\\');
    _snwprintf(end, (size_t)(path + MAX_PATH - end), L"\\%ls", name);
    if (other_width && says_of_x86("none")) {
        if (!InterlockedExchange(&said, TRUE))
            printf("  no %ls of the other width: this machine runs no 32-bit code\n", name);
    } else if (other_width && end[-1] == L'4') {
        wmemcpy(end - 2, L"86", 2);
    } else if (other_width && end[-1] == L'6') {
        wmemcpy(end - 2, L"64", 2);
    }
    return path;
}

void random_spin(DWORD64 *state)
{
    double end = now_ms() + random_of_below(state, 16000) / 1000.0;

    while (now_ms() < end)
        SwitchToThread(); /* on one processor nobody else would move */
}

/* One that has not begun to run may have no name yet. */
static BOOL is_ours(const wchar_t *name)
{
    return name[0] == L'\0' || wcscmp(name, L"campaign-child.exe") == 0 || wcscmp(name, L"handoff-launcher.exe") == 0 ||
           wcscmp(name, L"handoff.exe") == 0 || wcscmp(name, L"faulty-launcher.exe") == 0;
}

static BOOL is_listed(DWORD process_id, const PROCESS_INFORMATION *list, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (list[i].dwProcessId == process_id)
            return TRUE;
    }
    return FALSE;
}

BOOL lives_on(DWORD process_id)
{
    HANDLE process = open_closed(OpenProcess, SYNCHRONIZE, process_id);
    BOOL lives;

    if (process == NULL)
        return GetLastError() == ERROR_ACCESS_DENIED;
    lives = WaitForSingleObject(process, PATIENCE_MS) != WAIT_OBJECT_0;
    CloseHandle(process);
    return lives;
}

unsigned count_left(const PROCESS_INFORMATION *staying, unsigned count)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    unsigned left = 0;

    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry)) {
        if (!is_ours(entry.szExeFile) || is_listed(entry.th32ProcessID, staying, count) ||
            !lives_on(entry.th32ProcessID))
            continue;
        expect(FALSE, "%ls, pid %lu, is still there", entry.szExeFile, entry.th32ProcessID);
        left++;
    }
    CloseHandle(snapshot);
    return left;
}

/* "NAME" or "NAME=SIZE" */
static BOOL select_campaign(const char *text, unsigned *sizes)
{
    size_t length = strcspn(text, "=");

    for (unsigned i = 0; i < CAMPAIGNS; i++) {
        if (strlen(campaigns[i].name) != length || strncmp(campaigns[i].name, text, length) != 0)
            continue;
        sizes[i] = text[length] == '=' ? (unsigned)strtoul(text + length + 1, NULL, 10) : campaigns[i].small;
        return sizes[i] > 0;
    }
    return FALSE;
}

static void select_all(BOOL full, unsigned *sizes)
{
    for (unsigned i = 0; i < CAMPAIGNS; i++)
        sizes[i] = full ? campaigns[i].full : campaigns[i].small;
}

static BOOL parse(int argc, char **argv, unsigned *sizes)
{
    BOOL full = argc == 2 && strcmp(argv[1], "full") == 0;

    if (argc == 1 || full)
        select_all(full, sizes);
    for (int i = 1; i < argc && !full; i++) {
        if (!select_campaign(argv[i], sizes))
            return FALSE;
    }
    return TRUE;
}

static int usage(void)
{
    fprintf(stderr, "campaign [full | NAME[=SIZE]...]\ncampaigns:");
    for (unsigned i = 0; i < CAMPAIGNS; i++)
        fprintf(stderr, " %s", campaigns[i].name);
    fprintf(stderr, "\n");
    return 2;
}

static BOOL fight(const struct campaign *campaign, unsigned size)
{
    double began = now_ms();
    DWORD_PTR processors = 0, all = 0;

    failed = FALSE;
    GetProcessAffinityMask(GetCurrentProcess(), &processors, &all);
    SetProcessAffinityMask(GetCurrentProcess(), all); /* which races need */
    campaign->fight(size);
    SetProcessAffinityMask(GetCurrentProcess(), processors);
    printf("  %s: %.1f s%s\n", campaign->name, (now_ms() - began) / 1000, failed ? ", FAILED" : "");
    return !failed;
}

int main(int argc, char **argv)
{
    unsigned sizes[CAMPAIGNS] = {0}, fought = 0, left_out = 0, lost = 0;

    if (argc == 3 && strcmp(argv[1], "--victim") == 0)
        return be_victim(argv[2]);
    if (!parse(argc, argv, sizes))
        return usage();
    setvbuf(stdout, NULL, _IONBF, 0);
    prepare_ways();
    for (unsigned i = 0; i < CAMPAIGNS; i++) {
        if (sizes[i] == 0)
            continue;
        fought++;
        if (is_left_out(&campaigns[i]))
            left_out++;
        else
            lost += !fight(&campaigns[i], sizes[i]);
    }
    finish_ways();
    if (left_out > 0)
        printf("SKIP: %u tests: this machine runs no 32-bit code%s\n", left_out,
               says_of_x86("width") ? " (make test-x86 emulates it)" : "");
    printf("%u%%: Checks: %u, Failures: %u, Errors: 0\n", 100 * (fought - lost) / fought, fought, lost);
    return lost > 0;
}
