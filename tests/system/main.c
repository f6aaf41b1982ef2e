#include "system.h"

int main(int argc, char **argv)
{
    static suite_maker *const suites[] = {
        spawn_suite,       resident_suite, pool_suite,       deaths_suite,    errors_suite,   faults_suite,
        descriptors_suite, dropin_suite,   offers_suite,     dll_suite,       hostile_suite,  neighbours_suite,
        caller_suite,      numbers_suite,  rights_suite,     lines_suite,     mistakes_suite, help_suite,
        lookup_suite,      opening_suite,  streams_suite,    turns_suite,     waiting_suite,  stealing_suite,
        holding_suite,     idling_suite,   ending_suite,     detaching_suite, relaying_suite, writing_suite,
        trace_suite,       report_suite,   passing_on_suite, programs_suite,  recipes_suite};
    WSADATA data;

    WSAStartup(MAKEWORD(2, 2), &data);
    return harness_run(argc, argv, suites, ARRAYSIZE(suites));
}
