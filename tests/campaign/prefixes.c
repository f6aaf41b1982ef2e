/*
 * Prefixes that are killed at random moments of their run (G12). What must be true then, whatever the moment was: the
 * child is gone, unless it had come to its own end, and the handles of this process, their parent, are as they were,
 * but for what --steal names, which is the same object or gone.
 *
 * The streams of a prefix are one end of a pipe. So the child has it from its creation on, and the other end tells
 * when nobody has it any more. With --relay stdin alone is the pipe's, so the child says there how far it is. It ends
 * by itself only while an event is set; that is reset for the kill, so what ends after it was ended.
 *
 * With --report there is no job, and the prefix puts a handle of the child into its parent: killed on its way to the
 * report, it may leave the child, suspended, and that handle. These are counted, and not held against it.
 */
#include "campaign.h"

#include "handle_table.h"

#include <winternl.h>

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { LINE_UNITS = 2048, SAID_MOST = 1024, KILLED = 0xDEAD, MEASURED = 9, GRACE_MS = 2000 };

static const struct row {
    const char *name;
    const wchar_t *options;
    BOOL opens, takes, reports; /* --event and --write, --copy and --steal, --report */
} rows[] = {{"a command", L"", FALSE, FALSE, FALSE},
            {"--event, --write", L"", TRUE, FALSE, FALSE},
            {"--copy, --steal", L"", FALSE, TRUE, FALSE},
            {"--event, --write, --relay", L"--relay", TRUE, FALSE, FALSE},
            {"--copy, --steal, --timeout", L"--timeout 1h", FALSE, TRUE, FALSE},
            {"all these, --kill-on-exit", L"--relay --timeout 1h --kill-on-exit", TRUE, TRUE, FALSE},
            {"--copy, --steal, --report", L"", FALSE, TRUE, TRUE}};

/* What the child did when the prefix was killed. */
enum moment { NO_CHILD, SUSPENDED, RUNNING, ENDED, MOMENTS };

struct toll {
    double length; /* ms, of a run that is let be */
    unsigned moments[MOMENTS];
    unsigned refused;      /* Wine 8 could not start a process just then */
    unsigned unborn;       /* processes that it had not made to the end */
    unsigned left, untold; /* with --report: suspended children, and handles of children */
    unsigned stay, cut, held, hurt, strange, odd;
};

static struct {
    struct owned kept, copied, stolen;
    LONG identity;             /* of the next to be stolen, unlike any other's */
    HANDLE allowed;            /* set: the child may end by itself */
    HANDLE report, report_end; /* to read and to write */
    DWORD64 random;
} parent;

/* ---- a run ---- */

struct run {
    const struct row *row;
    PROCESS_INFORMATION prefix;
    LARGE_INTEGER birth;
    double began;
    HANDLE pipe; /* to read */
    char said[SAID_MOST];
    BOOL has_child; /* or had one when it was looked for */
    BOOL held;      /* somebody has still the other end */
};

static size_t put(wchar_t *line, size_t length, const wchar_t *format, ...)
{
    va_list arguments;
    int more;

    va_start(arguments, format);
    more = _vsnwprintf(line + length, LINE_UNITS - length, format, arguments);
    va_end(arguments);
    require(more >= 0, "too long a line");
    return length + (size_t)more;
}

static void put_line(const struct row *row, wchar_t *line)
{
    size_t length = put(line, 0, L"\"%ls\" %ls", path_of_prefix, row->options);

    if (row->opens)
        length = put(line, length, L" --event e= --write w=nul");
    if (row->takes)
        length = put(line, length, L" --parent %lu --copy c=%u --steal s=%u", GetCurrentProcessId(),
                     (unsigned)(UINT_PTR)parent.copied.handle, (unsigned)(UINT_PTR)parent.stolen.handle);
    if (row->reports)
        length = put(line, length, L" --report %u", (unsigned)(UINT_PTR)parent.report_end);
    length = put(line, length, L" -- \"%ls\"", neighbour(L"campaign-child.exe", FALSE));
    if (row->opens)
        length = put(line, length, L" {e} {w}");
    if (row->takes)
        length = put(line, length, L" {c} {s}");
    put(line, length, L" ~");
}

