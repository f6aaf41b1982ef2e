/*
 * Who inherits what. Eight threads spawn, each child with the one handle of its thread; beside them a thread that
 * knows of nothing calls CreateProcessW(bInheritHandles=TRUE), with an inheritable handle of its own. What a child
 * has beyond its one handle is a leak, in either direction. That the harness sees leaks is shown by the two usual ways.
 * The eight share one resident object, half of them through the drop-in; some more children have a launcher each.
 */
#include "campaign.h"

#include <stdlib.h>

enum { THREADS = 8, LEAST = 16, BATCHES_MOST = 20 };

struct worker {
    enum way_id way;
    unsigned children;
    struct order order;
    HANDLE thread;
    const volatile LONG *going; /* of the foreign thread: until that is 0 */
    unsigned started, hit, unintended, without;
};

static void spawn_counting(struct worker *worker)
{
    DWORD unintended = spawn(worker->way, &worker->order).exit_code;
    BOOL had = WaitForSingleObject(worker->order.handles[0], 0) == WAIT_OBJECT_0;

    ResetEvent(worker->order.handles[0]);
    worker->started++;
    worker->without += !had;
    worker->hit += unintended != 0;
    worker->unintended += unintended;
}

static DWORD WINAPI work(void *argument)
{
    struct worker *worker = argument;

    while (worker->going != NULL ? *worker->going != 0 : worker->started < worker->children)
        spawn_counting(worker);
    return 0;
}

static void start(struct worker *worker)
{
    worker->thread = CreateThread(NULL, 0, work, worker, 0, NULL);
    require(worker->thread != NULL, "a thread");
}

static void finish(struct worker *worker)
{
    WaitForSingleObject(worker->thread, INFINITE);
    CloseHandle(worker->thread);
}

static void make_worker(struct worker *worker, const wchar_t *child, struct handoff_launcher *shared)
{
    make_order(&worker->order, 1);
    worker->order.child = child;
    worker->order.resident = shared;
    worker->order.is_default = TRUE;
}

/* The last of the workers is the foreign one. */
static void run(struct worker *workers, unsigned children)
{
    volatile LONG going = 1;

    workers[THREADS].way = WAY_FOREIGN;
    workers[THREADS].going = &going;
    start(&workers[THREADS]);
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].children += (children + i) / THREADS;
        start(&workers[i]);
    }
    for (unsigned i = 0; i < THREADS; i++)
        finish(&workers[i]);
    going = 0;
    finish(&workers[THREADS]);
}

static void forget(struct worker *worker)
{
    worker->children = worker->started = worker->hit = worker->unintended = worker->without = 0;
}

static struct worker sum_workers(const struct worker *workers)
{
    struct worker sum = {0};

    for (unsigned i = 0; i < THREADS; i++) {
        sum.started += workers[i].started;
        sum.hit += workers[i].hit;
        sum.unintended += workers[i].unintended;
        sum.without += workers[i].without;
    }
    return sum;
}

struct outcome {
    unsigned own, foreign; /* unintended handles */
};

struct contender {
    const char *name;
    enum way_id even, odd; /* of the threads */
    BOOL leaks;            /* it goes on until that has been seen */
};

static struct outcome measure(struct worker *workers, const struct contender *contender, unsigned children)
{
    const struct worker *foreign = &workers[THREADS];
    struct worker sum;
    unsigned batches = 0;

    for (unsigned i = 0; i <= THREADS; i++) {
        forget(&workers[i]);
        workers[i].way = i % 2 == 0 ? contender->even : contender->odd;
    }
    do
        run(workers, children);
    while (contender->leaks && foreign->unintended == 0 && ++batches < BATCHES_MOST);
    sum = sum_workers(workers);
    printf("  %-31s %7u in %5u of %5u   %7u in %5u of %5u\n", contender->name, sum.unintended, sum.hit, sum.started,
           foreign->unintended, foreign->hit, foreign->started);
    expect(sum.without == 0 && foreign->without == 0, "%u children without their handle",
           sum.without + foreign->without);
    return (struct outcome){.own = sum.unintended, .foreign = foreign->unintended};
}

static void expect_leaks(struct worker *workers, unsigned children)
{
    struct outcome naive =
        measure(workers, &(struct contender){"naive inheritance", WAY_DIRECT, WAY_DIRECT, TRUE}, children);
    struct outcome list = measure(workers, &(struct contender){"handle list", WAY_LIST, WAY_LIST, TRUE}, children);

    expect(naive.own > 0 && naive.foreign > 0 && list.foreign > 0, "no leak where there must be one");
}

static void expect_none(struct worker *workers, const struct contender *contender, unsigned children)
{
    struct outcome outcome = measure(workers, contender, children);

    expect(outcome.own == 0 && outcome.foreign == 0, "%s leaks", contender->name);
}

/* The default is what the drop-in uses; while it stands, a one-shot spawn would use it too. */
static void expect_no_leaks(struct worker *workers, struct handoff_launcher *shared, unsigned size, unsigned fewer)
{
    handoff_launcher_default(shared);
    expect_none(workers, &(struct contender){"handoff, one resident object", WAY_RESIDENT, WAY_DROP_IN, FALSE}, size);
    handoff_launcher_default(NULL);
    expect_none(workers, &(struct contender){"handoff, one-shot", WAY_ONE_SHOT, WAY_ONE_SHOT, FALSE}, fewer);
}

void campaign_leaks(unsigned size)
{
    static wchar_t child[MAX_PATH];
    struct worker *workers = allocate(THREADS + 1, sizeof *workers);
    unsigned fewer = max(size / 10, LEAST);
    struct handoff_launcher *shared = handoff_launcher_open(NULL, NULL);

    require(shared != NULL, "a resident launcher");
    _snwprintf(child, MAX_PATH, L"%ls", neighbour(L"campaign-child.exe", FALSE));
    for (unsigned i = 0; i <= THREADS; i++)
        make_worker(&workers[i], child, shared);
    SetHandleInformation(workers[THREADS].order.handles[0], HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    printf("leaks: unintended handles, %d threads beside a foreign one\n  %-31s %-25s   %s\n", THREADS, "",
           "in own children", "in the foreign thread's");
    expect_leaks(workers, fewer);
    expect_no_leaks(workers, shared, size, fewer);
    handoff_launcher_close(shared);
    for (unsigned i = 0; i <= THREADS; i++)
        end_order(&workers[i].order);
    free(workers);
    count_left(NULL, 0);
}
