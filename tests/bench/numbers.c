/* What it costs that a handle keeps its number. */
#include "bench.h"

/* The first is above what the program has open itself. */
static const DWORD numbers[] = {0x204, 0x1004, 0x4004, 0x10004};

enum {
    NUMBERS = ARRAYSIZE(numbers),
    STEALS_AT = 2, /* the limit of steals holds up to that one */
    KEPT = 8       /* handles that keep theirs, since what one of them costs is less than what two spawns differ by */
};

/* What each handle that keeps its number adds to the child's exit, in ms; and one bare steal. */
static struct at_number {
    struct samples resident, one_shot, steals;
} all[NUMBERS];

static HANDLE below[1 << 15];
static unsigned below_count;

/* The handles of the order, from that number on: the last of all that have to be open for it. */
static void open_from(struct order *order, DWORD number)
{
    HANDLE self = GetCurrentProcess();

    for (unsigned i = 0; i < KEPT; i++, number += 4) {
        HANDLE *handle = &order->handles[i];

        while ((DWORD)(UINT_PTR)*handle < number) {
            below[below_count++] = *handle;
            require(DuplicateHandle(self, below[0], self, handle, 0, FALSE, DUPLICATE_SAME_ACCESS), "a handle");
        }
        require((DWORD)(UINT_PTR)*handle == number, "the number");
    }
}

static double spawn_with(enum way_id way, struct order *order, BOOL keeps_numbers)
{
    double ended;

    order->keeps_numbers = keeps_numbers;
    ended = spawn(way, order).ended;
    pause_a_while();
    return ended;
}

/* How much more each kept number takes than any number, in one round. */
static double measure_more(enum way_id way, struct order *order, BOOL kept_first)
{
    double first = spawn_with(way, order, kept_first), second = spawn_with(way, order, !kept_first);

    return (kept_first ? first - second : second - first) / KEPT;
}

static void measure_at(struct at_number *at, struct order *order, HANDLE holder, double seconds)
{
    for (struct rounds rounds = begin_rounds(seconds); next_round(&rounds);) {
        BOOL kept_first = rounds.done % 2;

        add_sample(&at->resident, measure_more(WAY_RESIDENT, order, kept_first));
        add_sample(&at->one_shot, measure_more(WAY_ONE_SHOT, order, kept_first));
        add_sample(&at->steals, steal_some(holder));
    }
}

static void print_number(DWORD number, const struct at_number *at)
{
    double resident = quartiles_of(&at->resident).median, one_shot = quartiles_of(&at->one_shot).median;

    printf("%#10lx  %8.3f  %8.3f  %6zu\n", number, resident, one_shot, at->steals.count);
    fprintf(data, "curve\tnumbers\t%s\t%lu\t%.3f\t%zu\n", ways[WAY_RESIDENT].name, number, resident, at->steals.count);
    fprintf(data, "curve\tnumbers\t%s\t%lu\t%.3f\t%zu\n", ways[WAY_ONE_SHOT].name, number, one_shot, at->steals.count);
}

/* Without a launcher that stays, each number below costs something, the same for each. */
static void tell_targets(void)
{
    double growth = (double)numbers[NUMBERS - 1] / numbers[STEALS_AT];
    double fewer = quartiles_of(&all[STEALS_AT].one_shot).median;

    tell_target("resident, a kept number 0x204, in bare steals", ratio_of(&all[0].resident, &all[0].steals), 4);
    tell_target("resident, a kept number 0x4004, in bare steals",
                ratio_of(&all[STEALS_AT].resident, &all[STEALS_AT].steals), 4);
    tell_target("one-shot, each number below 0x10004, of each below 0x4004",
                divide_quartiles(quartiles_of(&all[NUMBERS - 1].one_shot), fewer * growth), 1.5);
}

void measure_numbers(double seconds)
{
    static struct order order;
    PROCESS_INFORMATION holder;

    start_program(path_of_nothing, L"!", 0, &holder);
    make_order(&order, KEPT);
    order.resident = open_resident();
    printf("\n%d handles that keep their numbers: ms more to the child's exit for each, medians\n", KEPT);
    printf("%10s  %8s  %8s  %6s\n", "", "resident", "one-shot", "rounds");
    for (unsigned i = 0; i < NUMBERS; i++) {
        open_from(&order, numbers[i]);
        spawn_with(WAY_RESIDENT, &order, TRUE); /* not counted: the table is filled */
        measure_at(&all[i], &order, holder.hProcess, seconds / NUMBERS);
        print_number(numbers[i], &all[i]);
    }
    tell_targets();
    handoff_launcher_close(order.resident);
    end_order(&order);
    while (below_count > 0)
        CloseHandle(below[--below_count]);
    TerminateProcess(holder.hProcess, 0);
}