static BOOL create(wchar_t *line, HANDLE stream, PROCESS_INFORMATION *process)
{
    STARTUPINFOW startup = {.cb = sizeof startup,
                            .dwFlags = STARTF_USESTDHANDLES,
                            .hStdInput = stream,
                            .hStdOutput = stream,
                            .hStdError = stream};

    while (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, process)) {
        if (GetLastError() != ERROR_INTERNAL_ERROR) /* which Wine 8 has at times */
            return FALSE;
    }
    return TRUE;
}

static LARGE_INTEGER birth(HANDLE process)
{
    FILETIME birth = {0}, other;

    GetProcessTimes(process, &birth, &other, &other, &other);
    return (LARGE_INTEGER){.LowPart = birth.dwLowDateTime, .HighPart = (LONG)birth.dwHighDateTime};
}

/* The end of the pipe is the only inheritable handle of this process. */
static void start(const struct row *row, struct run *run)
{
    wchar_t line[LINE_UNITS];
    HANDLE end;

    *run = (struct run){.row = row};
    put_line(row, line);
    require(CreatePipe(&run->pipe, &end, NULL, 0), "a pipe");
    require(SetHandleInformation(end, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT), "a pipe");
    require(create(line, end, &run->prefix), "a prefix");
    run->began = now_ms();
    CloseHandle(end);
    run->birth = birth(run->prefix.hProcess);
}

/* Until nobody can write any more. Who never had a child is not waited for as long: see print_toll(). */
static void listen(struct run *run)
{
    DWORD since = GetTickCount(), length = 0, size, available;

    while (!run->held && PeekNamedPipe(run->pipe, NULL, 0, NULL, &available, NULL)) {
        if (available > 0 && ReadFile(run->pipe, run->said + length, SAID_MOST - 1 - length, &size, NULL))
            length += size;
        else
            Sleep(1);
        run->held = GetTickCount() - since > (run->has_child ? PATIENCE_MS : GRACE_MS);
    }
}

static BOOL has_said(const struct run *run, char mark)
{
    return strchr(run->said, mark) != NULL;
}

static void finish(struct run *run, struct toll *toll)
{
    toll->hurt += !CloseHandle(run->pipe);
    toll->hurt += !CloseHandle(run->prefix.hThread);
    toll->hurt += !CloseHandle(run->prefix.hProcess);
}

/* ---- the child ---- */

struct found {
    DWORD process_id, thread_id; /* 0: there is none */
};

/* In one call: what is seen soon after is not so any more. */
static SYSTEM_PROCESS_INFORMATION *list_processes(void)
{
    static _Alignas(SYSTEM_PROCESS_INFORMATION) unsigned char memory[1u << 22];
    NTSTATUS(NTAPI * query)
    (int, void *, ULONG, ULONG *) = (NTSTATUS(NTAPI *)(int, void *, ULONG, ULONG *))(void *)GetProcAddress(
        GetModuleHandleW(L"ntdll.dll"), "NtQuerySystemInformation");

    require(query(SystemProcessInformation, memory, sizeof memory, NULL) >= 0, "the list of processes");
    return (void *)memory;
}

/* Only one that is younger is a child: the pid of an older one's parent may have come again. */
static BOOL is_child(const SYSTEM_PROCESS_INFORMATION *process, const struct run *run)
{
    return (UINT_PTR)process->InheritedFromUniqueProcessId == run->prefix.dwProcessId &&
           process->CreateTime.QuadPart >= run->birth.QuadPart;
}

static struct found find_child(const struct run *run)
{
    SYSTEM_PROCESS_INFORMATION *process = list_processes();
    const SYSTEM_THREAD_INFORMATION *threads;

