#include "turn.h"

#include <limits.h>

BOOL turn_make(struct turn *turn)
{
    turn->handed_over = CreateSemaphoreW(NULL, 0, LONG_MAX, NULL);
    return turn->handed_over != NULL;
}

void turn_close(struct turn *turn)
{
    if (turn->handed_over != NULL)
        CloseHandle(turn->handed_over);
}

/* Waits no more. FALSE if it is too late for that, because the turn has been handed over. */
static BOOL leave(struct turn *turn)
{
    LONG users = turn->users;

    while (users > 1) {
        LONG before = InterlockedCompareExchange(&turn->users, users - 1, users);

        if (before == users)
            return TRUE;
        users = before;
    }
    return FALSE;
}

BOOL turn_take(struct turn *turn, DWORD timeout_ms)
{
    if (InterlockedIncrement(&turn->users) == 1 || WaitForSingleObject(turn->handed_over, timeout_ms) == WAIT_OBJECT_0)
        return TRUE;
    return !leave(turn) && WaitForSingleObject(turn->handed_over, INFINITE) == WAIT_OBJECT_0;
}

void turn_give(struct turn *turn)
{
    if (InterlockedDecrement(&turn->users) > 0)
        ReleaseSemaphore(turn->handed_over, 1, NULL);
}
