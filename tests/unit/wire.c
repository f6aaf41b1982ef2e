#include "wire.h"

#include <string.h>
#include <wchar.h>

#include "unit.h"

enum { MOST_PASSES = 50, MOST_SIZE = 1 << 16, SMALLEST_PASS = 8 * 4 };

/* A request and the memory of its strings. */
struct sample {
    struct request request;
    struct pass passes[MOST_PASSES];
    wchar_t units[8192];
    size_t used;
};

static struct sample sample;

static wchar_t *take_units(size_t count)
{
    wchar_t *units = sample.units + sample.used;

    sample.used += count;
    require(sample.used <= LENGTH(sample.units), "the sample has too many units");
    return units;
}

static wchar_t random_unit(void)
{
    return (wchar_t)(1 + random_below(random_below(2) ? 0x7E : 0xFFFF));
}

/* Absent, empty, or up to `most` units. */
static const wchar_t *random_string(uint32_t most)
{
    uint32_t length = random_below(4) == 0 ? 0 : random_below(most + 1);
    wchar_t *string = take_units(length + 1);

    for (uint32_t i = 0; i < length; i++)
        string[i] = random_unit();
    string[length] = L'\0';
    return random_below(4) == 0 ? NULL : string;
}

/* Absent, or strings of up to `most` units with their NULs in all, and a NUL more. */
static const wchar_t *random_block(uint32_t most)
{
    uint32_t length = random_below(most);
    wchar_t *block = take_units(length + 2);

    for (uint32_t i = 0; i < length; i++)
        block[i] = i > 0 && block[i - 1] != L'\0' && random_below(6) == 0 ? L'\0' : random_unit();
    block[length] = block[length + 1] = L'\0';
    if (length > 0 && block[length - 1] == L'\0')
        block[length - 1] = L'x';
    return random_below(3) == 0 ? NULL : block;
}

/* Of a good one. */
static uint32_t block_length(const wchar_t *block)
{
    uint32_t length = 0;

    while (block[length] != L'\0' || block[length + 1] != L'\0')
        length++;
    return length + 2;
}

static struct pass random_pass(uint32_t most_units)
{
    uint32_t kind = random_below(PASS_GIVEN + 1);

    return (struct pass){
        .kind = kind,
        .placeholder = {.name = random_string(most_units), .used = random_below(2)}, /* not sent: `used` */
        .streams = (uint32_t)random_next(),
        .fd = (uint32_t)random_next(),
        .fd_flags = (uint32_t)random_next(),
        .flags = (uint32_t)random_next(),
        .number = kind == PASS_GIVEN ? (uint32_t)random_next() | 4 : 0,
        .wanted = (uint32_t)random_next()};
}

static const uint8_t *random_data(uint32_t most, uint32_t *size)
{
    uint8_t *data;

    *size = random_below(3) == 0 ? 0 : 1 + random_below(most);
    if (*size == 0)
        return NULL;
    data = (uint8_t *)take_units(*size / 2 + 1);
    for (uint32_t i = 0; i < *size; i++)
        data[i] = (uint8_t)random_next();
    return data;
}

static struct attribute random_attribute(uint32_t most)
{
    struct attribute attribute = {.id = (uint32_t)random_next()};

    attribute.value = random_data(most, &attribute.size);
    return attribute;
}

