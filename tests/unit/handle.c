#include "handle.h"

#include <inttypes.h>

#include "unit.h"

static const struct row {
    uint64_t number;
    bool can_travel;
} rows[] = {
    {0, false},
    {1, false},
    {2, false},
    {3, false},
    {4, true},
    {5, false},
    {6, false},
    {7, false}, /* a console handle before Windows 8 */
    {8, true},
    {420, true},
    {0x7FFFFFFC, true},
    {0x7FFFFFFF, false},
    {0x80000000, false}, /* not sign-extended */
    {0xFFFFFFF0, false},
    {0xFFFFFFFC, false},
    {0xFFFFFFFF, false},
    {0x100000000, false},
    {0x100000004, false},
    {0x7FFFFFFFFFFFFFFC, false},
    {0x8000000000000000, false},
    {0x8000000000000004, false},
    {0xFFFFFFFF00000004, false},
    {0xFFFFFFFF7FFFFFFC, false},
    {0xFFFFFFFF80000000, true},
    {0xFFFFFFFF80000004, true},
    {0xFFFFFFFF80000003, false},
    {0xFFFFFFFFFFFFFFE0, true},
    {0xFFFFFFFFFFFFFFF0, true}, /* -16: the nearest to the pseudo-handles */
    {0xFFFFFFFFFFFFFFF3, false},
};

START_TEST(handle_row)
{
    require(handle_can_travel(rows[_i].number) == rows[_i].can_travel, "0x%" PRIx64, rows[_i].number);
}
END_TEST

START_TEST(handle_refuses_pseudo_handles)
{
    for (int64_t number = -15; number <= 3; number++)
        require(!handle_can_travel((uint64_t)number), "%" PRId64, number);
}
END_TEST

/* 32 bits are significant: of all numbers with the same low half only one travels, if any. */
START_TEST(handle_has_32_significant_bits)
{
    for (int trial = 0; trial < 100000; trial++) {
        uint32_t low = (uint32_t)random_next(), high = (uint32_t)random_next() >> random_below(32);
        uint32_t sign = low >> 31 ? UINT32_MAX : 0;
        bool aligned = low % 4 == 0 && low != 0 && low < 0xFFFFFFF0;

        require(handle_can_travel((uint64_t)sign << 32 | low) == aligned, "0x%x, sign-extended", low);
        require(high == sign || !handle_can_travel((uint64_t)high << 32 | low), "0x%x%08x", high, low);
    }
}
END_TEST

Suite *handle_suite(void)
{
    Suite *suite = suite_create("handle");
    TCase *tcase = tcase_create("handle_can_travel");

    tcase_add_loop_test(tcase, handle_row, 0, LENGTH(rows));
    tcase_add_test(tcase, handle_refuses_pseudo_handles);
    tcase_add_test(tcase, handle_has_32_significant_bits);
    suite_add_tcase(suite, tcase);
    return suite;
}
