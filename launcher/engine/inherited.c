#include "inherited.h"

#include "function.h"
#include "heap.h"
#include "steal.h"

/* Grown until the list fits; `size` is then what is used of it. */
struct list {
    void *memory;
    ULONG size;
};

typedef LONG(WINAPI *query_process_function)(HANDLE, int, void *, ULONG, ULONG *);
typedef LONG(WINAPI *query_system_function)(int, void *, ULONG, ULONG *);

/* The numbers of this process' handles, 32 bits each (ProcessHandleTable, Windows 8.1 and later). */
static LONG query_own(void *memory, ULONG capacity, ULONG *size)
{
    enum { PROCESS_HANDLE_TABLE = 58 };
    query_process_function query = (query_process_function)function_of(L"ntdll.dll", "NtQueryInformationProcess");

    return query != NULL ? query(GetCurrentProcess(), PROCESS_HANDLE_TABLE, memory, capacity, size) : -1;
}

/* All handles of all processes (SystemExtendedHandleInformation, Windows XP and later). */
static LONG query_all(void *memory, ULONG capacity, ULONG *size)
{
    enum { EXTENDED_HANDLE_INFORMATION = 64 };
    query_system_function query = (query_system_function)function_of(L"ntdll.dll", "NtQuerySystemInformation");

    return query != NULL ? query(EXTENDED_HANDLE_INFORMATION, memory, capacity, size) : -1;
}

struct all_handles {
    ULONG_PTR count, reserved;
    struct {
        void *object;
        ULONG_PTR process_id, handle;
        ULONG access;
        USHORT creator, type;
        ULONG attributes, more;
    } entries[];
};

/* Memory of its own, which release() takes back; NULL if there is no such list. */
static BOOL make_list(struct list *list, LONG (*query)(void *, ULONG, ULONG *))
{
    enum { SMALLEST = 1 << 14, LARGEST = 1 << 28 };
    const LONG length_mismatch = (LONG)0xC0000004, buffer_too_small = (LONG)0xC0000023;
    LONG status = length_mismatch;

    for (ULONG capacity = SMALLEST; capacity < LARGEST && (status == length_mismatch || status == buffer_too_small);
         capacity *= 2) {
        release(list->memory);
        list->memory = allocate(capacity);
        list->size = 0;
        status = list->memory != NULL ? query(list->memory, capacity, &list->size) : -1;
        /* A list that fills its memory may have been cut. */
        if (status >= 0 && list->size > capacity - sizeof(DWORD))
            status = length_mismatch;
    }
    /* This process has handles: an empty list is no answer. */
    return status >= 0 && list->size > 0;
}

static void visit_own(const struct list *list, void (*act)(HANDLE))
{
    const DWORD *numbers = list->memory;
    DWORD flags;

    for (ULONG i = 0; i < list->size / sizeof *numbers; i++) {
        HANDLE handle = handle_from_number(numbers[i]);

        if (GetHandleInformation(handle, &flags) && (flags & HANDLE_FLAG_INHERIT) != 0)
            act(handle);
    }
}

static void visit_all(const struct list *list, void (*act)(HANDLE))
{
    enum { OBJ_INHERIT = 2 };
    const struct all_handles *all = list->memory;

    for (ULONG_PTR i = 0; i < all->count; i++) {
        if (all->entries[i].process_id == GetCurrentProcessId() && (all->entries[i].attributes & OBJ_INHERIT) != 0)
            act(handle_from_number(all->entries[i].handle));
    }
}

BOOL handle_set_inheritable(HANDLE handle, BOOL inheritable)
{
    return SetHandleInformation(handle, HANDLE_FLAG_INHERIT, inheritable ? HANDLE_FLAG_INHERIT : 0);
}

void handles_visit_inheritable(void (*act)(HANDLE handle))
{
    struct list list = {NULL, 0};

    if (make_list(&list, query_own))
        visit_own(&list, act);
    else if (make_list(&list, query_all))
        visit_all(&list, act);
    release(list.memory);
}
