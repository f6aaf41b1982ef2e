#include "rounds.h"

#include "handle_table.h"

#include <stdio.h>
#include <string.h>

static struct calls own_calls;
struct calls *const of_library = &own_calls, *of_launcher;
char round_name[160];

struct calls *current_calls(void)
{
    return &own_calls;
}

void share_calls(void)
{
    char name[40];
    HANDLE section;

    snprintf(name, sizeof name, "handoff-calls-%lu", GetCurrentProcessId());
    SetEnvironmentVariableA(CALLS_VARIABLE, name);
    section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, sizeof *of_launcher, name);
    of_launcher = MapViewOfFile(section, FILE_MAP_ALL_ACCESS, 0, 0, 0);
}

/* ---- the answers ---- */

/* A function that is not here never makes anything fail. There is an error but of the injected code only where
 * Windows gives no code or where the call is a question, and the failure an answer to it. */
struct answer {
    const char *function;
    DWORD stages; /* bits, where there is one */
    DWORD code;
};

#define AT(stage) (1u << HANDOFF_STAGE_##stage)

static const struct answer answers_of_library[] = {
    {"CreateEventW", AT(PREPARE), INJECTED},
    {"CreateFileMappingW", AT(PREPARE), INJECTED},
    {"CreatePipe", AT(PREPARE), INJECTED},
    {"CreateProcessW", AT(LAUNCHER), INJECTED},
    {"CreateSemaphoreW", AT(PREPARE), INJECTED},
    {"DuplicateHandle", AT(DUPLICATE) | AT(LAUNCHER) | AT(ADOPT), INJECTED},
    {"GetEnvironmentStringsW", AT(PREPARE), ERROR_NOT_ENOUGH_MEMORY},
    {"GetFileAttributesW", AT(FIND), ERROR_FILE_NOT_FOUND},
    {"GetFullPathNameW", AT(FIND) | AT(PREPARE) | AT(LAUNCHER), INJECTED},
    {"GetModuleFileNameW", 0, INJECTED},
    {"GetModuleHandleExW", 0, INJECTED},
    {"GetModuleHandleW", AT(ADOPT), ERROR_INVALID_DATA}, /* a child that cannot be told to be the launcher's */
    {"GetModuleHandleW", AT(PREPARE) | AT(ADOPT), ERROR_PROC_NOT_FOUND},
    {"GetModuleHandleW", AT(IDENTITY), ERROR_NO_IMPERSONATION_TOKEN}, /* whatever it was that failed */
    {"GetProcAddress", AT(ADOPT), ERROR_INVALID_DATA},
    {"GetProcAddress", AT(PREPARE) | AT(ADOPT), INJECTED},
    {"GetProcAddress", AT(IDENTITY), ERROR_NO_IMPERSONATION_TOKEN},
    {"GetProcessTimes", AT(PREPARE), INJECTED},
    {"InitializeCriticalSectionAndSpinCount", AT(PREPARE), INJECTED},
    {"HeapAlloc", AT(PREPARE) | AT(FIND) | AT(LAUNCHER) | AT(EXCHANGE), ERROR_NOT_ENOUGH_MEMORY},
    {"MapViewOfFile", AT(PREPARE), INJECTED},
    {"MultiByteToWideChar", 0, INJECTED},
    {"NtOpenProcessToken", AT(PREPARE), ERROR_GEN_FAILURE}, /* as the injected status is called in Win32 */
    {"NtOpenThreadToken", AT(PREPARE), ERROR_GEN_FAILURE},
    {"NtOpenThreadToken", AT(IDENTITY), ERROR_NO_IMPERSONATION_TOKEN},
    {"NtSetInformationThread", AT(PREPARE), ERROR_GEN_FAILURE},
    {"NtSetInformationThread", AT(IDENTITY), ERROR_NO_IMPERSONATION_TOKEN},
    {"NtQueryInformationProcess", AT(ADOPT), ERROR_INVALID_DATA},
    {"NtQueryInformationThread", AT(ADOPT), ERROR_INVALID_DATA},
    {"NtQueryInformationToken", AT(PREPARE), ERROR_GEN_FAILURE},
    {"NtQueryInformationToken", AT(IDENTITY), ERROR_NO_IMPERSONATION_TOKEN},
    {"NtSetSecurityObject", AT(ADOPT), ERROR_GEN_FAILURE},
    {"OpenProcess", 0, INJECTED},
    {"PeekNamedPipe", AT(EXCHANGE), INJECTED},
    {"ReadFile", AT(EXCHANGE), INJECTED},
    {"ResumeThread", AT(LAUNCHER) | AT(RESUME), INJECTED},
    {"RtlMakeSelfRelativeSD", AT(REQUEST), ERROR_INVALID_PARAMETER},
    {"SearchPathW", 0, ERROR_FILE_NOT_FOUND},
    {"SetEvent", AT(EXCHANGE), INJECTED},
    {"VirtualQuery", 0, ERROR_CANCELLED}, /* a page that cannot be told to be the offer's */
    {"WaitForMultipleObjects", AT(EXCHANGE), INJECTED},
};