    while (!is_child(process, run)) {
        if (process->NextEntryOffset == 0)
            return (struct found){0};
        process = (void *)((unsigned char *)process + process->NextEntryOffset);
    }
    threads = (const void *)(process + 1);
    return (struct found){.process_id = (DWORD)(UINT_PTR)process->UniqueProcessId,
                          .thread_id =
                              process->NumberOfThreads > 0 ? (DWORD)(UINT_PTR)threads->ClientId.UniqueThread : 0};
}

static BOOL is_there(DWORD process_id)
{
    HANDLE process = OpenProcess(SYNCHRONIZE, FALSE, process_id);
    BOOL there = process != NULL && WaitForSingleObject(process, 0) == WAIT_TIMEOUT;

    if (process != NULL)
        CloseHandle(process);
    return there;
}

/* Or has not even a thread yet. */
static BOOL is_suspended(const struct found *child)
{
    HANDLE thread = OpenThread(THREAD_SUSPEND_RESUME, FALSE, child->thread_id);
    DWORD before;

    if (thread == NULL)
        return is_there(child->process_id);
    before = SuspendThread(thread);
    if (before != (DWORD)-1)
        ResumeThread(thread);
    CloseHandle(thread);
    return before != 0 && before != (DWORD)-1;
}

/* TRUE if it was suspended. */
static BOOL let_go(const struct found *child)
{
    HANDLE thread = OpenThread(THREAD_SUSPEND_RESUME, FALSE, child->thread_id);
    DWORD before = thread != NULL ? ResumeThread(thread) : 0;

    if (thread != NULL)
        CloseHandle(thread);
    return before != 0 && before != (DWORD)-1;
}

static void end_process(DWORD process_id)
{
    HANDLE process = OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, FALSE, process_id);

    if (process == NULL)
        return;
    TerminateProcess(process, 0);
    WaitForSingleObject(process, PATIENCE_MS);
    CloseHandle(process);
}

/* The prefix is dead, so it makes no other. With --report the child goes on, and comes to its end. */
static void settle_child(struct run *run, struct toll *toll)
{
    struct found child = find_child(run);

    if (run->row->reports)
        SetEvent(parent.allowed);
    if (child.process_id == 0)
        return;
    run->has_child = TRUE;
    if (run->row->reports)
        toll->left += let_go(&child) ? 1 : 0;
    if (!lives_on(child.process_id))
        return;
    toll->stay++;
    end_process(child.process_id);
}

/* ---- the kill ---- */

static enum moment look(const struct run *run)
{
    struct found child = find_child(run);

    if (child.process_id == 0)
        return NO_CHILD;
    return is_suspended(&child) ? SUSPENDED : RUNNING;
}

/* Returns the exit code. */
static DWORD kill(const struct run *run)
{
    DWORD code = 0;

    ResetEvent(parent.allowed);
    TerminateProcess(run->prefix.hProcess, KILLED);
    WaitForSingleObject(run->prefix.hProcess, PATIENCE_MS);
    GetExitCodeProcess(run->prefix.hProcess, &code);
    return code;
}

static void note_moment(const struct run *run, enum moment moment, DWORD code, struct toll *toll)
{
    if (has_said(run, '>') && (moment == NO_CHILD || !run->row->reports)) {
        toll->moments[ENDED]++;
    } else if (code != KILLED && strstr(run->said, "error 1359") != NULL) {
        toll->refused++;
    } else if (code != KILLED && !run->row->reports) {
        toll->odd++;
        printf("  %s: ended by itself with %lu: %s\n", run->row->name, code, run->said);
    } else {
        toll->moments[moment]++;
    }
    if (run->held && run->has_child)
        toll->held++;
    else if (run->held)
        toll->unborn++;
    toll->cut += run->row->reports && has_said(run, '<') && !has_said(run, '>');
}

/* ---- the handles ---- */

