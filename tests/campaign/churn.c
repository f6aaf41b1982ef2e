#include "campaign.h"

/* Each thread has so many identities, which are counts of semaphores, and begins again when they are used up. */
enum { HELD = 16, ROUND_OPERATIONS = 5, IDENTITIES = 100000000, STEP = 1000 };

BOOL own(struct owned *owned, LONG identity)
{
    *owned = (struct owned){.handle = CreateSemaphoreW(NULL, identity, 0x7fffffff, NULL), .count = identity};
    return owned->handle != NULL;
}

BOOL is_own(struct owned *owned)
{
    LONG previous = -1;

    return ReleaseSemaphore(owned->handle, 1, &previous) && previous == owned->count++;
}

/* The number of the first is free again for whoever comes next: a spawning thread, at times. */
static BOOL open_one(struct churner *churner, struct owned *owned)
{
    struct owned first;
    BOOL done = own(&first, churner->identity);

    churner->identity += STEP;
    if (churner->identity % IDENTITIES == 0)
        churner->identity -= IDENTITIES;
    *owned = (struct owned){.count = first.count};
    done = done && DuplicateHandle(GetCurrentProcess(), first.handle, GetCurrentProcess(), &owned->handle, 0, FALSE,
                                   DUPLICATE_SAME_ACCESS);
    return CloseHandle(first.handle) && done;
}

static const char *go_round(struct churner *churner, struct owned *owned)
{
    const char *strike = NULL;

    if (owned->handle != NULL && !is_own(owned))
        strike = "a handle was replaced";
    else if (owned->handle != NULL && !CloseHandle(owned->handle))
        strike = "a handle was closed by somebody";
    else if (!open_one(churner, owned))
        strike = "a new handle was closed by somebody";
    if (strike != NULL)
        churner->code = GetLastError();
    return strike;
}

static DWORD WINAPI churn(void *argument)
{
    struct churner *churner = argument;
    struct owned held[HELD] = {{NULL, 0}};

    for (unsigned i = 0; !*churner->stop && churner->strike == NULL; i++) {
        churner->strike = go_round(churner, &held[i % HELD]);
        churner->operations += ROUND_OPERATIONS;
    }
    for (unsigned i = 0; i < HELD; i++) {
        if (held[i].handle != NULL && !CloseHandle(held[i].handle) && churner->strike == NULL)
            churner->strike = "a handle was gone at the end";
    }
    return 0;
}

void start_churn(struct churn *churn_, unsigned threads)
{
    *churn_ = (struct churn){.count = threads};
    for (unsigned i = 0; i < threads; i++) {
        struct churner *churner = &churn_->churners[i];

        churner->stop = &churn_->stop;
        churner->identity = IDENTITIES * (LONG)(i + 2) - 10 * STEP; /* near the end, so that each run passes it */
        churner->thread = CreateThread(NULL, 0, churn, churner, 0, NULL);
        require(churner->thread != NULL, "a thread");
    }
}

unsigned churned(const struct churn *churn)
{
    unsigned sum = 0;

    for (unsigned i = 0; i < churn->count; i++)
        sum += (unsigned)churn->churners[i].operations;
    return sum;
}

unsigned end_churn(struct churn *churn)
{
    unsigned strikes = 0;

    InterlockedExchange(&churn->stop, TRUE);
    for (unsigned i = 0; i < churn->count; i++) {
        const struct churner *churner = &churn->churners[i];

        WaitForSingleObject(churner->thread, INFINITE);
        strikes += churner->strike != NULL;
        expect(churner->strike == NULL, "%s: Win32 error %lu, after %ld operations", churner->strike, churner->code,
               churner->operations);
        CloseHandle(churner->thread);
    }
    return strikes;
}
