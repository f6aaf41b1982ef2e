/* What a spawn costs as something grows. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <wchar.h>

static const enum way_id contenders[] = {WAY_LIST, WAY_ONE_SHOT, WAY_RESIDENT};
static const char *const short_names[] = {"list", "one-shot", "resident"};

enum { CONTENDERS = ARRAYSIZE(contenders), ONE_SHOT = 1, RESIDENT = 2, POINTS_MOST = 7 };

static struct order order;

/* In ms to the child's exit. A round goes through all points, because the machine's speed drifts. */
struct curve {
    const char *name, *what;
    void (*set_point)(unsigned x); /* in the order */
    unsigned x[POINTS_MOST], count;
    struct samples ms[POINTS_MOST][CONTENDERS];
};

static void run_point(struct curve *curve, unsigned point)
{
    unsigned turn[CONTENDERS] = {0, 1, 2};

    curve->set_point(curve->x[point]);
    shuffle(turn, CONTENDERS);
    for (unsigned i = 0; i < CONTENDERS; i++) {
        add_sample(&curve->ms[point][turn[i]], spawn(contenders[turn[i]], &order).ended);
        pause_a_while();
    }
}

static double median_at(const struct curve *curve, unsigned point, unsigned contender)
{
    return quartiles_of(&curve->ms[point][contender]).median;
}

static void print_point(const struct curve *curve, unsigned point, unsigned rounds)
{
    printf("%10u", curve->x[point]);
    for (unsigned i = 0; i < CONTENDERS; i++) {
        double ms = median_at(curve, point, i);

        printf("  %8.2f", ms);
        fprintf(data, "curve\t%s\t%s\t%u\t%.3f\t%u\n", curve->name, ways[contenders[i]].name, curve->x[point], ms,
                rounds);
    }
    printf("\n");
}

static void measure_curve(struct curve *curve, double seconds)
{
    struct rounds rounds = begin_rounds(seconds);

    while (next_round(&rounds)) {
        for (unsigned point = 0; point < curve->count; point++)
            run_point(curve, point);
    }
    printf("\n%s, %u rounds: ms to the child's exit, medians\n%10s  %8s  %8s  %8s\n", curve->what, rounds.done, "",
           short_names[0], short_names[1], short_names[2]);
    for (unsigned point = 0; point < curve->count; point++)
        print_point(curve, point, rounds.done);
}

static void end_curve(struct curve *curve)
{
    for (unsigned point = 0; point < curve->count; point++) {
        for (unsigned i = 0; i < CONTENDERS; i++)
            clear_samples(&curve->ms[point][i]);
    }
}

/* ---- what is allowed ---- */

static double linear(double x)
{
    return x;
}

static double n_log_n(double x)
{
    return x * log2(x);
}

/* Where such a growth would have the last point by the first and the last but one. A last but one that lies below the
 * first does so by chance. */
static double predict_last(const struct curve *curve, unsigned contender, double (*growth)(double))
{
    unsigned last = curve->count - 1;
    double first = growth(curve->x[0]), first_ms = median_at(curve, 0, contender);
    double rise = fmax(median_at(curve, last - 1, contender) - first_ms, 0);

    return first_ms + rise * (growth(curve->x[last]) - first) / (growth(curve->x[last - 1]) - first);
}

/* Of a cost that grows with the square of x, the last point is about three times as high. */
static void tell_growth(const struct curve *curve, const char *kind, double (*growth)(double))
{
    unsigned last = curve->count - 1;

    for (unsigned i = ONE_SHOT; i <= RESIDENT; i++) {
        char name[80];

        snprintf(name, sizeof name, "%s, %u %s, of %s growth", short_names[i], curve->x[last], curve->what, kind);
        tell_target(name, divide_quartiles(quartiles_of(&curve->ms[last][i]), predict_last(curve, i, growth)), 1.25);
    }
}

/* For what the spawn does not use. */
static void tell_flatness(const struct curve *curve)
{
    unsigned last = curve->count - 1;

    for (unsigned i = ONE_SHOT; i <= RESIDENT; i++) {
        char name[80];

        snprintf(name, sizeof name, "%s, %u %s, of %u", short_names[i], curve->x[last], curve->what, curve->x[0]);
        tell_target(name, ratio_of(&curve->ms[last][i], &curve->ms[0][i]), 1.1);
    }
}

/* ---- handles, line ---- */

static void begin_order(DWORD handles)
{
    make_order(&order, handles);
    order.resident = open_resident();
}

static void finish_order(void)
{
    handoff_launcher_close(order.resident);
    end_order(&order);
}

static void pass_handles(unsigned count)
{
    order.count = count;
}

void measure_handles(double seconds)
{
    struct curve curve = {.name = "handles",
                          .what = "handles passed",
                          .set_point = pass_handles,
                          .x = {0, 1, 4, 16, 64, 256, HANDLES_MOST},
                          .count = 7};

    begin_order(HANDLES_MOST);
    measure_curve(&curve, seconds);
    tell_growth(&curve, "linear", linear);
    order.count = HANDLES_MOST;
    finish_order();
    end_curve(&curve);
}

static void set_length(unsigned length)
{
    order.length = length;
}

