/*
 * The launcher, with a fault (faults.h), on an older Windows, or a liar:
 *
 *   old             finds no function newer than Windows XP
 *   refuse          has its handle list refused, as Windows 7 does with some handles
 *                   (both with inheritable handles of somebody else's)
 *
 *   strict          refuses what Windows does (strict.h)
 *
 *   note            leaves the child's attributes in the variable HANDOFF_NOTED: id and bytes, and
 *                   of process and thread the security descriptor's bytes or "none"
 *   elsewhere       has no freed number given again at once, as Windows 7 and before
 *   nowhere         cannot put anything into the child
 *   crowded         cannot put anything into its own table
 *   neither         the two together
 *   late            has a freed number given again not to the next steal but after it; and nowhere
 *   mute            never comes back from GetFileType
 *   jobless         finds no attribute for jobs, as Windows before 10
 *
 *   lie pseudo      reports its own process by pseudo-handle
 *   lie self        reports its own process by a real handle
 *   lie parent      reports the parent's process
 *   lie pid         reports another pid than the child's
 *   lie thread      reports a thread of its own as the child's
 *   lie closed      reports numbers that are not open
 *   lie untaken     reports a child without having taken the passes
 *   lie type        writes a report of an unknown type
 *   lie none        ends instead of reporting
 *   lie weak        reports the child by a handle that its security descriptor cannot be set by
 *   lie locked      creates a child that nobody may open, in the job handoff-locked, and ends instead of reporting
 *   lie nonsense    reports a failure with numbers out of every range
 *   lie early       sets its event before it has reported
 *   lie nothing     says that it has reported, and has written nothing
 *   lie half        ... and has written half of a report
 *   lie twice       ... and has written two reports
 *   lie ends        ... and has closed its end of the pipe instead
 *   lie size        writes a report of another size than its own
 *   lie another     writes a report on another request
 *   lie refused     says that it could not read the request, and stays
 *   lie KIND N      is honest for N spawns first
 *
 *   count           ends with the number of OS calls that it made
 *   answer N        ends with the number of the OS call with which it answered its Nth spawn
 *   heap            ends with the number of bytes that it still has of its heap
 *
 *   speaks N        is of another protocol: 1 ends with 77 if it is asked for anything, later ones say what they speak
 *
 *   await ID        serves once the event handoff-await-ID is set
 */
#include "strict.h"

#include "faults.h"

static BOOL is_strict(void)
{
    return strcmp(fault_kind, "strict") == 0;
}

/* What is looked up in ntdll.dll, Windows XP has. */
static BOOL is_old(HMODULE module)
{
    return strcmp(fault_kind, "old") == 0 && module == GetModuleHandleW(L"kernel32.dll");
}

/* As of a synchronous pipe that somebody reads. */
static DWORD ask_type(HANDLE file)
{
    if (strcmp(fault_kind, "mute") == 0)
        Sleep(INFINITE);
    return GetFileType(file);
}

static char noted[1024];

static void note(const char *format, unsigned number)
{
    size_t length = strlen(noted);

    snprintf(noted + length, sizeof noted - length, format, number);
}

static void note_bytes(const void *bytes, SIZE_T size)
{
    for (SIZE_T i = 0; i < size; i++)
        note("%02x", ((const unsigned char *)bytes)[i]);
    note(" ", 0);
}

static BOOL WINAPI note_update(LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD flags, DWORD_PTR attribute, void *value,
                               SIZE_T size, void *previous, SIZE_T *returned)
{
    if (attribute == PROC_THREAD_ATTRIBUTE_HANDLE_LIST)
        return UpdateProcThreadAttribute(list, flags, attribute, value, size, previous, returned);
    note("%x:", (unsigned)attribute);
    note_bytes(value, size);
    return TRUE; /* nothing is listed: here it would perhaps be refused */
}

enum { JOB_LIST = 0x2000D };

static BOOL WINAPI jobless_update(LPPROC_THREAD_ATTRIBUTE_LIST list, DWORD flags, DWORD_PTR attribute, void *value,
                                  SIZE_T size, void *previous, SIZE_T *returned)
{
    if (attribute == JOB_LIST) {
        SetLastError(ERROR_NOT_SUPPORTED);
        return FALSE;
    }
    return UpdateProcThreadAttribute(list, flags, attribute, value, size, previous, returned);
}

static void note_descriptor(void *descriptor)
{
    if (descriptor != NULL)
        note_bytes(descriptor, GetSecurityDescriptorLength(descriptor));
    else
        note("none ", 0);
}

