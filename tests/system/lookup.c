/* Which program a command line means, through both prefixes: what cmd.exe would run. */
#include "system.h"

Suite *lookup_suite(void)
{
    Suite *suite = suite_create("lookup");
    TCase *tcase = tcase_create("lookup");

    suite_add_tcase(suite, tcase);
    return suite;
}
