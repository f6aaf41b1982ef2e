#include "system.h"

int main(int argc, char **argv)
{
    static Suite *(*const suites[])(void) = {
        spawn_suite,  resident_suite, errors_suite,      faults_suite,  command_suite, prefix_suite,  holding_suite,
        lookup_suite, programs_suite, descriptors_suite, dropin_suite,  batch_suite,   recipes_suite, hostile_suite,
        caller_suite, sources_suite,  numbers_suite,     writing_suite, rights_suite};
    WSADATA data;

    WSAStartup(MAKEWORD(2, 2), &data);
    return harness_run(argc, argv, suites, ARRAYSIZE(suites));
}
