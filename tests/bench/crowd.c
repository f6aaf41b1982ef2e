/* Many threads at once. */
#include "bench.h"

#include <stdlib.h>

enum { CROWD = 8, BATCH = 16, LEAKERS = 4 };

static const enum way_id contenders[] = {WAY_DIRECT, WAY_LIST, WAY_LOCK, WAY_ONE_SHOT, WAY_RESIDENT};

enum { CONTENDERS = ARRAYSIZE(contenders), LIST = 1, ONE_SHOT = 3, RESIDENT = 4 };

struct worker {
    enum way_id way;
    unsigned children;
    struct order order;
    HANDLE thread;
    const volatile LONG *going; /* instead of a number of children: until that is 0 */
    unsigned started, hit, unintended;
};

static void start_one(struct worker *worker)
{
    unsigned unintended = spawn(worker->way, &worker->order).exit_code;

    worker->started++;
    worker->hit += unintended > 0;
    worker->unintended += unintended;
}

static DWORD WINAPI work(void *argument)
{
    struct worker *worker = argument;

    while (worker->going != NULL ? *worker->going != 0 : worker->started < worker->children)
        start_one(worker);
    return 0;
}

static void start_worker(struct worker *worker)
{
    worker->started = worker->hit = worker->unintended = 0;
    worker->thread = CreateThread(NULL, 0, work, worker, 0, NULL);
    require(worker->thread != NULL, "a thread");
}

static void finish_worker(struct worker *worker)
{
    WaitForSingleObject(worker->thread, INFINITE);
    CloseHandle(worker->thread);
}

/* A handle each, and one object for all. */
static struct worker *make_workers(unsigned count)
{
    struct worker *workers = allocate(count, sizeof *workers);
    struct handoff_launcher *shared = open_resident();

    for (unsigned i = 0; i < count; i++) {
        make_order(&workers[i].order, 1);
        workers[i].order.resident = shared;
    }
    return workers;
}

static void end_workers(struct worker *workers, unsigned count)
{
    handoff_launcher_close(workers[0].order.resident);
    for (unsigned i = 0; i < count; i++)
        end_order(&workers[i].order);
    free(workers);
}

/* ---- throughput ---- */

static void expose(struct worker *worker, BOOL inheritable)
{
    SetHandleInformation(worker->order.handles[0], HANDLE_FLAG_INHERIT, inheritable ? HANDLE_FLAG_INHERIT : 0);
}

/* Children a second. For the direct ways the handles are inheritable before the clock runs. */
static double run_batch(struct worker *workers, unsigned threads, enum way_id way)
{
    BOOL exposed = way == WAY_DIRECT || way == WAY_LIST;
    double began;

    for (unsigned i = 0; i < threads; i++) {
        workers[i].way = way;
        workers[i].children = BATCH / threads;
        workers[i].order.exposed = exposed;
        expose(&workers[i], exposed);
    }
    began = now_ms();
    for (unsigned i = 0; i < threads; i++)
        start_worker(&workers[i]);
    for (unsigned i = 0; i < threads; i++)
        finish_worker(&workers[i]);
    for (unsigned i = 0; i < threads; i++)
        expose(&workers[i], FALSE);
    return 1000.0 * BATCH / (now_ms() - began);
}

/* How many rounds. */
static unsigned run_batches(struct worker *workers, unsigned threads, struct samples *rates, double seconds)
{
    unsigned turn[CONTENDERS] = {0, 1, 2, 3, 4};
    struct rounds rounds = begin_rounds(seconds);

    while (next_round(&rounds)) {
        shuffle(turn, CONTENDERS);
        for (unsigned i = 0; i < CONTENDERS; i++) {
            add_sample(&rates[turn[i]], run_batch(workers, threads, contenders[turn[i]]));
            pause_a_while();
        }
    }
    return rounds.done;
}

static void print_rate(unsigned threads, const char *way, const struct samples *rates, const struct samples *list)
{
    double rate = quartiles_of(rates).median;
    struct quartiles ratio = ratio_of(rates, list);

    printf("%7u  %-31s %6.0f  %5.2f [%.2f-%.2f]\n", threads, way, rate, ratio.median, ratio.low, ratio.high);
    fprintf(data, "throughput\t%u\t%s\t%.1f\t%.4f\t%.4f\t%.4f\n", threads, way, rate, ratio.median, ratio.low,
            ratio.high);
}

