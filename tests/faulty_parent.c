/*
 * A parent that dies at its Nth OS call in handoff_spawn() (faults.h), or watches itself meanwhile.
 *
 *   faulty-parent LAUNCHER EVENT LINE          spawns LINE with the named event as {event}
 *   faulty-parent LAUNCHER EVENT LINE FIRST    ... through a resident launcher, that has started FIRST before
 *
 * A death leaves an exit code of DIED plus what had been done: RESUMED, COMMITTED. The end without
 * one leaves 0 for a child, 1 for an error, RAN_EARLY for a child that ran before it was resumed. With HANDOFF_FAULT
 * "watch" it looks at all its handles after every OS call, and ends with INHERITABLE if one ever was (G1).
 */
#include "faults.h"

#include "handle_table.h"

enum { DIED = 0x100, RESUMED = 1, COMMITTED = 2, INHERITABLE = 0x200, RAN_EARLY = 0x400 };

static BOOL ran_early;

/* The two calls that the rest of the world can see. */
static DWORD WINAPI resume_noting(HANDLE thread)
{
    DWORD result = (ResumeThread)(thread);

    fault_exit_code |= RESUMED;
    ran_early |= result != 1; /* how often the thread had been suspended */
    return result;
}

static BOOL WINAPI write_noting(HANDLE file, const void *bytes, DWORD size, DWORD *written, OVERLAPPED *operation)
{
    BOOL result = (WriteFile)(file, bytes, size, written, operation);

    if ((fault_exit_code & RESUMED) != 0)
        fault_exit_code |= COMMITTED;
    return result;
}

#undef ResumeThread
#undef WriteFile
#define ResumeThread(...) FAULTY(DWORD, resume_noting(__VA_ARGS__))
#define WriteFile(...) FAULTY(BOOL, write_noting(__VA_ARGS__))

#include "../common/heap.c"
#include "../common/pipe.c"
#include "../common/stream.c"
#include "../common/take.c"
#include "../parent/channel.c"
#include "../parent/offer.c"
#include "../parent/link.c"
#include "../parent/page.c"
#include "../parent/process.c"
#include "../parent/resident.c"
#include "../parent/spawn.c"
#include "../parent/transaction.c"
#include "../parent/turn.c"

static BOOL seen_inheritable;

static void watch(void)
{
    struct table *table = query_table();

    for (ULONG_PTR i = 0; table != NULL && i < table->count; i++) {
        if (table->entries[i].process_id == GetCurrentProcessId() && (table->entries[i].attributes & 2) != 0)
            seen_inheritable = TRUE;
    }
    if (table == NULL)
        seen_inheritable = TRUE; /* a watch that sees nothing must not pass */
    else
        free_table(table);
}

/* What the start of this process left inheritable is not of interest. */
static void forget_flags(void)
{
    for (UINT_PTR number = 4; number < 0x1000; number += 4)
        (SetHandleInformation)((HANDLE)number, HANDLE_FLAG_INHERIT, 0);
}

/* Nothing is struck yet. */
static BOOL start_first(struct handoff_request *request, wchar_t *launcher, wchar_t *line)
{
    struct handoff_request first = {.cb = sizeof first, .command_line = line};
    PROCESS_INFORMATION child;
    int at = fault_at;

    fault_at = -1;
    request->resident = first.resident = handoff_launcher_open(launcher, NULL);
    if (first.resident == NULL || !handoff_spawn(&first, &child, NULL))
        return FALSE;
    fault_exit_code = DIED;
    fault_calls = 0;
    fault_at = at;
    return TRUE;
}

int wmain(int argc, wchar_t **argv)
{
    HANDLE event = argc >= 4 ? OpenEventW(EVENT_ALL_ACCESS, FALSE, argv[2]) : NULL;
    struct handoff_pass pass = {.name = L"event", .handle = event};
    struct handoff_request request = {
        .cb = sizeof request, .launcher = argv[1], .command_line = argv[3], .passes = &pass, .pass_count = 1};
    PROCESS_INFORMATION child;
    BOOL done;

    if (event == NULL)
        return 2;
    fault_exit_code = DIED;
    read_fault();
    forget_flags();
    if (strcmp(fault_kind, "watch") == 0)
        fault_after_each = watch;
    if (argc == 5 && !start_first(&request, argv[1], argv[4]))
        return 2;
    done = handoff_spawn(&request, &child, NULL);
    if (seen_inheritable)
        return INHERITABLE;
    if (ran_early)
        return RAN_EARLY;
    return done ? 0 : 1; /* a resident launcher is not closed, and ends too */
}
