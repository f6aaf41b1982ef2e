/* Numbers are looked for in tables that are not of this Windows: a model of a table stands for the child's. */
#include "unit.h"

#include <windows.h>

#include "steal.h"

enum { MODEL_ENTRIES = 140000, TABLE = 512 };

/* Free numbers are given from the head of a list, and a freed one comes to its end (as an NT 5.2-compatible kernel has
 * it) or to its head. A table that is used up grows by TABLE entries. */
static struct {
    uint32_t free[MODEL_ENTRIES], first, count;
    uint32_t entries;
    bool open[MODEL_ENTRIES], is_rising, reuses_at_once;
} model;

static void model_grow(uint32_t entries)
{
    for (uint32_t i = 0; i < entries; i++) {
        uint32_t entry = model.entries + (model.is_rising ? i : entries - 1 - i);

        if (entry > 0)
            model.free[(model.first + model.count++) % MODEL_ENTRIES] = entry;
    }
    model.entries += entries;
}

static DWORD model_put(HANDLE target, uint64_t number, BOOL inheritable, uint32_t *there)
{
    uint32_t entry;

    (void)target, (void)number, (void)inheritable;
    if (model.count == 0 && model.entries + TABLE > MODEL_ENTRIES)
        return ERROR_NO_SYSTEM_RESOURCES;
    if (model.count == 0)
        model_grow(TABLE);
    entry = model.free[model.first];
    model.first = (model.first + 1) % MODEL_ENTRIES;
    model.count--;
    model.open[entry] = true;
    *there = entry * 4;
    return ERROR_SUCCESS;
}

static DWORD model_steal(HANDLE source, uint64_t number, BOOL inheritable, HANDLE *handle)
{
    uint32_t entry = (uint32_t)number / 4;

    (void)source, (void)inheritable;
    *handle = NULL;
    require(model.open[entry], "0x%x is closed though it is not open", entry * 4);
    model.open[entry] = false;
    if (model.reuses_at_once)
        model.first = (model.first + MODEL_ENTRIES - 1) % MODEL_ENTRIES;
    model.free[(model.first + (model.reuses_at_once ? 0 : model.count)) % MODEL_ENTRIES] = entry;
    model.count++;
    return ERROR_INVALID_HANDLE; /* there is nothing to close here */
}

static DWORD model_copy(HANDLE source, uint64_t number, BOOL inheritable, HANDLE *handle)
{
    (void)source, (void)inheritable;
    *handle = NULL;
    return model.open[number / 4] ? ERROR_SUCCESS : ERROR_INVALID_HANDLE;
}

#define handle_put model_put
#define handle_steal model_steal
#define handle_copy model_copy
#define handle_close_in number_handle_close_in
#define make_notes number_make_notes
#define handle_put_at number_put_at
#define close_noted number_close_noted
#define CloseHandle(handle) ((void)(handle))
#include "../../launcher/engine/number.c" /* NOLINT(bugprone-suspicious-include) */

static void model_make(uint32_t entries, bool is_rising, bool reuses_at_once)
{
    memset(&model, 0, sizeof model);
    model.is_rising = is_rising;
    model.reuses_at_once = reuses_at_once;
    model_grow(entries);
}

/* Entries that are open, but for one. */
static uint32_t count_open(uint32_t but)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < MODEL_ENTRIES; i++)
        count += model.open[i] && i != but;
    return count;
}

static const struct {
    uint32_t entries;
    bool is_rising, reuses_at_once;
} tables[] = {
    {TABLE, true, true}, {TABLE, true, false}, {16384, false, false}, {16384, false, true}, {8192, true, false}};

/* In each kind of table every number that is free is found, and nothing else stays open. A child that inherits had on
 * an NT 5.2-compatible kernel a table as large as its parent's, with its free numbers in falling order. */
START_TEST(a_free_number_is_found)
{
    for (size_t t = 0; t < LENGTH(tables); t++) {
        for (uint32_t entry = 1; entry < TABLE; entry += 51) {
            model_make(tables[t].entries, tables[t].is_rising, tables[t].reuses_at_once);
            require(handle_put_at(NULL, NULL, FALSE, entry * 4, NULL) == ERROR_SUCCESS, "table %zu: 0x%x", t,
                    entry * 4);
            require(model.open[entry] && count_open(entry) == 0, "table %zu: 0x%x: others stay", t, entry * 4);
        }
    }
}
END_TEST

/* A number that has just been freed comes after all others there (the case of a sealed handle). */
START_TEST(a_freed_number_is_found)
{
    for (size_t t = 0; t < LENGTH(tables); t++) {
        uint32_t there, last = 0;
        HANDLE none;

        model_make(tables[t].entries, tables[t].is_rising, tables[t].reuses_at_once);
        for (int i = 0; i < 40; i++) {
            ck_assert_uint_eq(model_put(NULL, 0, FALSE, &there), ERROR_SUCCESS);
            last = i == 20 ? there : last;
        }
        model_steal(NULL, last, FALSE, &none);
        require(handle_put_at(NULL, NULL, FALSE, last, NULL) == ERROR_SUCCESS, "table %zu: 0x%x", t, last);
        ck_assert(model.open[last / 4]);
        ck_assert_uint_eq(count_open(last / 4), 39);
    }
}
END_TEST

/* The search has an end, and only where another handle was seen under the number the error says so. */
START_TEST(a_number_that_does_not_come_up_is_an_error)
{
    for (size_t t = 0; t < LENGTH(tables); t++) {
        uint32_t there, taken = 0;

        model_make(tables[t].entries, tables[t].is_rising, tables[t].reuses_at_once);
        for (int i = 0; i < 10; i++)
            ck_assert_uint_eq(model_put(NULL, 0, FALSE, &there), ERROR_SUCCESS);
        taken = there;
        require(handle_put_at(NULL, NULL, FALSE, taken, NULL) == ERROR_NO_MORE_ITEMS, "table %zu: 0x%x", t, taken);
        ck_assert_uint_eq(count_open(0), 10);
        model.open[taken / 4] = false; /* the kernel has taken it out of the list, and gives it to nobody */
        require(handle_put_at(NULL, NULL, FALSE, taken, NULL) == ERROR_NO_SYSTEM_RESOURCES, "table %zu: 0x%x", t,
                taken);
        ck_assert_uint_eq(count_open(0), 9);
    }
}
END_TEST

Suite *number_suite(void)
{
    Suite *suite = suite_create("number");
    TCase *tcase = tcase_create("number");

    tcase_add_test(tcase, a_free_number_is_found);
    tcase_add_test(tcase, a_freed_number_is_found);
    tcase_add_test(tcase, a_number_that_does_not_come_up_is_an_error);
    suite_add_tcase(suite, tcase);
    return suite;
}