static const struct answer answers_of_launcher[] = {
    {"CloseHandle", 0, ERROR_NOT_SUPPORTED}, /* what cannot be closed is not stolen */
    {"CreateFileW", 0, INJECTED},
    {"CreateJobObjectW", 0, INJECTED}, /* with --kill-on-exit */
    {"CreateProcessW", AT(CREATE), INJECTED},
    {"DuplicateHandle", AT(STEAL) | AT(SEAL) | AT(NUMBER), INJECTED},
    {"GetEnvironmentStringsW", AT(REWRITE), ERROR_NOT_ENOUGH_MEMORY},
    {"GetExitCodeProcess", 0, INJECTED},
    {"GetFileAttributesW", 0, ERROR_FILE_NOT_FOUND},
    {"GetFileType", 0, ERROR_NOT_SUPPORTED}, /* what cannot be told to be a file is no lock */
    {"GetFullPathNameW", 0, INJECTED},
    {"GetHandleInformation", 0, INJECTED},
    {"GetProcessTimes", 0, INJECTED},
    {"HeapAlloc", AT(EXCHANGE) | AT(REWRITE) | AT(CREATE) | AT(SEAL) | AT(NUMBER), ERROR_NOT_ENOUGH_MEMORY},
    {"InitializeProcThreadAttributeList", AT(CREATE), INJECTED},
    {"MapViewOfFile", AT(CONNECT), ERROR_NOT_FOUND}, /* what cannot be mapped is not the page */
    {"OpenProcess", 0, INJECTED},
    {"ResumeThread", 0, INJECTED},
    {"SetEvent", AT(EXCHANGE), ERROR_PROCESS_ABORTED}, /* with which it would say why */
    {"SetHandleInformation", AT(CREATE), INJECTED},
    {"SetInformationJobObject", 0, INJECTED},
    {"UpdateProcThreadAttribute", AT(CREATE), INJECTED},
    {"VirtualQuery", AT(CONNECT), ERROR_NOT_FOUND},
    {"WaitForSingleObject", 0, INJECTED},
    {"WideCharToMultiByte", 0, INJECTED},
    {"WriteFile", AT(EXCHANGE), ERROR_PROCESS_ABORTED}, /* the report */
    {"WriteFile", 0, INJECTED},
};

static const struct {
    const char *whose;
    const struct answer *answers;
    size_t count;
} sides[SIDE_COUNT] = {{"the library", answers_of_library, ARRAYSIZE(answers_of_library)},
                       {"the launcher", answers_of_launcher, ARRAYSIZE(answers_of_launcher)}};

static BOOL is_answer(const struct answer *answer, const char *function, const struct outcome *outcome)
{
    return strcmp(answer->function, function) == 0 && answer->code == outcome->code &&
           (outcome->stage == 0 || (answer->stages >> outcome->stage & 1) != 0);
}

static void assert_answer(enum side side, const char *function, const struct outcome *outcome)
{
    size_t i = 0;

    while (i < sides[side].count && !is_answer(&sides[side].answers[i], function, outcome))
        i++;
    ck_assert_msg(i < sides[side].count, "%s: %s failed: stage %lu, code %lu is no answer to that", round_name,
                  function, outcome->stage, outcome->code);
}

/* ---- what is left ---- */

static struct snapshot {
    size_t count;
    struct table_entry entries[MOST_HANDLES];
} before, after;