static const struct table_entry *find_own(const struct table *table, ULONG_PTR number)
{
    for (ULONG_PTR i = 0; i < table->count; i++) {
        if (table->entries[i].process_id == GetCurrentProcessId() && table->entries[i].handle == number)
            return &table->entries[i];
    }
    return NULL;
}

static BOOL is_same(const struct table_entry *entry, const struct table_entry *other)
{
    return entry->object == other->object && entry->access == other->access && entry->type == other->type &&
           entry->attributes == other->attributes;
}

/* Of a kill between the handle of the child and the report of it. */
static BOOL is_of_child(HANDLE handle)
{
    return GetProcessId(handle) != 0 && CloseHandle(handle);
}

/* Then the number may be another handle's again. */
static BOOL may_go(const struct row *row, const struct table_entry *entry)
{
    return row->takes && entry->handle == (ULONG_PTR)parent.stolen.handle;
}

static void compare_tables(const struct row *row, const struct table *before, const struct table *after,
                           struct toll *toll)
{
    for (ULONG_PTR i = 0; i < before->count; i++) {
        const struct table_entry *entry = &before->entries[i], *now = find_own(after, entry->handle);

        if (entry->process_id == GetCurrentProcessId() && (now == NULL || !is_same(entry, now)))
            toll->hurt += !may_go(row, entry);
    }
    for (ULONG_PTR i = 0; i < after->count; i++) {
        const struct table_entry *entry = &after->entries[i], *was = find_own(before, entry->handle);

        if (entry->process_id != GetCurrentProcessId() || (was != NULL && (is_same(was, entry) || !may_go(row, entry))))
            continue;
        if (row->reports && is_of_child((HANDLE)entry->handle))
            toll->untold++;
        else
            toll->strange++;
    }
}

/* Closes the handle that it tells of. */
static void read_report(struct toll *toll)
{
    char report[SAID_MOST];
    DWORD size = 0;
    const char *number;

    if (!PeekNamedPipe(parent.report, NULL, 0, NULL, &size, NULL) || size == 0)
        return;
    require(ReadFile(parent.report, report, sizeof report - 1, &size, NULL), "a report");
    report[size] = '\0';
    number = strstr(report, "process=");
    if (number != NULL)
        toll->hurt += !CloseHandle((HANDLE)(UINT_PTR)strtoul(number + 8, NULL, 10));
}

static void own_stolen(void)
{
    require(own(&parent.stolen, parent.identity += 1000), "a semaphore");
}

static void check_handles(const struct row *row, const struct table *before, struct toll *toll)
{
    struct table *after;
    DWORD flags;

    read_report(toll);
    after = query_table();
    require(after != NULL, "the table of handles");
    compare_tables(row, before, after, toll);
    free_table(after);
    toll->hurt += !is_own(&parent.kept);
    toll->hurt += !is_own(&parent.copied);
    if (!GetHandleInformation(parent.stolen.handle, &flags))
        own_stolen();
    else
        toll->hurt += !is_own(&parent.stolen);
}

/* ---- the campaign ---- */

static void spin_until(double moment)
{
    while (now_ms() < moment)
        SwitchToThread(); /* on one processor nobody else would move */
}

static void run_and_kill(const struct row *row, struct toll *toll)
{
    struct table *before = query_table();
    double wait = toll->length * random_of_below(&parent.random, 1000000) / 1000000;
    enum moment moment;
    struct run run;
    DWORD code;

    require(before != NULL, "the table of handles");
    SetEvent(parent.allowed);
    start(row, &run);
    spin_until(run.began + wait);
    moment = look(&run);
    run.has_child = moment != NO_CHILD;
    code = kill(&run);
    settle_child(&run, toll);
    listen(&run);
    note_moment(&run, moment, code, toll);
    finish(&run, toll);
    check_handles(row, before, toll);
    free_table(before);
}