static void note_security(const SECURITY_ATTRIBUTES *process, const SECURITY_ATTRIBUTES *thread)
{
    note_descriptor(process->lpSecurityDescriptor);
    note_descriptor(thread->lpSecurityDescriptor);
    SetEnvironmentVariableA("HANDOFF_NOTED", noted);
}

static FARPROC find_function(HMODULE module, const char *name)
{
    if (strcmp(fault_kind, "note") == 0 && strcmp(name, "UpdateProcThreadAttribute") == 0)
        return (FARPROC)(void *)note_update;
    if (strcmp(fault_kind, "jobless") == 0 && strcmp(name, "UpdateProcThreadAttribute") == 0)
        return (FARPROC)(void *)jobless_update;
    if (is_strict() && strcmp(name, "UpdateProcThreadAttribute") == 0)
        return (FARPROC)(void *)strict_update;
    return is_old(module) ? NULL : GetProcAddress(module, name);
}

/* The new one first, so that it cannot have the old one's number. */
static BOOL duplicate_elsewhere(HANDLE process, HANDLE handle, HANDLE *duplicate)
{
    HANDLE old;

    return (DuplicateHandle)(process, handle, process, duplicate, 0, FALSE, DUPLICATE_SAME_ACCESS) &&
           (DuplicateHandle)(process, handle, GetCurrentProcess(), &old, 0, FALSE,
                             DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE) &&
           (CloseHandle)(old);
}

static BOOL has_kind(const char *kind)
{
    return strcmp(fault_kind, kind) == 0;
}

static BOOL refuses_to_put(BOOL here)
{
    return has_kind("neither") || (here ? has_kind("crowded") : has_kind("nowhere") || has_kind("late"));
}

/* Something else is quicker to take the free number. */
static BOOL steal_late(HANDLE source, HANDLE handle, HANDLE *duplicate, BOOL inheritable, DWORD options)
{
    HANDLE self = GetCurrentProcess(), other;
    BOOL done = (DuplicateHandle)(self, self, self, &other, 0, FALSE, DUPLICATE_SAME_ACCESS) &&
                (DuplicateHandle)(source, handle, self, duplicate, 0, inheritable, options);

    (CloseHandle)(other);
    return done;
}

static BOOL duplicate_handle(HANDLE source, HANDLE handle, HANDLE target, HANDLE *duplicate, DWORD access,
                             BOOL inheritable, DWORD options)
{
    if (strcmp(fault_kind, "elsewhere") == 0 && source != GetCurrentProcess() && target == source)
        return duplicate_elsewhere(source, handle, duplicate);
    if (source == GetCurrentProcess() && refuses_to_put(target == source)) {
        SetLastError(ERROR_ACCESS_DENIED);
        return FALSE;
    }
    if (has_kind("late") && source != GetCurrentProcess() && target == GetCurrentProcess())
        return steal_late(source, handle, duplicate, inheritable, options);
    return (is_strict() ? strict_duplicate : (DuplicateHandle))(source, handle, target, duplicate, access, inheritable,
                                                                options);
}

static BOOL create_process(const wchar_t *program, wchar_t *line, SECURITY_ATTRIBUTES *process,
                           SECURITY_ATTRIBUTES *thread, BOOL inherit, DWORD flags, void *environment,
                           const wchar_t *directory, STARTUPINFOW *startup, PROCESS_INFORMATION *child)
{
    if (strcmp(fault_kind, "refuse") == 0 && (flags & EXTENDED_STARTUPINFO_PRESENT) != 0) {
        SetLastError(ERROR_NO_SYSTEM_RESOURCES);
        return FALSE;
    }
    if (strcmp(fault_kind, "note") == 0)
        note_security(process, thread);
    if (is_strict())
        return strict_create(program, line, process, thread, inherit, flags, environment, directory, startup, child);
    return CreateProcessW(program, line, process, thread, inherit, flags, environment, directory, startup, child);
}

static UINT answered_at;

/* It sets an event for nothing else. */
static void note_answer(void)
{
    if (strcmp(fault_kind, "answer") == 0 && --fault_at == 0)
        answered_at = (UINT)fault_calls + 1;
}

/* How often it waits for a word depends on who is quicker: with that counted, no call would have a number. */
#undef WaitForMultipleObjects
#define GetProcAddress find_function
#define GetFileType ask_type
#undef CreateProcessW
#define CreateProcessW create_process
#undef DuplicateHandle
#define DuplicateHandle(...) FAULTY(BOOL, duplicate_handle(__VA_ARGS__))
#undef SetEvent
#define SetEvent(...) (note_answer(), FAULTY(BOOL, SetEvent(__VA_ARGS__)))

