/*
 * What comes from outside, on the host, under libFuzzer with address and undefined-behaviour sanitizers.
 * The first byte chooses what is read. Memory has exactly the size that the code was promised, so that a byte
 * too many is seen; and whatever is accepted must come out again as it went in.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "batch.h"
#include "cmdline.h"
#include "environment.h"
#include "fdblock.h"
#include "options.h"
#include "quote.h"
#include "token.h"
#include "wire.h"
#include "words.h"

static void check(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "FAIL: %s\n", what);
    abort();
}

/* Never 0 bytes, whose malloc may be NULL. */
static void *exactly(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);

    check(memory != NULL, "out of memory");
    return memory;
}

/* The bytes as a string, cut at its first NUL. */
static wchar_t *string_of(const uint8_t *bytes, size_t size)
{
    wchar_t *string = exactly((size / 2 + 1) * sizeof *string);

    memcpy(string, bytes, size / 2 * 2);
    return string;
}

/* The same with two NULs at the end, and NULs where they fall. */
static wchar_t *block_of(const uint8_t *bytes, size_t size)
{
    wchar_t *block = exactly((size / 2 + 2) * sizeof *block);

    memcpy(block, bytes, size / 2 * 2);
    return block;
}

/* The host's wcscmp() has other units. */
static bool equal(const wchar_t *a, const wchar_t *b)
{
    return text_length(a) == text_length(b) && memcmp(a, b, text_length(a) * sizeof *a) == 0;
}

static void fuzz_rewrite(const uint8_t *bytes, size_t size)
{
    struct placeholder a = {.name = L"a", .number = 4}, b = {.name = L"a.b", .number = 0xFFFFFFF8}, *tree = &a;
    wchar_t *line = string_of(bytes, size), *result;
    struct text count = {.capacity = 0}, text;

    placeholder_insert(&tree, &b);
    line_rewrite(&count, line, tree);
    result = exactly((count.length + 1) * sizeof *result);
    text = (struct text){.at = result, .capacity = count.length + 1};
    line_rewrite(&text, line, tree);
    check(text_end(&text) && text.length == count.length, "two rewritings differ");
    free(result);
    free(line);
}

/* cmd.exe gets all that follows the first word, unit for unit, between quotes that are ours. */
static void check_batch(const wchar_t *line)
{
    static const wchar_t begin[] = L"\"C\" /d /e:on /v:off /s /c \"\"P.bat\"";
    struct text first = {.capacity = 0}, text;
    const wchar_t *rest = line_program(&first, line);
    size_t length = sizeof begin / sizeof *begin - 1 + text_length(rest) + 1;
    wchar_t *result = exactly((length + 1) * sizeof *result);

    text = (struct text){.at = result, .capacity = length + 1};
    check(line_put_batch(&text, L"C", L"P.bat", line) == (length < BATCH_CAPACITY), "a limit that is not cmd.exe's");
    check(text_end(&text), "a batch file's line is longer than it said");
    check(text.length == length && memcmp(result, begin, sizeof begin - sizeof *begin) == 0 &&
              memcmp(result + length - 1 - text_length(rest), rest, text_length(rest) * sizeof *rest) == 0 &&
              result[length - 1] == L'"',
          "a batch file's line is not verbatim");
    free(result);
}

static void fuzz_argument(const uint8_t *bytes, size_t size)
{
    wchar_t *line = string_of(bytes, size), *argument = exactly((text_length(line) + 1) * sizeof *argument);
    const wchar_t *rest = line_after_program(line);

    while ((rest = line_argument(rest, argument)) != NULL)
        check(rest >= line && rest <= line + text_length(line), "an argument ends outside its line");
    check_batch(line);
    free(argument);
    free(line);
}

static void fuzz_quoting(const uint8_t *bytes, size_t size)
{
    wchar_t *argument = string_of(bytes, size), *line, *back;
    struct text count = {.capacity = 0}, text;

    text_put_ascii(&count, "x");
    line_put_argument(&count, argument);
    line = exactly((count.length + 1) * sizeof *line);
    text = (struct text){.at = line, .capacity = count.length + 1};
    text_put_ascii(&text, "x");
    line_put_argument(&text, argument);
    check(text_end(&text), "the quoted argument is longer than it said");
    back = exactly((text_length(line) + 1) * sizeof *back);
    check(line_argument(line_after_program(line), back) != NULL && equal(back, argument),
          "an argument is not read as it was quoted");
    free(back);
    free(line);
    free(argument);
}

static void fuzz_options(const uint8_t *bytes, size_t size)
{
    struct options options = {.more_passes = 3};
    wchar_t *line = string_of(bytes, size);
    void *memory = exactly(options_memory(line, options.more_passes));

    if (options_parse(&options, line, memory)) {
        const wchar_t *rest = options.request.command_line;

        check(options.fault == NULL, "accepted with a fault");
        check(rest == NULL || (rest > line && rest < line + text_length(line)), "a command line from elsewhere");
        if (options.values[OPTION_PARENT] != NULL)
            check(options_take_handles(line), "a parent that is not seen");
    } else {
        check(options.fault != NULL, "refused without a fault");
    }
    free(memory);
    free(line);
}