static void take_snapshot(struct snapshot *snapshot)
{
    struct table *table = query_table();

    ck_assert_ptr_nonnull(table);
    snapshot->count = 0;
    for (ULONG_PTR i = 0; i < table->count; i++) {
        if (table->entries[i].process_id == GetCurrentProcessId() && snapshot->count < MOST_HANDLES)
            snapshot->entries[snapshot->count++] = table->entries[i];
    }
    free_table(table);
}

/* The same number for the same object with the same rights and flags. */
static BOOL has_entry(const struct snapshot *snapshot, const struct table_entry *entry)
{
    size_t i = 0;

    while (i < snapshot->count && snapshot->entries[i].handle != entry->handle)
        i++;
    return i < snapshot->count && snapshot->entries[i].object == entry->object &&
           snapshot->entries[i].access == entry->access && snapshot->entries[i].attributes == entry->attributes;
}

static void assert_all_in(const struct snapshot *these, const struct snapshot *those, const char *otherwise)
{
    for (size_t i = 0; i < these->count; i++)
        ck_assert_msg(has_entry(those, &these->entries[i]), "%s: handle 0x%x %s", round_name,
                      (unsigned)these->entries[i].handle, otherwise);
}

static void assert_nothing_left(void)
{
    assert_nobody_left();
    take_snapshot(&after);
    assert_all_in(&before, &after, "is not what it was");
    assert_all_in(&after, &before, "is left");
}

/* ---- rounds ---- */

static void begin_round(enum side side, LONG fail_at, LONG launcher_at)
{
    *of_library = *of_launcher = (struct calls){0};
    of_launcher->fail_at = launcher_at;
    (side == LIBRARY ? of_library : of_launcher)->fail_at = fail_at;
}

/* Wine's own failure to start a process is not the one that was asked for. */
static struct outcome run_round(scenario *once, enum side side, LONG fail_at, LONG launcher_at)
{
    struct outcome outcome;
    int tries = 0;

    do {
        begin_round(side, fail_at, launcher_at);
        outcome = once();
        assert_nothing_left();
    } while (!outcome.done && outcome.code == ERROR_INTERNAL_ERROR && ++tries < START_TRIES);
    return outcome;
}

/* What Windows and the C library make once in a process is made. */
static void warm_up(const char *name, scenario *once)
{
    struct outcome outcome;
    int tries = 0;

    snprintf(round_name, sizeof round_name, "%s", name);
    do {
        begin_round(LIBRARY, 0, 0);
        outcome = once();
    } while (!outcome.done && outcome.code == ERROR_INTERNAL_ERROR && ++tries < START_TRIES);
    assert_round(outcome.done);
    take_snapshot(&before);
}

/* The widths have the sources in common: of the 32-bit programs' calls every third must do, unless all are
 * asked for. */
static LONG step(void)
{
    return sizeof(void *) == 8 || GetEnvironmentVariableA("HANDOFF_ALL_CALLS", NULL, 0) != 0 ? 1 : 3;
}

/* The first of the launcher's calls that none can do without. */
static LONG first_fatal(scenario *once)
{
    LONG at = 1;

    while (run_round(once, LAUNCHER, at, at).done) {
        assert_round(of_launcher->failed[0] != '\0');
        at++;
    }
    return at;
}

void fail_each_call(const char *name, scenario *once, enum side side, BOOL launcher_fails)
{
    const struct calls *calls = side == LIBRARY ? of_library : of_launcher;
    struct outcome outcome;
    LONG failures = 0, errors = 0, launcher_at;

    warm_up(name, once);
    launcher_at = launcher_fails ? first_fatal(once) : 0;
    for (LONG at = 1;; at += step()) {
        snprintf(round_name, sizeof round_name, "%s: call %ld of %s", name, at, sides[side].whose);
        outcome = run_round(once, side, at, launcher_at);
        ck_assert_str_eq(calls->unlisted, "");
        if (calls->failed[0] == '\0')
            break;
        assert_round(launcher_at == 0 || !outcome.done);
        if (!outcome.done && launcher_at == 0)
            assert_answer(side, calls->failed, &outcome);
        failures++;
        errors += !outcome.done;
    }
    assert_round(outcome.done == (launcher_at == 0));
    printf("%s: %ld of %ld calls of %s failed, %ld of them an error\n", name, failures, calls->made, sides[side].whose,
           errors);
}
