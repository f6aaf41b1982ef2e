/* --detach: a command that nobody waits for, and that has nothing of ours. */
#include "batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* The batch file has the pid and is done, and its pipes have ended, while the process lives, on a console of its own.
 * The program is found from where the batch file is. */
START_TEST(detached_with_nothing_of_ours)
{
    HANDLE event = make_named_event(), process, started_with[4];

    ck_assert(CopyFileW(program(OWN_WIDTH, L"child.exe"), in_directory(L"prog.exe"), FALSE));
    run_batch("cd /d \"%DIR%\"\n"
              "for /f %%p in ('\"\"%HANDOFF%\" --detach --event e=%NAME% -- .\\prog.exe hold {e}\"') do set pid=%%p\n"
              "echo %errorlevel% %pid%\n");
    ck_assert_msg(strncmp(result.out, "0 ", 2) == 0 && result.err[0] == '\0', "out '%s', err '%s'", result.out,
                  result.err);
    process = open_process((DWORD)strtoul(result.out + 2, NULL, 10));
    ck_assert(comes(event));
    ck_assert_msg(read_start(process, started_with), "it is in our process group");
    ck_assert_msg(started_with[0] != NULL, "it has no console, so each program that it starts would get a window");
    for (int i = 1; i < 4; i++) {
        HANDLE stream = NULL; /* that console's, if it is any */

        ck_assert_msg(started_with[i] == NULL || (DuplicateHandle(process, started_with[i], GetCurrentProcess(),
                                                                  &stream, 0, FALSE, DUPLICATE_SAME_ACCESS) &&
                                                  GetFileType(stream) == FILE_TYPE_CHAR),
                      "it has a stream of ours: %p", started_with[i]);
        CloseHandle(stream);
    }
    ck_assert(lives(process));
    TerminateProcess(process, 0);
    await_end(process);
    CloseHandle(process);
    CloseHandle(event);
}
END_TEST

/* In the directory of whoever starts it, or in another. */
static const struct {
    const char *start, *options;
} detached_from[] = {{"cd /d \"%DIR%\"\n", ""}, {"", "--dir \"%DIR%\""}};

START_TEST(detached_with_the_streams_and_the_directory_that_were_asked_for)
{
    HANDLE event = make_named_event(), process;
    char lines[1024];

    snprintf(lines, sizeof lines,
             "%s\"%%HANDOFF%%\" --detach %s --write \"o=%%DIR%%\\out\" --stdout o --event e=%%NAME%% -- cmd /c "
             "\"%%CHILD%% place & %%CHILD%% signal {e}\" >\"%%DIR%%\\pid\"\n"
             "type \"%%DIR%%\\pid\"\n",
             detached_from[_i].start, detached_from[_i].options);
    run_batch(lines);
    process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)strtoul(result.out, NULL, 10));
    ck_assert(comes(event));
    if (process != NULL)
        await_end(process);
    CloseHandle(process);
    CloseHandle(event);
    run_batch("cd /d \"%DIR%\"\n"
              "%CHILD% place >expected\n"
              "fc out expected >NUL && echo same\n");
    ck_assert_uint_gt(strlen(result.out), 0);
}
END_TEST

/* ---- in a job ---- */

enum { CLOSED = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE };

/* Since Windows 8 a job that lets go may be inside one that does not. */
static const struct {
    DWORD limits[2]; /* of the job, and of one around it */
    BOOL stays;
} outer_jobs[] = {
    {{CLOSED, 0}, TRUE},
    {{CLOSED | JOB_OBJECT_LIMIT_BREAKAWAY_OK, 0}, FALSE},
    {{CLOSED | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK, 0}, FALSE},
    {{JOB_OBJECT_LIMIT_BREAKAWAY_OK, CLOSED}, TRUE},
    {{JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK, CLOSED}, TRUE},
};

/* On its console without a window nobody could answer. */
START_TEST(what_is_detached_has_nobody_to_ask)
{
    DWORD since = GetTickCount();

    write_batch(L"ask.bat", "@set /p answer=Well?\r\n@echo on>\"%DIR%\\done\"\r\n");
    run_batch("\"%HANDOFF%\" --detach -- \"%DIR%\\ask.bat\"\n");
    ck_assert_str_eq(result.err, "");
    while (GetFileAttributesW(in_directory(L"done")) == INVALID_FILE_ATTRIBUTES) {
        ck_assert_msg(GetTickCount() - since < patience_ms(30000), "it still asks");
        Sleep(10);
    }
}
END_TEST

static HANDLE make_job(DWORD limit_flags)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation = {.LimitFlags = limit_flags}};
    HANDLE job = CreateJobObjectW(NULL, NULL);

    ck_assert(SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits));
    return job;
}

/* As a CI agent or a terminal has it around each step. What stays in the job all the same is said. */
START_TEST(detached_out_of_a_job_that_lets_go)
{
    HANDLE jobs[2] = {make_job(outer_jobs[_i].limits[0]), make_job(outer_jobs[_i].limits[1])}, process;
    struct running running;
    wchar_t line[1024];
    char text[64], said[1024];
    BOOL in_job;

    swprintf(line, ARRAYSIZE(line), L"--detach -- \"%ls\" hold 0", program(OWN_WIDTH, L"child.exe"));
    running = start_running(program(OWN_WIDTH, L"handoff.exe"), line, NULL, CREATE_SUSPENDED, NULL, NULL);
    if (outer_jobs[_i].limits[1] != 0)
        ck_assert(AssignProcessToJobObject(jobs[1], running.process.hProcess));
    ck_assert(AssignProcessToJobObject(jobs[0], running.process.hProcess));
    ck_assert_uint_eq(ResumeThread(running.process.hThread), 1);
    read_all(running.out, text, sizeof text);
    read_all(running.err, said, sizeof said);
    running.out = running.err = NULL;
    ck_assert_uint_eq(finish_running(&running), 0);
    ck_assert_str_eq(said, outer_jobs[_i].stays
                               ? "handoff: --detach: a job that handoff is in does not let the command "
                                 "go, which ends with that job\r\n"
                               : "");
    process = open_process((DWORD)strtoul(text, NULL, 10));
    ck_assert(IsProcessInJob(process, NULL, &in_job));
    ck_assert_int_eq(in_job, outer_jobs[_i].stays);
    CloseHandle(jobs[0]);
    CloseHandle(jobs[1]);
    if (!outer_jobs[_i].stays)
        ck_assert(lives(process) && TerminateProcess(process, 0));
    await_end(process);
    CloseHandle(process);
}
END_TEST

Suite *detaching_suite(void)
{
    const struct listed_test tests[] = {
        {detached_with_nothing_of_ours, "detaching", 1},
        {detached_with_the_streams_and_the_directory_that_were_asked_for, "detaching", ARRAYSIZE(detached_from)},
        {what_is_detached_has_nobody_to_ask, "detaching", 1},
        {detached_out_of_a_job_that_lets_go, "detaching", ARRAYSIZE(outer_jobs)},
    };

    return console_suite("detaching", tests, ARRAYSIZE(tests), set_up_batch, tear_down_batch);
}