/* From the start to the end of both. */
static double measure(const struct row *row, struct toll *toll)
{
    struct samples lengths = {0};
    double median;

    for (unsigned i = 0; i < MEASURED; i++) {
        struct table *before = query_table();
        struct run run;

        require(before != NULL, "the table of handles");
        SetEvent(parent.allowed);
        start(row, &run);
        require(WaitForSingleObject(run.prefix.hProcess, PATIENCE_MS) == WAIT_OBJECT_0, "the end of a prefix");
        listen(&run);
        add_sample(&lengths, now_ms() - run.began);
        expect(has_said(&run, '<') && has_said(&run, '>'), "%s: %s", row->name, run.said);
        finish(&run, toll);
        check_handles(row, before, toll);
        free_table(before);
    }
    median = quartiles_of(&lengths).median;
    clear_samples(&lengths);
    return median;
}

/* Wine 8 makes a process, and then its first thread. Who dies between leaves a process that is in no list and in no
 * job, never runs, and keeps what it inherits: that is the system's. */
static void print_toll(const struct row *row, const struct toll *toll)
{
    printf("  %-27s %6.1f   %8u %9u %7u %5u\n", row->name, toll->length, toll->moments[NO_CHILD],
           toll->moments[SUSPENDED], toll->moments[RUNNING], toll->moments[ENDED]);
    if (toll->refused > 0)
        printf("    and %u times Wine refused to start the child\n", toll->refused);
    if (toll->unborn > 0)
        printf("    of these %u processes without a thread\n", toll->unborn);
    if (row->reports)
        printf("    of these %u children left suspended; let go, they ended; %u handles of children untold\n",
               toll->left, toll->untold);
    expect(toll->stay == 0, "%s: %u children stay", row->name, toll->stay);
    expect(toll->held == 0, "%s: %u times somebody else has the child's streams", row->name, toll->held);
    expect(toll->cut == 0, "%s: %u children that ran did not come to their end", row->name, toll->cut);
    expect(toll->hurt == 0, "%s: %u handles of the parent's were closed or changed", row->name, toll->hurt);
    expect(toll->strange == 0, "%s: %u handles more in the parent", row->name, toll->strange);
    expect(toll->odd == 0, "%s: %u ended by themselves, and not well", row->name, toll->odd);
}

static void prepare(void)
{
    wchar_t name[32];

    _snwprintf(name, ARRAYSIZE(name), L"handoff-campaign-%lu", GetCurrentProcessId());
    parent.allowed = CreateEventW(NULL, TRUE, TRUE, name);
    require(parent.allowed != NULL && SetEnvironmentVariableW(L"HANDOFF_CAMPAIGN", name), "an event");
    require(CreatePipe(&parent.report, &parent.report_end, NULL, 0), "a pipe");
    require(own(&parent.kept, 1000000000) && own(&parent.copied, 1100000000), "a semaphore");
    parent.identity = 1200000000;
    own_stolen();
}

static void clean_up(void)
{
    CloseHandle(parent.kept.handle);
    CloseHandle(parent.copied.handle);
    CloseHandle(parent.stolen.handle);
    CloseHandle(parent.report);
    CloseHandle(parent.report_end);
    CloseHandle(parent.allowed);
    SetEnvironmentVariableW(L"HANDOFF_CAMPAIGN", NULL);
}

/* What the first start leaves in a process for ever, Windows' own things, is there before the handles are counted. */
static void warm_up(void)
{
    struct toll ignored = {0};

    measure(&rows[0], &ignored);
}

void campaign_prefixes(unsigned size)
{
    parent.random = size;
    prepare();
    warm_up();
    printf("prefixes: %u kills each, and what a look just before saw of the child\n", size);
    printf("  %-27s %6s   %8s %9s %7s %5s\n", "", "ms", "none yet", "suspended", "running", "ended");
    for (size_t i = 0; i < ARRAYSIZE(rows); i++) {
        struct toll toll = {0};

        toll.length = measure(&rows[i], &toll);
        for (unsigned kills = 0; kills < size; kills++)
            run_and_kill(&rows[i], &toll);
        print_toll(&rows[i], &toll);
    }
    clean_up();
    count_left(NULL, 0);
}
