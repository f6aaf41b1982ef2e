/* What the caller wants of the child's process and thread beside handles and security: attributes. */
#include "attributes.h"

#include "text.h"
#include "transaction.h"

struct listed_attribute {
    DWORD_PTR id;
    SIZE_T size;
    void *value;
};

struct attribute_list {
    DWORD present; /* a bit for each */
    DWORD capacity;
    DWORD count;
    DWORD reserved;
    void *extended_flags;
    struct listed_attribute attributes[];
};

/* winbase.h; those without a name there are phnt's. */
static const struct known_attribute {
    DWORD id;
    BOOL has_pointers; /* or handles, which mean something in one process alone */
    char name[32];
} known[] = {
    {0x20000, TRUE, "PARENT_PROCESS"},
    {0x20004, FALSE, "PREFERRED_NODE"},
    {0x20007, FALSE, "MITIGATION_POLICY"},
    {0x20009, TRUE, "SECURITY_CAPABILITIES"},
    {0x2000A, TRUE, "CONSOLE_REFERENCE"},
    {0x2000B, FALSE, "PROTECTION_LEVEL"},
    {ATTRIBUTE_JOB_LIST, FALSE, "JOB_LIST"},
    {0x2000E, FALSE, "CHILD_PROCESS_POLICY"},
    {0x2000F, FALSE, "ALL_APPLICATION_PACKAGES_POLICY"},
    {0x20010, FALSE, "WIN32K_FILTER"},
    {0x20012, FALSE, "DESKTOP_APP_POLICY"},
    {0x20016, TRUE, "PSEUDOCONSOLE"},
    {0x20017, TRUE, "ISOLATION_MANIFEST"},
    {0x20018, FALSE, "MITIGATION_AUDIT_POLICY"},
    {0x20019, FALSE, "MACHINE_TYPE"},
    {0x2001A, FALSE, "COMPONENT_FILTER"},
    {0x2001D, FALSE, "TRUSTED_APP"},
    {0x2001E, FALSE, "SVE_VECTOR_LENGTH"},
    {0x2001F, FALSE, "SME_VECTOR_LENGTH"},
    {0x30003, FALSE, "GROUP_AFFINITY"},
    {0x30005, FALSE, "IDEAL_PROCESSOR"},
    {0x30006, TRUE, "UMS_THREAD"},
    {0x3001B, FALSE, "ENABLE_OPTIONAL_XSTATE_FEATURES"},
};

/* NULL: nothing is known of it. */
static const struct known_attribute *find_known(DWORD_PTR id)
{
    for (size_t i = 0; i < ARRAYSIZE(known); i++) {
        if (known[i].id == id)
            return &known[i];
    }
    return NULL;
}

static BOOL read_jobs(const struct listed_attribute *listed, struct attributes *attributes)
{
    if (listed->size == 0 || listed->size % sizeof(HANDLE) != 0 || listed->size / sizeof(HANDLE) > MOST_PASSES)
        return FALSE;
    attributes->jobs = listed->value;
    attributes->job_count = (DWORD)(listed->size / sizeof(HANDLE));
    return TRUE;
}

static BOOL read_data(const struct listed_attribute *listed, struct attributes *attributes)
{
    const struct known_attribute *attribute = find_known(listed->id);

    if ((attribute != NULL && attribute->has_pointers) || listed->size == 0 || listed->size > ATTRIBUTE_SIZE_MOST ||
        attributes->data_count == ATTRIBUTE_MOST)
        return FALSE;
    attributes->data[attributes->data_count++] =
        (struct attribute){.id = (uint32_t)listed->id, .size = (uint32_t)listed->size, .value = listed->value};
    return TRUE;
}

static DWORD read_attribute(const struct listed_attribute *listed, struct attributes *attributes)
{
    if (listed->id == PROC_THREAD_ATTRIBUTE_HANDLE_LIST) {
        attributes->handles = listed->value;
        attributes->handle_count = (DWORD)(listed->size / sizeof(HANDLE));
        return ERROR_SUCCESS;
    }
    if (listed->value == NULL && listed->size > 0)
        return ERROR_NOACCESS;
    if (listed->id == ATTRIBUTE_JOB_LIST ? read_jobs(listed, attributes) : read_data(listed, attributes))
        return ERROR_SUCCESS;
    attributes->refused = listed->id;
    return ERROR_NOT_SUPPORTED;
}

DWORD attributes_read(const void *memory, struct attributes *attributes)
{
    const struct attribute_list *list = memory;
    DWORD code = ERROR_SUCCESS;

    if (list == NULL)
        return ERROR_SUCCESS;
    if (list->extended_flags != NULL || list->count > list->capacity)
        return ERROR_INVALID_PARAMETER;
    for (DWORD i = 0; i < list->count && code == ERROR_SUCCESS; i++)
        code = read_attribute(&list->attributes[i], attributes);
    return code;
}

/* ---- for the spawn ---- */

static void name_attribute(struct handoff_error *error, DWORD_PTR id)
{
    struct text subject = {.at = error->subject, .capacity = ARRAYSIZE(error->subject)};
    const struct known_attribute *attribute = find_known(id);

    text_put_ascii(&subject, "PROC_THREAD_ATTRIBUTE_");
    if (attribute != NULL)
        text_put_ascii(&subject, attribute->name);
    else
        text_format(&subject, "0x%x", (uint32_t)id);
    text_end(&subject);
}

BOOL refuse_attribute(struct transaction *t, DWORD stage, DWORD_PTR id, DWORD code)
{
    set_error(t, stage, HANDOFF_NO_PASS, code);
    name_attribute(&t->error, id);
    return FALSE;
}

BOOL take_attributes(struct transaction *t)
{
    struct attributes attributes = {.refused = 0};
    DWORD code = attributes_read(t->asked->attributes, &attributes);

    if (code == ERROR_NOT_SUPPORTED)
        return refuse_attribute(t, HANDOFF_STAGE_REQUEST, attributes.refused, code);
    if (code != ERROR_SUCCESS)
        return refuse_field(t, HANDOFF_NO_PASS, "attributes");
    t->jobs = attributes.jobs;
    t->job_count = attributes.job_count;
    CopyMemory(t->request.attributes, attributes.data, sizeof attributes.data);
    t->request.attribute_count = attributes.data_count;
    return TRUE;
}
