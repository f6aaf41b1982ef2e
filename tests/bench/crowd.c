/* Many threads at once. */
#include "bench.h"

#include <stdlib.h>

enum { CROWD = 8, BATCH = 32, LEAKERS = 4 };

static const enum way_id contenders[] = {WAY_DIRECT, WAY_LIST, WAY_LOCK, WAY_ONE_SHOT, WAY_RESIDENT};

enum { CONTENDERS = ARRAYSIZE(contenders), LIST = 1, RESIDENT = 4 };

struct worker {
    enum way_id way;
    unsigned children;
    struct order order;
    HANDLE thread;
    volatile LONG *going; /* of a foreign thread: until that is 0 */
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
    struct handoff_launcher *shared = handoff_launcher_open(NULL, NULL);

    require(shared != NULL, "a resident launcher");
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

static void run_batches(struct worker *workers, unsigned threads, double *rates[CONTENDERS], unsigned rounds)
{
    unsigned turn[CONTENDERS] = {0, 1, 2, 3, 4};

    for (unsigned round = 0; round < rounds; round++) {
        shuffle(turn, CONTENDERS);
        for (unsigned i = 0; i < CONTENDERS; i++) {
            rates[turn[i]][round] = run_batch(workers, threads, contenders[turn[i]]);
            pause_a_while();
        }
    }
}

/* What a way's rate is of the handle list's in the same round. */
static struct quartiles compare_with_list(double *rates[CONTENDERS], unsigned contender, unsigned rounds)
{
    double *quotients = allocate(rounds, sizeof *quotients);
    struct quartiles ratio;

    for (unsigned round = 0; round < rounds; round++)
        quotients[round] = rates[contender][round] / rates[LIST][round];
    ratio = quartiles_of(quotients, rounds);
    free(quotients);
    return ratio;
}

/* A row for each way. */
static void print_rates(unsigned threads, double *rates[CONTENDERS], unsigned rounds)
{
    for (unsigned i = 0; i < CONTENDERS; i++) {
        double rate = median_of(rates[i], rounds);
        struct quartiles ratio = compare_with_list(rates, i, rounds);

        printf("%7u  %-31s %6.0f  %5.2f [%.2f-%.2f]\n", threads, ways[contenders[i]].name, rate, ratio.median,
               ratio.low, ratio.high);
        fprintf(options.data, "throughput\t%u\t%s\t%.1f\t%.4f\t%.4f\t%.4f\n", threads, ways[contenders[i]].name, rate,
                ratio.median, ratio.low, ratio.high);
    }
}

/* Not to leak may not cost pace: a handle list leaks to whoever inherits without one. */
static void print_rate_target(unsigned threads, double ratio)
{
    char name[64];

    snprintf(name, sizeof name, "resident, children a second, %u thread%s, of a handle list's", threads,
             threads > 1 ? "s" : "");
    print_target_least(name, ratio, 1);
}

static void measure_rates(const char *section, unsigned least_threads, unsigned most_threads)
{
    struct worker *workers = make_workers(most_threads);
    unsigned rounds = options.rounds / 10 + 1;
    double *rates[CONTENDERS];
    double reached[CROWD + 1]; /* by the number of threads */

    printf("\n%s, batches of %d, %u rounds: children a second, ratio to the handle list [quartiles]\n", section, BATCH,
           rounds);
    for (unsigned i = 0; i < CONTENDERS; i++)
        rates[i] = allocate(rounds, sizeof *rates[i]);
    for (unsigned threads = least_threads; threads <= most_threads; threads *= 2) {
        run_batches(workers, threads, rates, rounds);
        print_rates(threads, rates, rounds);
        reached[threads] = compare_with_list(rates, RESIDENT, rounds).median;
    }
    for (unsigned threads = least_threads; threads <= most_threads; threads *= 2)
        print_rate_target(threads, reached[threads]);
    end_workers(workers, most_threads);
}

void measure_pace(void)
{
    measure_rates("pace", 1, 1);
}

void measure_throughput(void)
{
    measure_rates("throughput", 2, CROWD);
}

/* ---- leaks ---- */

/* The workers' own children, then the foreign thread's. */
static void run_leakers(struct worker *workers, enum way_id way, unsigned children)
{
    struct worker *foreign = &workers[LEAKERS];
    volatile LONG going = 1;

    foreign->way = WAY_FOREIGN;
    foreign->going = &going;
    foreign->order.child = path_of_count;
    start_worker(foreign);
    for (unsigned i = 0; i < LEAKERS; i++) {
        workers[i].way = way;
        workers[i].children = children;
        workers[i].order.child = path_of_count;
        start_worker(&workers[i]);
    }
    for (unsigned i = 0; i < LEAKERS; i++)
        finish_worker(&workers[i]);
    going = 0;
    finish_worker(foreign);
}

static void print_leaks(const struct worker *workers, enum way_id way)
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
    fprintf(options.data, "leaks\t%s\t%u\t%u\t%u\t%u\t%u\t%u\n", ways[way].name, all.unintended, all.hit, all.started,
            foreign->unintended, foreign->hit, foreign->started);
}

void measure_leaks(void)
{
    struct worker *workers = make_workers(LEAKERS + 1);
    unsigned children = options.rounds / 5 + 1;

    end_order(&workers[LEAKERS].order);
    make_order(&workers[LEAKERS].order, 0);
    printf("\nunintended handles, %d threads x %u children with a handle each, beside a foreign thread\n", LEAKERS,
           children);
    printf("%-31s %-22s   %s\n", "", "in own children", "in the foreign thread's");
    for (unsigned i = 0; i < CONTENDERS; i++) {
        run_leakers(workers, contenders[i], children);
        print_leaks(workers, contenders[i]);
    }
    end_workers(workers, LEAKERS + 1);
}
