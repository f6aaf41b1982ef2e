#include "token.h"

void token_put(struct text *text, const struct token *token)
{
    text_put_hex(text, token->process_id);
    text_put_unit(text, L':');
    text_put_hex(text, token->created);
    text_put_unit(text, L':');
    text_put_hex(text, token->page);
    text_put_unit(text, L':');
    text_put_hex(text, token->nonce);
}

static int hex_digit(wchar_t unit)
{
    if (unit >= L'0' && unit <= L'9')
        return unit - L'0';
    if (unit >= L'a' && unit <= L'f')
        return unit - L'a' + 10;
    return -1;
}

/* Reads a number and the unit that must follow it; NULL if there is none, or too long a one. */
static const wchar_t *parse_hex(const wchar_t *text, int most_digits, wchar_t then, uint64_t *number)
{
    int digits = 0;

    *number = 0;
    if (text == NULL)
        return NULL;
    for (; hex_digit(*text) >= 0; text++, digits++) {
        if (digits == most_digits || (digits > 0 && *number == 0))
            return NULL;
        *number = *number << 4 | (uint64_t)hex_digit(*text);
    }
    return digits > 0 && *text == then ? text + 1 : NULL;
}

bool token_parse(const wchar_t *text, struct token *token)
{
    uint64_t process_id;

    text = parse_hex(text, 8, L':', &process_id);
    text = parse_hex(text, 16, L':', &token->created);
    text = parse_hex(text, 16, L':', &token->page);
    text = parse_hex(text, 16, L'\0', &token->nonce);
    token->process_id = (uint32_t)process_id;
    return text != NULL;
}