static void make_sample(uint32_t most_units, uint32_t passes)
{
    struct request *request = &sample.request;

    sample.used = 0;
    memset(request, 0, sizeof *request);
    request->application = random_string(most_units);
    request->command_line = random_string(most_units);
    request->directory = random_string(most_units);
    request->desktop = random_string(most_units);
    request->title = random_string(most_units);
    request->environment = random_block(most_units);
    request->variables = random_block(most_units);
    request->closed_streams = (uint32_t)random_next();
    request->null_streams = (uint32_t)random_next();
    for (int stream = 0; stream < STREAM_COUNT; stream++)
        request->stream_flags[stream] = (uint32_t)random_next();
    request->refuse_batch = (uint32_t)random_next();
    request->attribute_count = random_below(ATTRIBUTE_MOST + 1);
    for (uint32_t i = 0; i < request->attribute_count; i++)
        request->attributes[i] = random_attribute(most_units);
    request->process_descriptor = random_data(most_units, &request->process_descriptor_size);
    request->thread_descriptor = random_data(most_units, &request->thread_descriptor_size);
    request->creation_flags = (uint32_t)random_next();
    for (size_t i = 0; i < sizeof request->startup / sizeof(uint32_t); i++)
        ((uint32_t *)&request->startup)[i] = (uint32_t)random_next();
    request->passes = sample.passes;
    request->pass_count = passes;
    for (uint32_t i = 0; i < passes; i++)
        sample.passes[i] = random_pass(most_units);
}

static size_t encode_sample(uint8_t *bytes)
{
    size_t size = wire_encode(bytes, MOST_SIZE, &sample.request);

    require(size <= MOST_SIZE, "the sample has %zu bytes", size);
    return size;
}

static void set_u32(uint8_t *bytes, size_t at, uint32_t value)
{
    memcpy(bytes + at, &value, sizeof value);
}

static struct request decoded;

/*
 * Decodes a copy that ends where memory ends, into passes that end there too. The copy may be
 * unaligned because of that, which these processors do not mind.
 */
static bool decode(const uint8_t *bytes, size_t size)
{
    const void *copy = guard_bytes(GUARD_INPUT, bytes, size);
    uint32_t count = wire_pass_count(copy, size);

    require(count <= size / SMALLEST_PASS, "%zu bytes ask for %u passes", size, count);
    return wire_decode(copy, size, &decoded, (struct pass *)guard_end(GUARD_PASSES) - count);
}

/* A decoder accepts only what the encoder would have written, and what CreateProcessW can read. */
static bool decode_strictly(const uint8_t *bytes, size_t size)
{
    uint8_t *again = (uint8_t *)guard_end(GUARD_AGAIN) - size;

    if (!decode(bytes, size))
        return false;
    require(wire_encode(again, size, &decoded) == size, "accepted, but encodes in another size");
    require(memcmp(again, bytes, size) == 0, "accepted, but encodes differently");
    return true;
}

static bool same_string(const wchar_t *a, const wchar_t *b)
{
    return a == NULL || b == NULL ? a == b : wcscmp(a, b) == 0;
}

static bool same_block(const wchar_t *a, const wchar_t *b)
{
    return a == NULL || b == NULL ? a == b : memcmp(a, b, block_length(a) * sizeof *a) == 0;
}

static bool same_blocks(const struct request *a, const struct request *b)
{
    return same_block(a->environment, b->environment) && same_block(a->variables, b->variables);
}

static bool same_data(const uint8_t *a, uint32_t a_size, const uint8_t *b, uint32_t b_size)
{
    return a_size == b_size && (a == NULL) == (b == NULL) && (a == NULL || memcmp(a, b, a_size) == 0);
}

static bool same_attributes(const struct request *a, const struct request *b)
{
    bool same = a->attribute_count == b->attribute_count;

    for (uint32_t i = 0; i < a->attribute_count && same; i++) {
        const struct attribute *one = &a->attributes[i], *other = &b->attributes[i];

        same = one->id == other->id && same_data(one->value, one->size, other->value, other->size);
    }
    return same;
}

static bool same_extras(const struct request *a, const struct request *b)
{
    return same_attributes(a, b) &&
           same_data(a->process_descriptor, a->process_descriptor_size, b->process_descriptor,
                     b->process_descriptor_size) &&
           same_data(a->thread_descriptor, a->thread_descriptor_size, b->thread_descriptor, b->thread_descriptor_size);
}

