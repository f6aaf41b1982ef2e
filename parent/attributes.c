/* What the caller wants of the child's process and thread beside handles: attributes, security descriptors. */
#include "attributes.h"

#include "function.h"
#include "heap.h"
#include "text.h"
#include "transaction.h"

/* ---- attributes ---- */

enum { JOB_LIST = 0x2000D }; /* of Windows 10 */

/* Those that mean something between CreateProcessW and its caller, who would be the launcher. */
static const struct {
    DWORD_PTR id;
    char name[16];
} personal[] = {{0x20000, "PARENT_PROCESS"}, {JOB_LIST, "JOB_LIST"}, {0x20016, "PSEUDOCONSOLE"}};

static BOOL refuse_attribute(struct transaction *t, DWORD_PTR id)
{
    struct text subject = {.at = t->error.subject, .capacity = ARRAYSIZE(t->error.subject)};
    BOOL has_name = FALSE;

    set_error(t, HANDOFF_STAGE_REQUEST, HANDOFF_NO_PASS, ERROR_NOT_SUPPORTED);
    text_put_ascii(&subject, "PROC_THREAD_ATTRIBUTE_");
    for (size_t i = 0; i < ARRAYSIZE(personal); i++) {
        if (personal[i].id == id) {
            text_put_ascii(&subject, personal[i].name);
            has_name = TRUE;
        }
    }
    if (!has_name)
        text_format(&subject, "0x%x", (uint32_t)id);
    text_end(&subject);
    return FALSE;
}

static BOOL take_attribute(struct transaction *t, const struct listed_attribute *listed)
{
    struct attribute *attribute = &t->request.attributes[t->request.attribute_count];

    if (listed->id == PROC_THREAD_ATTRIBUTE_HANDLE_LIST)
        return TRUE;
    if (listed->value == NULL && listed->size > 0)
        return refuse_field(t, HANDOFF_NO_PASS, "attributes");
    if (listed->id == JOB_LIST && listed->size > 0 && listed->size % sizeof(HANDLE) == 0 &&
        listed->size / sizeof(HANDLE) <= MOST_PASSES) {
        t->jobs = listed->value;
        t->job_count = (uint32_t)(listed->size / sizeof(HANDLE));
        return TRUE;
    }
    if (!attribute_is_good((uint32_t)listed->id, listed->size) || t->request.attribute_count == ATTRIBUTE_MOST)
        return refuse_attribute(t, listed->id);
    attribute->id = (uint32_t)listed->id;
    attribute->size = (uint32_t)listed->size;
    CopyMemory(attribute->bytes, listed->value, listed->size);
    t->request.attribute_count++;
    return TRUE;
}

BOOL take_attributes(struct transaction *t)
{
    const struct attribute_list *list = (const struct attribute_list *)(const void *)t->asked->attributes;

    if (list == NULL)
        return TRUE;
    if (list->extended_flags != NULL || list->count > list->capacity)
        return refuse_field(t, HANDOFF_NO_PASS, "attributes");
    for (DWORD i = 0; i < list->count; i++) {
        if (!take_attribute(t, &list->attributes[i]))
            return FALSE;
    }
    return TRUE;
}

/* ---- security ---- */

enum { DESCRIPTOR_SIZE_MOST = 1 << 18 }; /* its lists have 64 KB at most, each */

typedef LONG(WINAPI *relative_function)(const void *, void *, ULONG *);

BOOL has_unknown_revision(const SECURITY_ATTRIBUTES *security)
{
    return security != NULL && security->lpSecurityDescriptor != NULL &&
           *(const BYTE *)security->lpSecurityDescriptor != SECURITY_DESCRIPTOR_REVISION;
}

/* The descriptor in one piece, in memory of its own. */
static BOOL take_descriptor(struct transaction *t, const SECURITY_ATTRIBUTES *security, const char *field,
                            const uint8_t **bytes, uint32_t *size)
{
    relative_function make_relative;
    ULONG length = 0;
    void *memory;

    if (security == NULL || security->lpSecurityDescriptor == NULL)
        return TRUE;
    if (has_unknown_revision(security))
        return refuse_field(t, HANDOFF_NO_PASS, field);
    make_relative = (relative_function)function_of(L"ntdll.dll", "RtlMakeSelfRelativeSD");
    if (make_relative == NULL)
        return set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_CALL_NOT_IMPLEMENTED);
    make_relative(security->lpSecurityDescriptor, NULL, &length); /* too little room: it says how much */
    if (length == 0 || length > DESCRIPTOR_SIZE_MOST)
        return refuse_field(t, HANDOFF_NO_PASS, field);
    memory = allocate(length);
    if (memory == NULL)
        return set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    *bytes = memory;
    *size = length;
    return make_relative(security->lpSecurityDescriptor, memory, &length) >= 0 ||
           refuse_field(t, HANDOFF_NO_PASS, field);
}

BOOL take_security(struct transaction *t)
{
    struct request *request = &t->request;

    return take_descriptor(t, t->asked->process_security, "process_security", &request->process_descriptor,
                           &request->process_descriptor_size) &&
           take_descriptor(t, t->asked->thread_security, "thread_security", &request->thread_descriptor,
                           &request->thread_descriptor_size);
}