#include "../../common/heap.c"
#include "../../common/steal.c"
#include "../../launcher/engine/block.c"
#include "../../launcher/engine/create.c"
#include "../../launcher/engine/engine.c"
#include "../../launcher/engine/inherited.c"
#include "../../launcher/engine/number.c"
#include "../../launcher/engine/place.c"
#include "../../launcher/engine/prepare.c"
#include "../../launcher/broker/fillers.c"
#include "../../launcher/broker/service.c"

static BOOL lies(const char *kind)
{
    return strcmp(fault_argument, kind) == 0;
}

static void weaken(uint64_t *number)
{
    HANDLE self = GetCurrentProcess(), weak = NULL;

    DuplicateHandle(self, handle_from_number(*number), self, &weak, PROCESS_ALL_ACCESS & ~(DWORD)WRITE_DAC, FALSE, 0);
    *number = handle_number(weak);
}

static void lie_about(struct report *report, HANDLE parent)
{
    HANDLE self = GetCurrentProcess();
    HANDLE handle = NULL;

    if (lies("pseudo"))
        report->process = (uint64_t)-1;
    if (lies("self")) {
        DuplicateHandle(self, self, self, &handle, 0, FALSE, DUPLICATE_SAME_ACCESS);
        report->process = handle_number(handle);
        report->process_id = GetCurrentProcessId();
    }
    if (lies("parent")) {
        report->process_id = GetProcessId(parent);
        report->process = handle_number(OpenProcess(PROCESS_ALL_ACCESS, FALSE, report->process_id));
    }
    if (lies("weak"))
        weaken(&report->process);
    if (lies("pid"))
        report->process_id += 4;
    if (lies("thread")) {
        DuplicateHandle(self, GetCurrentThread(), self, &handle, 0, FALSE, DUPLICATE_SAME_ACCESS);
        report->thread = handle_number(handle);
        report->thread_id = GetCurrentThreadId();
    }
    if (lies("closed"))
        report->process = report->thread = 0x7ffffffc;
    if (lies("type"))
        report->type = 77;
    if (lies("size"))
        report->size++;
    if (lies("another"))
        report->request_size++;
    if (lies("nonsense"))
        *report = (struct report){.size = REPORT_SIZE,
                                  .request_size = report->request_size,
                                  .type = REPORT_FAILED,
                                  .stage = 0xfffffff0,
                                  .pass = 0xffffff00,
                                  .code = 0xfffffff0};
}

static void write_lie(struct service *service, const struct report *report)
{
    DWORD written, size = sizeof *report;

    if (lies("half"))
        size /= 2;
    if (lies("nothing"))
        return;
    if (lies("ends"))
        (CloseHandle)(service->report);
    (WriteFile)(service->report, report, size, &written, NULL);
    if (lies("twice"))
        (WriteFile)(service->report, report, size, &written, NULL);
}

static void send_lie(struct service *service, const PROCESS_INFORMATION *child)
{
    struct report report = {.type = REPORT_SPAWNED,
                            .process_id = child->dwProcessId,
                            .thread_id = child->dwThreadId,
                            .process = handle_number(child->hProcess),
                            .thread = handle_number(child->hThread)};

    report.size = REPORT_SIZE;
    report.request_size = service->size;
    lie_about(&report, service->parent);
    if (lies("early"))
        (SetEvent)(service->reported);
    if (lies("none"))
        return;
    write_lie(service, &report);
    atomic_store(&service->channel->reported, TRUE);
    (SetEvent)(service->reported);
}

/* The list of rights is empty. */
static const struct {
    SECURITY_DESCRIPTOR_RELATIVE descriptor;
    ACL list;
} locked = {{.Revision = SECURITY_DESCRIPTOR_REVISION,
             .Control = SE_SELF_RELATIVE | SE_DACL_PRESENT,
             .Dacl = sizeof(SECURITY_DESCRIPTOR_RELATIVE)},
            {.AclRevision = ACL_REVISION, .AclSize = sizeof(ACL)}};

static DWORD leave_locked(struct service *service)
{
    HANDLE job = OpenJobObjectA(JOB_OBJECT_ASSIGN_PROCESS, FALSE, "handoff-locked");
    struct failure failure;
    PROCESS_INFORMATION child;

    service->request.process_descriptor = (const uint8_t *)&locked;
    return create_child(&service->request, &child, &failure) && AssignProcessToJobObject(job, child.hProcess) ? 0 : 96;
}