static bool same_pass(const struct pass *a, const struct pass *b)
{
    return same_string(a->placeholder.name, b->placeholder.name) && a->streams == b->streams && a->fd == b->fd &&
           a->kind == b->kind && a->fd_flags == b->fd_flags && a->flags == b->flags && a->number == b->number &&
           a->wanted == b->wanted && !b->placeholder.used;
}

static bool same_passes(const struct request *a, const struct request *b)
{
    bool same = a->pass_count == b->pass_count;

    for (uint32_t i = 0; i < a->pass_count && same; i++)
        same = same_pass(&a->passes[i], &b->passes[i]);
    return same;
}

static bool same_request(const struct request *a, const struct request *b)
{
    return same_string(a->application, b->application) && same_string(a->command_line, b->command_line) &&
           same_string(a->directory, b->directory) && same_string(a->desktop, b->desktop) &&
           same_string(a->title, b->title) && same_blocks(a, b) && a->creation_flags == b->creation_flags &&
           a->refuse_batch == b->refuse_batch && a->closed_streams == b->closed_streams &&
           a->null_streams == b->null_streams &&
           memcmp(a->stream_flags, b->stream_flags, sizeof a->stream_flags) == 0 &&
           memcmp(&a->startup, &b->startup, sizeof a->startup) == 0 && same_extras(a, b) && same_passes(a, b);
}

START_TEST(request_round_trip)
{
    static uint8_t bytes[MOST_SIZE];

    for (int trial = 0; trial < 5000; trial++) {
        size_t size;

        make_sample(40, random_below(MOST_PASSES + 1));
        size = encode_sample(bytes);
        require(size % 4 == 0, "trial %d: %zu bytes", trial, size);
        require(wire_encode(NULL, 0, &sample.request) == size, "trial %d: another size without room", trial);
        require(wire_pass_count(bytes, size) == sample.request.pass_count, "trial %d: pass count", trial);
        require(decode_strictly(bytes, size), "trial %d: refused", trial);
        require(same_request(&sample.request, &decoded), "trial %d: the request differs", trial);
    }
}
END_TEST

/* The format itself, so that a parent and a launcher of different builds understand each other. */
START_TEST(request_layout)
{
    /* clang-format off */
    static const uint8_t expected[] = {
        1, 0, 0, 0, 0x04, 0, 0, 0x08,                   /* passes, creation flags */
        1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, /* startup: flags, x, y, x_size, */
        5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, /* y_size, x_chars, y_chars, fill, */
        9, 0, 0, 0,                                     /* show */
        0, 0, 0, 0,                                     /* no application */
        4, 0, 0, 0, 'a', 0, ' ', 0, 0x00, 0xD8, 0, 0,   /* command line */
        1, 0, 0, 0, 0, 0, 0, 0,                         /* empty directory, padded */
        2, 0, 0, 0, 'd', 0, 0, 0,                       /* desktop */
        0, 0, 0, 0,                                     /* no title */
        3, 0, 0, 0, '=', 0, 0, 0, 0, 0, 0, 0,           /* environment, padded */
        5, 0, 0, 0, 'A', 0, 0, 0, 'B', 0, 0, 0, 0, 0, 0, 0, /* variables, padded */
        2, 0, 0, 0, 5, 0, 0, 0,                         /* closed streams, and those that are NULL */
        0x41, 0, 0, 0, 0, 0, 0, 0, 0xC9, 0, 0, 0,       /* flags of descriptors 0 to 2 */
        6, 0, 0, 0,                                     /* refuse batch files */
        1, 0, 0, 0,                                     /* attributes: each begins where 8 divides, */
        4, 0, 2, 0, 2, 0, 0, 0, 7, 1, 0, 0,             /* so that the value does: id, size, two bytes, padded */
        5, 0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0,             /* the process' security descriptor, padded */
        0, 0, 0, 0,                                     /* none of the thread */
        2, 0, 0, 0,                                     /* given */
        5, 0, 0, 0, 7, 0, 0, 0, 0x81, 0, 0, 0, 0, 1, 0, 0, /* streams, descriptor, its flags, sealed */
        99, 0, 0, 0, 0x04, 0x40, 0, 0,                  /* number, and the wanted one */
        1, 0, 0, 0, 0, 0, 0, 0,                         /* empty name, padded */
    };
    /* clang-format on */
    struct pass pass = {.kind = PASS_GIVEN,
                        .placeholder = {.name = L"", .used = true},
                        .streams = 5,
                        .fd = 7,
                        .fd_flags = 0x81,
                        .flags = PASS_SEALED,
                        .number = 99,
                        .wanted = 0x4004};
    struct request request = {.command_line = L"a \xD800",
                              .directory = L"",
                              .desktop = L"d",
                              .environment = L"=\0",
                              .variables = L"A\0B\0",
                              .closed_streams = 2,
                              .null_streams = 5,
                              .stream_flags = {0x41, 0, 0xC9},
                              .refuse_batch = 6,
                              .attributes = {{.id = 0x20004, .size = 2, .value = (const uint8_t *)"\7\1"}},
                              .attribute_count = 1,
                              .process_descriptor = (const uint8_t *)"\1\2\3\4\5",
                              .process_descriptor_size = 5,
                              .creation_flags = 0x08000004,
                              .startup = {1, 2, 3, 4, 5, 6, 7, 8, 9},
                              .passes = &pass,
                              .pass_count = 1};
    uint8_t bytes[sizeof expected + 32];
    size_t size = wire_encode(bytes, sizeof bytes, &request);

    for (size_t i = 0; i < sizeof expected; i++)
        require(bytes[i] == expected[i], "byte %zu is %u, not %u", i, bytes[i], expected[i]);
    ck_assert_uint_eq(size, sizeof expected);
}
END_TEST

