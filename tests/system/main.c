#include "system.h"

int main(int argc, char **argv)
{
    /* From lines_suite on each makes a console where there is none. What there was before cannot be had again: then a
     * program that is started from here gets a console of its own, and has other handles. So what counts handles comes
     * before, and what programs of others need a console for comes after. */
    static suite_maker *const suites[] = {
        spawn_suite,       resident_suite, pool_suite,       deaths_suite,    errors_suite,   faults_suite,
        descriptors_suite, dropin_suite,   offers_suite,     dll_suite,       hostile_suite,  neighbours_suite,
        caller_suite,      numbers_suite,  rights_suite,     lookup_suite,    stealing_suite, lines_suite,
        mistakes_suite,    help_suite,     opening_suite,    streams_suite,   turns_suite,    waiting_suite,
        holding_suite,     idling_suite,   ending_suite,     detaching_suite, relaying_suite, writing_suite,
        trace_suite,       report_suite,   passing_on_suite, programs_suite,  recipes_suite};
    WSADATA data;

    WSAStartup(MAKEWORD(2, 2), &data);
    return harness_run(argc, argv, suites, ARRAYSIZE(suites));
}
