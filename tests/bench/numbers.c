/* What it costs that a handle keeps its number. */
#include "bench.h"

#include <stdlib.h>

static const DWORD numbers[] = {0x104, 0x1004, 0x4004, 0x10004};

enum {
    NUMBERS = ARRAYSIZE(numbers),
    STEALS_AT = 2, /* the limit of steals holds up to that one */
    KEPT = 8       /* handles that keep theirs, since what one of them costs is less than what two spawns differ by */
};

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

/* How much longer to the child's exit than with any numbers, in ms. */
static double measure(enum way_id way, struct order *order)
{
    unsigned rounds = options.rounds / 4 + 3;
    double *more = allocate(rounds, sizeof *more), median;

    for (unsigned round = 0; round < rounds; round++) {
        double ended[2];

        for (unsigned i = 0; i < 2; i++) {
            unsigned keeps = (i + round) % 2;

            order->keeps_numbers = keeps != 0;
            ended[keeps] = spawn(way, order).ended;
            pause_a_while();
        }
        more[round] = ended[1] - ended[0];
    }
    median = median_of(more, rounds);
    free(more);
    return median;
}

static double measure_steal(void)
{
    PROCESS_INFORMATION holder;
    double steals[16], median;

    start_program(path_of_nothing, L"!", 0, &holder);
    for (size_t i = 0; i < ARRAYSIZE(steals); i++)
        steals[i] = steal_some(holder.hProcess);
    median = median_of(steals, ARRAYSIZE(steals));
    TerminateProcess(holder.hProcess, 0);
    return median;
}

void measure_numbers(void)
{
    static struct order order;
    double resident[NUMBERS], one_shot[NUMBERS], steal = measure_steal();

    make_order(&order, KEPT);
    order.resident = handoff_launcher_open(NULL, NULL);
    require(order.resident != NULL, "a resident launcher");
    printf("\n%d handles that keep their numbers: ms more to the child's exit, medians; a bare steal is %.3f\n", KEPT,
           steal);
    printf("%10s  %8s  %8s\n", "", "resident", "one-shot");
    for (unsigned i = 0; i < NUMBERS; i++) {
        open_from(&order, numbers[i]);
        order.keeps_numbers = TRUE;
        spawn(WAY_RESIDENT, &order); /* not counted: the table is filled */
        resident[i] = measure(WAY_RESIDENT, &order);
        one_shot[i] = measure(WAY_ONE_SHOT, &order);
        printf("%#10lx  %8.3f  %8.3f\n", numbers[i], resident[i], one_shot[i]);
        fprintf(options.data, "curve\tnumbers\t%s\t%lu\t%.3f\n", ways[WAY_RESIDENT].name, numbers[i], resident[i]);
        fprintf(options.data, "curve\tnumbers\t%s\t%lu\t%.3f\n", ways[WAY_ONE_SHOT].name, numbers[i], one_shot[i]);
    }
    print_target("resident, a kept number 0x104, in bare steals", resident[0] / KEPT / steal, 4);
    print_target("resident, a kept number 0x4004, in bare steals", resident[STEALS_AT] / KEPT / steal, 4);
    print_target("one-shot, each number below 0x10004, of each below 0x4004",
                 one_shot[NUMBERS - 1] / numbers[NUMBERS - 1] / (one_shot[STEALS_AT] / numbers[STEALS_AT]), 1.5);
    handoff_launcher_close(order.resident);
    end_order(&order);
    while (below_count > 0)
        CloseHandle(below[--below_count]);
}