static DWORD serve_lies(const wchar_t *nonce)
{
    struct service service = {0};
    struct failure failure = {0};
    PROCESS_INFORMATION child = {0};

    SetConsoleCtrlHandler(outlive_console_event, TRUE);
    if (find_parent(&service, nonce) != ERROR_SUCCESS)
        return 98;
    for (int i = 0; i < fault_spared; i++) {
        if (!answer(&service, hear(&service, &service.channel->asked)))
            return 98;
    }
    if (receive_request(&service, hear(&service, &service.channel->asked)) != ERROR_SUCCESS)
        return 98;
    if (lies("refused")) {
        failure_set(&failure, HANDOFF_STAGE_EXCHANGE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
        send_failure(&service, &failure);
        Sleep(INFINITE);
    }
    if (lies("untaken"))
        service.request.pass_count = 0;
    else if (!steal_passes(&service, &failure))
        return 97;
    if (lies("locked"))
        return leave_locked(&service);
    if (!create_child(&service.request, &child, &failure))
        return 96;
    send_lie(&service, &child);
    if (!lies("none") && hear(&service, &service.channel->committed) == 0)
        TerminateProcess(child.hProcess, ERROR_PROCESS_ABORTED);
    return 0;
}

/* A launcher of protocol 1 found all words at these places. */
static DWORD serve_protocol_1(struct claim_page *page)
{
    enum { REACHED = 13, ASKED = 14, OVER = 17 };
    _Atomic uint32_t *words = (_Atomic uint32_t *)(void *)channel_of(page);

    atomic_store(&words[REACHED], TRUE);
    while (atomic_load(&words[ASKED]) == 0 && atomic_load(&words[OVER]) == FALSE)
        Sleep(1);
    return atomic_load(&words[ASKED]) != 0 ? 77 : 0;
}

static DWORD speak(const wchar_t *nonce, uint32_t protocol)
{
    struct service service = {0};
    uint64_t number;

    if (text_parse_number(nonce, &number) == NULL || !find_page(&service, number))
        return 98;
    if (protocol == 1)
        return serve_protocol_1(service.page);
    atomic_store(&channel_of(service.page)->reached, protocol);
    return ERROR_REVISION_MISMATCH;
}

/* As if whoever started the launcher had let it inherit something. */
static void make_rubbish(void)
{
    SECURITY_ATTRIBUTES inheritable = {.nLength = sizeof inheritable, .bInheritHandle = TRUE};

    for (int i = 0; i < 5; i++)
        CreateEventW(&inheritable, TRUE, FALSE, NULL);
}

static void await_event(void)
{
    char name[64];
    HANDLE event;

    snprintf(name, sizeof name, "handoff-await-%s", fault_argument);
    event = OpenEventA(SYNCHRONIZE, FALSE, name);
    (WaitForSingleObject)(event, INFINITE);
    (CloseHandle)(event);
}

static UINT heap_in_use(void)
{
    PROCESS_HEAP_ENTRY entry = {.lpData = NULL};
    UINT sum = 0;

    while (HeapWalk(GetProcessHeap(), &entry))
        sum += (entry.wFlags & PROCESS_HEAP_ENTRY_BUSY) != 0 ? (UINT)entry.cbData : 0;
    return sum;
}

int main(void)
{
    const wchar_t *nonce = wcsstr(GetCommandLineW(), L"--service=");

    read_fault();
    if (nonce == NULL)
        return 2;
    nonce += wcslen(L"--service=");
    if (strcmp(fault_kind, "old") == 0 || strcmp(fault_kind, "refuse") == 0)
        make_rubbish();
    if (strcmp(fault_kind, "await") == 0)
        await_event();
    if (strcmp(fault_kind, "speaks") == 0)
        ExitProcess(speak(nonce, (uint32_t)fault_at));
    if (strcmp(fault_kind, "count") == 0) {
        serve(nonce);
        ExitProcess((UINT)fault_calls);
    }
    if (strcmp(fault_kind, "answer") == 0) {
        serve(nonce);
        ExitProcess(answered_at);
    }
    if (strcmp(fault_kind, "heap") == 0) {
        serve(nonce);
        ExitProcess(heap_in_use());
    }
    ExitProcess(strcmp(fault_kind, "lie") == 0 ? serve_lies(nonce) : serve(nonce));
}
