/*
 * Makes a program of the product fail, hang or die at its Nth OS call, without a trace in the
 * product: the test program includes this, then the product's own source files, whose calls are
 * macros now. The variable HANDOFF_FAULT says what is to happen:
 *
 *   die-before N    the process ends itself instead of making call N
 *   die-after N     ... after call N
 *   hang-before N, hang-after N    likewise, it stops for ever, and sets the event that HANDOFF_HANGS names
 *   lie KIND        left to the program
 *   (absent)        nothing
 */
#ifndef HANDOFF_TESTS_FAULTS_H
#define HANDOFF_TESTS_FAULTS_H

#include <windows.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char fault_kind[32];
static char fault_argument[32];
static char fault_event[64];
static int fault_at, fault_calls, fault_spared;
static UINT fault_exit_code = 99;      /* what a death leaves behind */
static void (*fault_after_each)(void); /* called after every OS call */

static void read_fault(void)
{
    char value[64];

    if (GetEnvironmentVariableA("HANDOFF_FAULT", value, sizeof value) == 0)
        return;
    sscanf(value, "%31s %31s %d", fault_kind, fault_argument, &fault_spared);
    fault_at = atoi(fault_argument);
    GetEnvironmentVariableA("HANDOFF_HANGS", fault_event, sizeof fault_event);
    /* What the program starts must not inherit the fault. */
    SetEnvironmentVariableA("HANDOFF_FAULT", NULL);
}

static void stop_for_ever(void)
{
    HANDLE event = OpenEventA(EVENT_MODIFY_STATE, FALSE, fault_event);

    SetEvent(event);
    CloseHandle(event);
    Sleep(INFINITE);
}

static void strike(const char *when)
{
    char kind[32];

    if (fault_calls != fault_at)
        return;
    snprintf(kind, sizeof kind, "die-%s", when);
    if (strcmp(fault_kind, kind) == 0)
        TerminateProcess(GetCurrentProcess(), fault_exit_code);
    snprintf(kind, sizeof kind, "hang-%s", when);
    if (strcmp(fault_kind, kind) == 0)
        stop_for_ever();
}

static void before_call(void)
{
    fault_calls++;
    strike("before");
}

static void after_call(void)
{
    DWORD code = GetLastError();

    if (fault_after_each != NULL)
        fault_after_each();
    strike("after");
    SetLastError(code);
}

#define FAULTY(type, call)                                                                                             \
    (__extension__({                                                                                                   \
        type fault_result;                                                                                             \
        before_call();                                                                                                 \
        fault_result = (call);                                                                                         \
        after_call();                                                                                                  \
        fault_result;                                                                                                  \
    }))

/* A macro does not expand within itself, so the right-hand sides are the real calls. */
#define CloseHandle(...) FAULTY(BOOL, CloseHandle(__VA_ARGS__))
#define CreateEventW(...) FAULTY(HANDLE, CreateEventW(__VA_ARGS__))
#define CreateFileMappingW(...) FAULTY(HANDLE, CreateFileMappingW(__VA_ARGS__))
#define CreatePipe(...) FAULTY(BOOL, CreatePipe(__VA_ARGS__))
#define CreateProcessW(...) FAULTY(BOOL, CreateProcessW(__VA_ARGS__))
#define DuplicateHandle(...) FAULTY(BOOL, DuplicateHandle(__VA_ARGS__))
#define GetExitCodeProcess(...) FAULTY(BOOL, GetExitCodeProcess(__VA_ARGS__))
#define GetFileAttributesW(...) FAULTY(DWORD, GetFileAttributesW(__VA_ARGS__))
#define GetModuleFileNameW(...) FAULTY(DWORD, GetModuleFileNameW(__VA_ARGS__))
#define GetProcessTimes(...) FAULTY(BOOL, GetProcessTimes(__VA_ARGS__))
#define HeapAlloc(...) FAULTY(void *, HeapAlloc(__VA_ARGS__))
#define MapViewOfFile(...) FAULTY(void *, MapViewOfFile(__VA_ARGS__))
#define OpenProcess(...) FAULTY(HANDLE, OpenProcess(__VA_ARGS__))
#define PeekNamedPipe(...) FAULTY(BOOL, PeekNamedPipe(__VA_ARGS__))
#define ReadFile(...) FAULTY(BOOL, ReadFile(__VA_ARGS__))
#define ResumeThread(...) FAULTY(DWORD, ResumeThread(__VA_ARGS__))
#define SetEvent(...) FAULTY(BOOL, SetEvent(__VA_ARGS__))
#define SetHandleInformation(...) FAULTY(BOOL, SetHandleInformation(__VA_ARGS__))
#define TerminateProcess(...) FAULTY(BOOL, TerminateProcess(__VA_ARGS__))
#define UnmapViewOfFile(...) FAULTY(BOOL, UnmapViewOfFile(__VA_ARGS__))
#define VirtualQuery(...) FAULTY(SIZE_T, VirtualQuery(__VA_ARGS__))
#define WaitForMultipleObjects(...) FAULTY(DWORD, WaitForMultipleObjects(__VA_ARGS__))
#define WaitForSingleObject(...) FAULTY(DWORD, WaitForSingleObject(__VA_ARGS__))
#define WriteFile(...) FAULTY(BOOL, WriteFile(__VA_ARGS__))

#endif