static void fuzz_request(const uint8_t *bytes, size_t size)
{
    uint32_t *copy = exactly(size), fault;
    struct pass *passes;
    struct request request;

    memcpy(copy, bytes, size);
    passes = exactly(wire_pass_count(copy, size) * sizeof *passes);
    if (wire_decode(copy, size, &request, passes)) {
        uint8_t *again = exactly(size);

        check(wire_encode(again, size, &request) == size && memcmp(again, bytes, size) == 0,
              "a request is not encoded as it was decoded");
        free(again);
        if (request_check(&request, &fault) == REQUEST_OK) {
            for (uint32_t pointer = 4; pointer <= 8; pointer += 4) {
                uint32_t block = fdblock_make(NULL, 0, pointer, &request);
                uint8_t *made = exactly(block);

                check(fdblock_make(made, block, pointer, &request) == block, "two sizes of a block");
                free(made);
            }
        }
    }
    free(passes);
    free(copy);
}

/* A page that its taker believes, and the channel behind it, lie within the memory that it has. */
static void fuzz_page(const uint8_t *bytes, size_t size)
{
    struct claim_page *page = exactly(size);
    const struct channel *channel;
    uint64_t nonce = 0;

    memcpy(page, bytes, size);
    if (size >= sizeof nonce)
        memcpy(&nonce, bytes, sizeof nonce);
    if (claim_page_is_whole(page, size, nonce)) {
        page->claims[page->count - 1].taken_as = 1;
        channel = channel_of(page);
        check(channel == NULL || channel->request + channel_room(page) == (uint8_t *)page + page->size,
              "a channel has room where the page has none");
        check(channel == NULL || page->size <= size, "a page goes beyond its memory");
    }
    free(page);
}

/* An accepted block, made anew of what was read from it, has the same open descriptors. */
static void fuzz_block(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = exactly(size);
    struct fdblock block;

    memcpy(copy, bytes, size);
    block = fdblock_open(copy, (uint32_t)size, size % 2 == 0 ? 4 : 8);
    for (uint32_t descriptor = 0; descriptor < block.count; descriptor++) {
        struct pass pass = {.fd = descriptor + 3, .fd_flags = fdblock_flags(&block, descriptor)};
        struct request request = {.passes = &pass, .pass_count = 1};
        uint8_t made[1024];
        struct fdblock again;

        pass.number = (uint32_t)fdblock_handle(&block, descriptor);
        if (pass.fd_flags == 0 || descriptor > 60)
            continue;
        again = fdblock_open(made, fdblock_make(made, sizeof made, 8, &request), 8);
        check(fdblock_flags(&again, descriptor + 3) == pass.fd_flags &&
                  fdblock_handle(&again, descriptor + 3) == (uint64_t)(int64_t)(int32_t)pass.number,
              "a descriptor is not what it was");
    }
    free(copy);
}

/* Whatever parent and takers do, in whatever order: an offer has one owner at most, and the next offer waits for
 * him. */
static void check_claims(const uint8_t *bytes, size_t size)
{
    struct claim claim = {0};
    uint64_t offers = 0;
    int owners = 0;
    bool taking = false;

    for (size_t i = 0; i < size; i++) {
        bool begun;

        switch (bytes[i] % 4) {
        case 0:
            if (offers > 0 && (owners == 0 || taking))
                break;
            claim_offer(&claim, ++offers * 4);
            owners = 0;
            break;
        case 1: owners += claim_withdraw(&claim); break;
        case 2:
            begun = claim_begin(&claim);
            check(!begun || claim.number == offers * 4, "another offer was taken");
            taking = taking || begun;
            owners += begun;
            break;
        default:
            if (taking)
                claim_end(&claim, 8);
            taking = false;
        }
        check(owners <= 1, "an offer has two owners");
        check(!taking || claim_state(&claim) == CLAIM_TAKING, "a taker was robbed");
    }
}

static void fuzz_token(const uint8_t *bytes, size_t size)
{
    wchar_t *text = string_of(bytes, size), back[TOKEN_CAPACITY];
    struct text again = {.at = back, .capacity = TOKEN_CAPACITY};
    struct token token;

    if (token_parse(text, &token)) {
        token_put(&again, &token);
        check(text_end(&again) && equal(back, text), "a token is not written as it was read");
    }
    check_claims(bytes, size);
    free(text);
}

/* Of no language, but one that makes names the same. */
static wchar_t upcase(wchar_t unit)
{
    return unit & ~(wchar_t)0x20;
}

static void fuzz_environment(const uint8_t *bytes, size_t size)
{
    struct placeholder a = {.name = L"a", .number = 4};
    size_t half = size / 4 * 2;
    wchar_t *block = block_of(bytes, half), *changes = block_of(bytes + half, size - half), *result;
    struct text count = {.capacity = 0}, text;
    uint32_t change_count = environment_count(changes);
    struct changes sorted = {.sorted = exactly(change_count * sizeof *sorted.sorted), .upcase = upcase};

    environment_sort(&sorted, changes);
    check(sorted.count == change_count, "a change is lost");
    environment_edit(&count, block, &sorted, &a);
    result = exactly((count.length + 1) * sizeof *result);
    text = (struct text){.at = result, .capacity = count.length + 1};
    environment_edit(&text, block, &sorted, &a);
    check(text_end(&text), "an environment is longer than it said");
    free(result);
    free(sorted.sorted);
    free(changes);
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static void (*const targets[])(const uint8_t *, size_t) = {fuzz_rewrite, fuzz_argument, fuzz_quoting,
                                                               fuzz_options, fuzz_request,  fuzz_page,
                                                               fuzz_block,   fuzz_token,    fuzz_environment};

    if (size > 0)
        targets[bytes[0] % (sizeof targets / sizeof *targets)](bytes + 1, size - 1);
    return 0;
}