START_TEST(request_is_stored_only_if_it_fits)
{
    static uint8_t bytes[MOST_SIZE];

    for (int trial = 0; trial < 50; trial++) {
        size_t size;

        make_sample(6, random_below(4));
        size = encode_sample(bytes);
        for (size_t capacity = 0; capacity <= size; capacity++) {
            uint8_t *room = (uint8_t *)guard_end(GUARD_OUTPUT) - capacity;

            require(wire_encode(room, capacity, &sample.request) == size, "capacity %zu", capacity);
            require(capacity < size || memcmp(room, bytes, size) == 0, "trial %d: stored differently", trial);
        }
    }
}
END_TEST

/* Each length but the right one. */
START_TEST(request_of_another_length_is_refused)
{
    static uint8_t bytes[MOST_SIZE];

    for (int trial = 0; trial < 100; trial++) {
        size_t size;

        make_sample(10, random_below(6));
        size = encode_sample(bytes);
        memset(bytes + size, 0, 16);
        for (size_t length = 0; length <= size + 16; length++) {
            require(decode(bytes, length) == (length == size), "trial %d: %zu of %zu bytes", trial, length, size);
        }
    }
}
END_TEST

START_TEST(request_with_another_byte)
{
    static uint8_t bytes[MOST_SIZE];
    long accepted = 0;

    for (int trial = 0; trial < 40; trial++) {
        size_t size;

        make_sample(4, random_below(3));
        size = encode_sample(bytes);
        for (size_t at = 0; at < size; at++) {
            for (int change = 1; change < 256; change++) {
                bytes[at] ^= (uint8_t)change;
                accepted += decode_strictly(bytes, size);
                bytes[at] ^= (uint8_t)change;
            }
        }
    }
    ck_assert_int_gt(accepted, 0);
}
END_TEST

