#include "system.h"

/* Starts this program again with a console of its own, without a window, and passes on how it ended:
 * without one, every console program that a test starts would have to make its own. */
static int run_with_console(void)
{
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    DWORD code = 1;

    GetStartupInfoW(&startup);
    if (!CreateProcessW(NULL, GetCommandLineW(), NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL, &startup, &process))
        return 1;
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    return (int)code;
}

int main(int argc, char **argv)
{
    static Suite *(*const suites[])(void) = {spawn_suite, errors_suite, faults_suite, race_suite, command_suite};
    WSADATA data;

    if (GetConsoleCP() == 0 && GetEnvironmentVariableW(L"HANDOFF_TEST_CONSOLE", NULL, 0) == 0) {
        SetEnvironmentVariableW(L"HANDOFF_TEST_CONSOLE", L"asked for");
        return run_with_console();
    }
    WSAStartup(MAKEWORD(2, 2), &data);
    return harness_run(argc, argv, suites, ARRAYSIZE(suites));
}