/* At the first point the line is as short as the paths let it be. */
void measure_line(double seconds)
{
    struct curve curve = {.name = "line",
                          .what = "characters of command line",
                          .set_point = set_length,
                          .x = {32, 320, 1000, 3200, 10000, 32000},
                          .count = 6};

    begin_order(1);
    measure_curve(&curve, seconds);
    tell_growth(&curve, "linear", linear);
    finish_order();
    end_curve(&curve);
}

/* ---- the parent's table ---- */

enum { OPEN_MOST = 50000 };

static HANDLE opened[OPEN_MOST]; /* beside the one that is passed */
static unsigned open_count;

static void open_handles(unsigned count)
{
    HANDLE self = GetCurrentProcess();

    while (open_count > count - 1)
        CloseHandle(opened[--open_count]);
    for (; open_count < count - 1; open_count++)
        require(DuplicateHandle(self, order.handles[0], self, &opened[open_count], 0, FALSE, DUPLICATE_SAME_ACCESS),
                "a handle");
}

void measure_table(double seconds)
{
    struct curve curve = {.name = "table",
                          .what = "handles open in the parent",
                          .set_point = open_handles,
                          .x = {1, 1000, 5000, 20000, OPEN_MOST},
                          .count = 5};

    begin_order(1);
    measure_curve(&curve, seconds);
    tell_flatness(&curve);
    open_handles(1);
    finish_order();
    end_curve(&curve);
}

/* ---- changes of the environment ---- */

enum { CHANGES_MOST = 1000 };

#define CHANGE L"HANDOFF_BENCH_%04u=text"

static wchar_t changes[CHANGES_MOST * ARRAYSIZE(CHANGE) + 1]; /* a block that sets as many, in falling order */

static void set_variables(unsigned count, const wchar_t *text)
{
    for (unsigned i = 0; i < count; i++) {
        wchar_t name[ARRAYSIZE(CHANGE)];

        _snwprintf(name, ARRAYSIZE(name), L"HANDOFF_BENCH_%04u", i);
        SetEnvironmentVariableW(name, text);
    }
}

/* The block's last ones. The child of a handle list gets the result ready made, since to have it costs a child, too. */
static void set_changes(unsigned count)
{
    if (order.environment != NULL)
        FreeEnvironmentStringsW((wchar_t *)(UINT_PTR)order.environment);
    set_variables(count, L"text");
    order.environment = GetEnvironmentStringsW();
    set_variables(count, NULL);
    order.variables = changes + (CHANGES_MOST - count) * (wcslen(changes) + 1);
}

void measure_environment(double seconds)
{
    struct curve curve = {.name = "environment",
                          .what = "variables set",
                          .set_point = set_changes,
                          .x = {10, 30, 100, 300, CHANGES_MOST},
                          .count = 5};
    wchar_t *end = changes;

    for (unsigned i = CHANGES_MOST; i-- > 0; end += wcslen(end) + 1)
        _snwprintf(end, ARRAYSIZE(CHANGE), CHANGE, i);
    begin_order(1);
    measure_curve(&curve, seconds);
    tell_growth(&curve, "n log n", n_log_n);
    finish_order();
    end_curve(&curve);
}

/* ---- many spawns on one launcher ---- */

enum { PARTS = 10, RESIDENT_PER_DIRECT = 5 };

static unsigned spawned;

static void print_spawns(const char *way, const struct samples *samples)
{
    fprintf(data, "curve\tspawns\t%s\t%u\t%.3f\t%zu\n", way, spawned, quartiles_of(samples).median, samples->count);
}

/* Direct spawns between them show how the machine drifts. */
static void measure_part(double seconds)
{
    struct samples resident = {0}, direct = {0};
    struct rounds rounds = begin_rounds(seconds);
    struct quartiles q;

    while (next_round(&rounds)) {
        add_sample(&direct, spawn(WAY_DIRECT, &order).ended);
        for (unsigned i = 0; i < RESIDENT_PER_DIRECT; i++)
            add_sample(&resident, spawn(WAY_RESIDENT, &order).ended);
    }
    spawned += (unsigned)resident.count;
    q = quartiles_of(&resident);
    printf("%10u  %8.2f [%.2f-%.2f]  %8.2f\n", spawned, q.median, q.low, q.high, quartiles_of(&direct).median);
    print_spawns(ways[WAY_RESIDENT].name, &resident);
    print_spawns(ways[WAY_DIRECT].name, &direct);
    clear_samples(&resident);
    clear_samples(&direct);
}

static void print_open(DWORD own_before, DWORD own, DWORD its_before, DWORD its)
{
    printf("open handles before and after: parent %lu, %lu; launcher %lu, %lu\n", own_before, own, its_before, its);
    fprintf(data, "open\t%lu\t%lu\t%lu\t%lu\n", own_before, own, its_before, its);
}

void measure_spawns(double seconds)
{
    DWORD own = GetCurrentProcessId(), own_before, its_before;

    begin_order(1);
    spawn(WAY_RESIDENT, &order);
    own_before = handles_of(own);
    its_before = handles_of(launcher_of(&order));
    printf("\nspawns on one resident launcher: ms to the child's exit [quartiles], direct beside it\n");
    for (unsigned part = 0; part < PARTS; part++)
        measure_part(seconds / PARTS);
    print_open(own_before, handles_of(own), its_before, handles_of(launcher_of(&order)));
    finish_order();
}