/* Not to leak may not cost pace: a handle list leaks to whoever inherits without one. */
static void tell_rate(unsigned threads, const struct samples *rates)
{
    char name[80];

    snprintf(name, sizeof name, "resident, children a second, %u thread%s, of a handle list's", threads,
             threads > 1 ? "s" : "");
    tell_target_least(name, ratio_of(&rates[RESIDENT], &rates[LIST]), 1);
}

/* A row for each way. */
static void measure_threads(struct worker *workers, unsigned threads, double seconds)
{
    struct samples rates[CONTENDERS] = {{0}};
    unsigned rounds = run_batches(workers, threads, rates, seconds);

    printf("%u thread%s, %u rounds\n", threads, threads > 1 ? "s" : "", rounds);
    fprintf(data, "rounds\tthroughput, %u thread%s\t%u\n", threads, threads > 1 ? "s" : "", rounds);
    for (unsigned i = 0; i < CONTENDERS; i++)
        print_rate(threads, ways[contenders[i]].name, &rates[i], &rates[LIST]);
    tell_rate(threads, rates);
    for (unsigned i = 0; i < CONTENDERS; i++)
        clear_samples(&rates[i]);
}

void measure_pace(double seconds)
{
    struct worker *workers = make_workers(1);

    printf("\npace, batches of %d: children a second, ratio to the handle list [quartiles]\n", BATCH);
    measure_threads(workers, 1, seconds);
    end_workers(workers, 1);
}

void measure_throughput(double seconds)
{
    struct worker *workers = make_workers(CROWD);

    printf("\nthroughput, batches of %d: children a second, ratio to the handle list [quartiles]\n", BATCH);
    for (unsigned threads = 2; threads <= CROWD; threads *= 2)
        measure_threads(workers, threads, seconds / 3);
    end_workers(workers, CROWD);
}

/* ---- leaks ---- */

static void run_leakers(struct worker *workers, enum way_id way, double seconds)
{
    struct worker *foreign = &workers[LEAKERS];
    volatile LONG going = 1, foreign_going = 1;

    foreign->way = WAY_FOREIGN;
    foreign->going = &foreign_going;
    start_worker(foreign);
    for (unsigned i = 0; i < LEAKERS; i++) {
        workers[i].way = way;
        workers[i].going = &going;
        start_worker(&workers[i]);
    }
    Sleep((DWORD)(1000 * seconds));
    going = 0;
    for (unsigned i = 0; i < LEAKERS; i++)
        finish_worker(&workers[i]);
    foreign_going = 0;
    finish_worker(foreign);
}

/* Unintended handles in all: in the workers' own children and in the foreign thread's. */
static unsigned print_leaks(const struct worker *workers, enum way_id way)
{
    const struct worker *foreign = &workers[LEAKERS];
    struct worker all = {0};

    for (unsigned i = 0; i < LEAKERS; i++) {
        all.started += workers[i].started;
        all.hit += workers[i].hit;
        all.unintended += workers[i].unintended;
    }
    printf("%-31s %6u in %4u of %4u   %6u in %4u of %4u\n", ways[way].name, all.unintended, all.hit, all.started,
           foreign->unintended, foreign->hit, foreign->started);
    fprintf(data, "leaks\t%s\t%u\t%u\t%u\t%u\t%u\t%u\n", ways[way].name, all.unintended, all.hit, all.started,
            foreign->unintended, foreign->hit, foreign->started);
    return all.unintended + foreign->unintended;
}

void measure_leaks(double seconds)
{
    struct worker *workers = make_workers(LEAKERS + 1);
    unsigned leaked[CONTENDERS];

    end_order(&workers[LEAKERS].order);
    make_order(&workers[LEAKERS].order, 0);
    for (unsigned i = 0; i <= LEAKERS; i++)
        workers[i].order.child = path_of_count;
    printf("\nunintended handles, %d threads whose children get a handle each, beside a foreign thread\n", LEAKERS);
    printf("%-31s %-22s   %s\n", "", "in own children", "in the foreign thread's");
    for (unsigned i = 0; i < CONTENDERS; i++) {
        run_leakers(workers, contenders[i], seconds / CONTENDERS);
        leaked[i] = print_leaks(workers, contenders[i]);
    }
    tell_count("one-shot, unintended handles", leaked[ONE_SHOT], 0);
    tell_count("resident, unintended handles", leaked[RESIDENT], 0);
    end_workers(workers, LEAKERS + 1);
}
