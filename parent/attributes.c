/* What the caller wants of the child's process and thread beside handles and security: attributes. */
#include "attributes.h"

#include "text.h"
#include "transaction.h"

/* ---- attributes ---- */

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

static BOOL take_attribute(struct transaction *t, const struct listed_attribute *listed)
{
    struct attribute *attribute = &t->request.attributes[t->request.attribute_count];

    if (listed->id == PROC_THREAD_ATTRIBUTE_HANDLE_LIST)
        return TRUE;
    if (listed->value == NULL && listed->size > 0)
        return refuse_field(t, HANDOFF_NO_PASS, "attributes");
    if (listed->id == ATTRIBUTE_JOB_LIST && listed->size > 0 && listed->size % sizeof(HANDLE) == 0 &&
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
