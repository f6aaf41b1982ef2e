#include "text.h"

void text_put_unit(struct text *text, wchar_t unit)
{
    if (text->length < text->capacity)
        text->at[text->length] = unit;
    text->length++;
}

void text_put_units(struct text *text, const wchar_t *units, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_put_unit(text, units[i]);
}

void text_put(struct text *text, const wchar_t *string)
{
    text_put_units(text, string, text_length(string));
}

/* What is quoted may have been refused for its spelling, a line break in it included. */
void text_put_quoted(struct text *text, const wchar_t *string)
{
    text_put(text, L" '");
    for (; *string != L'\0'; string++)
        text_put_unit(text, *string < L' ' ? L'?' : *string);
    text_put_unit(text, L'\'');
}

void text_put_decimal(struct text *text, uint32_t number)
{
    wchar_t digits[10];
    size_t count = 0;

    do {
        digits[count++] = (wchar_t)(L'0' + number % 10);
        number /= 10;
    } while (number != 0);
    while (count > 0)
        text_put_unit(text, digits[--count]);
}

void text_put_hex(struct text *text, uint64_t number)
{
    int shift = 60;

    while (shift > 0 && number >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        text_put_unit(text, L"0123456789abcdef"[number >> shift & 15]);
}

bool text_end(struct text *text)
{
    bool fits = text->length < text->capacity;

    text->at[fits ? text->length : text->capacity - 1] = L'\0';
    return fits;
}

size_t text_length(const wchar_t *string)
{
    size_t length = 0;

    while (string[length] != L'\0')
        length++;
    return length;
}

bool text_equal(const wchar_t *a, const wchar_t *b)
{
    while (*a != L'\0' && *a == *b)
        a++, b++;
    return *a == *b;
}
