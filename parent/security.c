/* Who may open the child: the caller's security descriptors. */
#include "security.h"

#include "function.h"
#include "heap.h"
#include "identity.h"
#include "status.h"
#include "transaction.h"

#include <stddef.h>

enum { DESCRIPTOR_SIZE_MOST = 1 << 18 }; /* its lists have 64 KB at most, each */

typedef LONG(WINAPI *relative_function)(const void *, void *, ULONG *);
typedef LONG(WINAPI *set_security_function)(HANDLE, SECURITY_INFORMATION, const void *);

BOOL has_unknown_revision(const SECURITY_ATTRIBUTES *security)
{
    return security != NULL && security->lpSecurityDescriptor != NULL &&
           *(const BYTE *)security->lpSecurityDescriptor != SECURITY_DESCRIPTOR_REVISION;
}

/* The descriptor in one piece, in memory of its own. */
static BOOL put_in_one_piece(struct transaction *t, const void *descriptor, const char *field, const uint8_t **bytes,
                             uint32_t *size)
{
    relative_function make_relative = (relative_function)function_of(L"ntdll.dll", "RtlMakeSelfRelativeSD");
    ULONG length = 0;
    void *memory;

    if (make_relative == NULL)
        return set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, GetLastError());
    make_relative(descriptor, NULL, &length); /* too little room: it says how much */
    if (length == 0 || length > DESCRIPTOR_SIZE_MOST)
        return refuse_field(t, HANDOFF_NO_PASS, field);
    memory = allocate(length);
    if (memory == NULL)
        return set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, ERROR_NOT_ENOUGH_MEMORY);
    *bytes = memory;
    *size = length;
    return make_relative(descriptor, memory, &length) >= 0 || refuse_field(t, HANDOFF_NO_PASS, field);
}

static BOOL take_descriptor(struct transaction *t, const SECURITY_ATTRIBUTES *security, const char *field,
                            const uint8_t **bytes, uint32_t *size)
{
    if (security == NULL || security->lpSecurityDescriptor == NULL)
        return TRUE;
    if (has_unknown_revision(security))
        return refuse_field(t, HANDOFF_NO_PASS, field);
    return put_in_one_piece(t, security->lpSecurityDescriptor, field, bytes, size);
}

/* ---- a child that keeps the parent out ---- */

struct user {
    TOKEN_USER is;
    BYTE sid[SECURITY_MAX_SID_SIZE];
};

/* A list of rights with one entry. */
struct short_list {
    ACL list;
    ACE_HEADER entry;
    ACCESS_MASK access;
    BYTE sid[SECURITY_MAX_SID_SIZE];
};

static void make_short_list(struct short_list *list, ACCESS_MASK access, const SID *sid)
{
    WORD sid_size = (WORD)(offsetof(SID, SubAuthority) + sid->SubAuthorityCount * sizeof sid->SubAuthority[0]);
    WORD size = (WORD)(offsetof(struct short_list, sid) - offsetof(struct short_list, entry) + sid_size);

    list->list = (ACL){.AclRevision = ACL_REVISION, .AclSize = (WORD)(sizeof list->list + size), .AceCount = 1};
    list->entry = (ACE_HEADER){.AceType = ACCESS_ALLOWED_ACE_TYPE, .AceSize = size};
    list->access = access;
    CopyMemory(list->sid, sid, sid_size);
}

static void *part_at(const uint8_t *descriptor, DWORD offset)
{
    return offset != 0 ? (void *)(UINT_PTR)(descriptor + offset) : NULL;
}

/* The descriptor, which is in one piece, with another list. */
static SECURITY_DESCRIPTOR with_list(const uint8_t *descriptor, ACL *list)
{
    const SECURITY_DESCRIPTOR_RELATIVE *parts = (const void *)descriptor;

    return (SECURITY_DESCRIPTOR){.Revision = parts->Revision,
                                 .Sbz1 = parts->Sbz1,
                                 .Control = parts->Control & (WORD)~SE_SELF_RELATIVE,
                                 .Owner = part_at(descriptor, parts->Owner),
                                 .Group = part_at(descriptor, parts->Group),
                                 .Sacl = part_at(descriptor, parts->Sacl),
                                 .Dacl = list};
}

static BOOL has_list(const uint8_t *descriptor)
{
    const SECURITY_DESCRIPTOR_RELATIVE *parts = (const void *)descriptor;

    return descriptor != NULL && (parts->Control & SE_DACL_PRESENT) != 0 && parts->Dacl != 0;
}

/*
 * A child whose list of rights keeps the parent out could not be ended by it when the launcher dies without a report.
 * So the child is created with another list, by which this process' user may end it and nobody may do more, and has the
 * caller's before it runs: see secure_child(). All else of the descriptor is the caller's from the child's creation on,
 * when Windows checks it.
 */
static BOOL let_in(struct transaction *t)
{
    /* Some systems look for the second right wherever the first is asked for. */
    const ACCESS_MASK access = CLEAN_UP_ACCESS | PROCESS_QUERY_LIMITED_INFORMATION;
    const uint8_t *callers = t->request.process_descriptor;
    SECURITY_DESCRIPTOR descriptor;
    struct short_list list;
    struct user user;
    DWORD code;
    BOOL done;

    t->keeps_out = has_list(callers);
    if (!t->keeps_out)
        return TRUE;
    code = identity_query(TokenUser, &user, sizeof user);
    if (code != ERROR_SUCCESS)
        return set_error(t, HANDOFF_STAGE_PREPARE, HANDOFF_NO_PASS, code);
    make_short_list(&list, access, user.is.User.Sid);
    descriptor = with_list(callers, &list.list);
    t->request.process_descriptor = NULL;
    done = put_in_one_piece(t, &descriptor, "process_security", &t->request.process_descriptor,
                            &t->request.process_descriptor_size);
    release((void *)(UINT_PTR)callers);
    return done;
}

BOOL take_security(struct transaction *t)
{
    struct request *request = &t->request;

    return take_descriptor(t, t->asked->process_security, "process_security", &request->process_descriptor,
                           &request->process_descriptor_size) &&
           take_descriptor(t, t->asked->thread_security, "thread_security", &request->thread_descriptor,
                           &request->thread_descriptor_size) &&
           let_in(t);
}

BOOL secure_child(struct transaction *t)
{
    set_security_function set;
    DWORD code;

    if (!t->keeps_out)
        return TRUE;
    set = (set_security_function)function_of(L"ntdll.dll", "NtSetSecurityObject");
    code = set != NULL ? code_of_status(set(t->child.hProcess, DACL_SECURITY_INFORMATION,
                                            t->asked->process_security->lpSecurityDescriptor))
                       : GetLastError();
    if (code == ERROR_SUCCESS)
        return TRUE;
    set_error(t, HANDOFF_STAGE_ADOPT, HANDOFF_NO_PASS, code);
    return name_subject(t, "process_security", 0);
}
