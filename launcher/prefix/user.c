/* Who has a file open, as the Restart Manager knows it (Windows Vista and later). */
#include "command.h"

#include <restartmanager.h>

#include "heap.h"
#include "text.h"

enum { MOST_USERS = 4 };

/* In the order of their names below. */
union manager {
    FARPROC functions[4];
    struct {
        DWORD(WINAPI *start)(DWORD *, DWORD, wchar_t *);
        DWORD(WINAPI *end)(DWORD);
        DWORD(WINAPI *add)(DWORD, UINT, const wchar_t **, UINT, RM_UNIQUE_PROCESS *, UINT, const wchar_t **);
        DWORD(WINAPI *list)(DWORD, UINT *, UINT *, RM_PROCESS_INFO *, DWORD *);
    };
};

static BOOL load_manager(union manager *rm)
{
    static const char names[] = "RmStartSession\0RmEndSession\0RmRegisterResources\0RmGetList";

    return load_functions(L"rstrtmgr.dll", names, rm->functions, ARRAYSIZE(rm->functions));
}

/* The name of a program is whatever its file says, line breaks and escape sequences included: so it is quoted. */
void put_users(struct text *text, const wchar_t *path)
{
    RM_PROCESS_INFO *users = allocate(MOST_USERS * sizeof *users); /* some KB: too much for the stack */
    wchar_t key[CCH_RM_SESSION_KEY + 1] = {0};
    UINT needed = 0, count = MOST_USERS;
    DWORD session, reasons;
    union manager rm;

    if (users != NULL && load_manager(&rm) && rm.start(&session, 0, key) == ERROR_SUCCESS) {
        if (rm.add(session, 1, &path, 0, NULL, 0, NULL) != ERROR_SUCCESS ||
            rm.list(session, &needed, &count, users, &reasons) != ERROR_SUCCESS)
            count = 0;
        for (UINT i = 0; i < count && i < MOST_USERS; i++)
            text_format(text, "%s%q (%u)", i == 0 ? "; in use by" : ",", users[i].strAppName,
                        users[i].Process.dwProcessId);
        rm.end(session);
    }
    release(users);
}
