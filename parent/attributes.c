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
    struct attribute *data = &attributes->data[attributes->data_count];

    if (!attribute_is_good((uint32_t)listed->id, listed->size) || attributes->data_count == ATTRIBUTE_MOST)
        return FALSE;
    data->id = (uint32_t)listed->id;
    data->size = (uint32_t)listed->size;
    CopyMemory(data->bytes, listed->value, listed->size);
    attributes->data_count++;
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

/* Those that mean something between CreateProcessW and its caller, who would be the launcher. */
static const struct {
    DWORD_PTR id;
    char name[16];
} personal[] = {{0x20000, "PARENT_PROCESS"}, {ATTRIBUTE_JOB_LIST, "JOB_LIST"}, {0x20016, "PSEUDOCONSOLE"}};

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

BOOL take_attributes(struct transaction *t)
{
    struct attributes attributes = {.refused = 0};
    DWORD code = attributes_read(t->asked->attributes, &attributes);

    if (code == ERROR_NOT_SUPPORTED)
        return refuse_attribute(t, attributes.refused);
    if (code != ERROR_SUCCESS)
        return refuse_field(t, HANDOFF_NO_PASS, "attributes");
    t->jobs = attributes.jobs;
    t->job_count = attributes.job_count;
    CopyMemory(t->request.attributes, attributes.data, sizeof attributes.data);
    t->request.attribute_count = attributes.data_count;
    return TRUE;
}