START_TEST(request_with_another_bit)
{
    static uint8_t bytes[MOST_SIZE];
    long accepted = 0;

    for (int trial = 0; trial < 20; trial++) {
        size_t size;

        make_sample(30, 20 + random_below(31));
        size = encode_sample(bytes);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            accepted += decode_strictly(bytes, size);
            bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
    ck_assert_int_gt(accepted, 0);
}
END_TEST

/* Whole fields, which single bits do not reach: every 32 bits become each of these. */
START_TEST(request_with_another_field)
{
    static const uint32_t values[] = {0,   1,          2,          3,          4,          5,         8,
                                      255, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, UINT32_MAX};
    static uint8_t bytes[MOST_SIZE];

    for (int trial = 0; trial < 300; trial++) {
        size_t size;

        make_sample(10, random_below(10));
        size = encode_sample(bytes);
        for (size_t at = 0; at < size; at += 4) {
            uint32_t kept;

            memcpy(&kept, bytes + at, sizeof kept);
            for (size_t i = 0; i < LENGTH(values); i++) {
                set_u32(bytes, at, values[i]);
                decode_strictly(bytes, size);
            }
            set_u32(bytes, at, kept);
        }
    }
}
END_TEST

/* A launcher has the copies already and steals the rest. The prefix' own kinds never travel. */
START_TEST(request_with_a_pass_of_another_kind)
{
    static uint8_t bytes[MOST_SIZE];

    for (uint32_t kind = PASS_ASKED; kind <= PASS_OWN + 1; kind++) {
        for (uint32_t number = 0; number <= 4; number += 4) {
            struct pass pass = {.kind = kind, .streams = 1, .number = number};
            struct request request = {.passes = &pass, .pass_count = 1};
            size_t size = wire_encode(bytes, sizeof bytes, &request);

            require(decode(bytes, size) == (kind <= PASS_GIVEN && (kind == PASS_GIVEN) == (number != 0)),
                    "kind %u, number %u", kind, number);
        }
    }
}
END_TEST

START_TEST(request_with_a_forged_pass_count)
{
    static uint8_t bytes[MOST_SIZE];
    size_t size;

    make_sample(10, 5);
    size = encode_sample(bytes);
    for (uint32_t count = 0; count < 2 * size; count++) {
        set_u32(bytes, 0, count);
        ck_assert_uint_eq(wire_pass_count(bytes, size), count <= size / SMALLEST_PASS ? count : 0);
        require(decode(bytes, size) == (count == 5), "count %u", count);
    }
    for (uint32_t count = UINT32_MAX; count != 0; count /= 2) {
        set_u32(bytes, 0, count);
        ck_assert_uint_le(wire_pass_count(bytes, size), size / SMALLEST_PASS);
    }
    for (size_t length = 0; length < 4; length++)
        ck_assert_uint_eq(wire_pass_count(guard_bytes(GUARD_INPUT, bytes, length), length), 0);
}
END_TEST

/* Passes without a name are the smallest: however many there are, the limit lets them through. */
START_TEST(request_of_many_small_passes)
{
    static uint8_t bytes[MOST_SIZE];
    static struct pass passes[MOST_SIZE / SMALLEST_PASS];
    struct request request = {.passes = passes};

    for (request.pass_count = 0; request.pass_count < LENGTH(passes) - 16; request.pass_count += 1 + random_below(9)) {
        size_t size = wire_encode(bytes, sizeof bytes, &request);

        require(size <= sizeof bytes, "%zu bytes", size);
        require(decode_strictly(bytes, size) && decoded.pass_count == request.pass_count, "%u passes",
                request.pass_count);
    }
}
END_TEST

/* Counts of what follows them, with no padding that could be a part of it instead. */
static const struct count_row {
    const char *what;
    size_t at;
    uint32_t right;
} count_rows[] = {
    {"environment", 4 * (2 + 9 + 5), 4},
    {"variables", 4 * (2 + 9 + 5 + 3), 4},
};

START_TEST(request_with_a_forged_count)
{
    const struct count_row *row = &count_rows[_i];
    struct request request = {.environment = L"=A\0", .variables = L"AB\0"};
    uint8_t bytes[200];
    size_t size = wire_encode(bytes, sizeof bytes, &request);
    uint32_t right;

    memcpy(&right, bytes + row->at, sizeof right);
    ck_assert_uint_eq(right, row->right);
    for (uint32_t count = 0; count < 3 * size; count++) {
        set_u32(bytes, row->at, count);
        require(decode_strictly(bytes, size) == (count == right), "%s: count %u", row->what, count);
    }
    for (uint32_t high = 1; high != 0; high <<= 1) {
        set_u32(bytes, row->at, right ^ high);
        require(!decode_strictly(bytes, size), "%s: count 0x%x", row->what, right ^ high);
        set_u32(bytes, row->at, UINT32_MAX - high);
        require(!decode_strictly(bytes, size), "%s: count 0x%x", row->what, UINT32_MAX - high);
    }
}
END_TEST

static const struct {
    const wchar_t *block;
    uint32_t length;
    bool valid;
} block_rows[] = {
    {L"\0", 2, true},     {L"A\0", 3, true},   {L"=\0", 3, true},       {L"A\0B=1\0", 7, true}, {L"A", 2, false},
    {L"AB", 2, false},    {L"\0A", 2, false},  {L"A\0B", 4, false},     {L"A\0\0B", 4, false},  {L"\0\0A", 3, false},
    {L"A\0\0", 4, false}, {L"\0\0", 3, false}, {L"A\0\0B\0", 6, false},
};

/* In the place of another of the same length. */
START_TEST(request_with_a_block)
{
    for (int field = 0; field < 2; field++) {
        enum { BLOCK_AT = 68 };
        static const wchar_t *const others[] = {L"\0", L"x\0", L"xx\0", L"xxx\0", L"xxxx\0", L"xxxxx\0"};
        const wchar_t *other = others[block_rows[_i].length - 2];
        struct request request = {.environment = field == 0 ? other : NULL, .variables = field == 1 ? other : NULL};
        uint8_t bytes[200];
        size_t size = wire_encode(bytes, sizeof bytes, &request), at = BLOCK_AT + (size_t)(4 * field);

        require(memcmp(bytes + at, other, block_rows[_i].length * sizeof *other) == 0, "the block is elsewhere");
        memcpy(bytes + at, block_rows[_i].block, block_rows[_i].length * sizeof *other);
        require(decode_strictly(bytes, size) == block_rows[_i].valid, "field %d", field);
    }
}
END_TEST

START_TEST(request_that_is_noise)
{
    static uint8_t bytes[400];

    for (int trial = 0; trial < 50000; trial++) {
        size_t size = random_below(sizeof bytes / 4 + 1) * 4;

        for (size_t at = 0; at < size; at += 4)
            set_u32(bytes, at, random_below(3) == 0 ? (uint32_t)random_next() : random_below(4));
        decode_strictly(bytes, size);
    }
}
END_TEST

static TCase *request_case(void)
{
    TCase *tcase = tcase_create("wire_request");

    tcase_add_test(tcase, request_round_trip);
    tcase_add_test(tcase, request_layout);
    tcase_add_test(tcase, request_is_stored_only_if_it_fits);
    tcase_add_test(tcase, request_of_another_length_is_refused);
    tcase_add_test(tcase, request_with_another_byte);
    tcase_add_test(tcase, request_with_another_bit);
    tcase_add_test(tcase, request_with_another_field);
    tcase_add_test(tcase, request_with_a_pass_of_another_kind);
    tcase_add_test(tcase, request_with_a_forged_pass_count);
    tcase_add_test(tcase, request_of_many_small_passes);
    tcase_add_loop_test(tcase, request_with_a_forged_count, 0, LENGTH(count_rows));
    tcase_add_loop_test(tcase, request_with_a_block, 0, LENGTH(block_rows));
    tcase_add_test(tcase, request_that_is_noise);
    return tcase;
}

Suite *wire_suite(void)
{
    Suite *suite = suite_create("wire");

    suite_add_tcase(suite, request_case());
    return suite;
}
