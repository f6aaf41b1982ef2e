#include "text.h"

#include <stdarg.h>

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

void text_put_ascii(struct text *text, const char *string)
{
    while (*string != '\0')
        text_put_unit(text, (wchar_t)*string++);
}

/* What is not our own may have been refused for its spelling, or be made to break the line or to command a terminal. */
void text_put_visible(struct text *text, const wchar_t *string)
{
    for (; *string != L'\0'; string++) {
        bool controls = *string < L' ' || (*string >= 0x7F && *string < 0xA0);

        text_put_unit(text, controls ? L'?' : *string);
    }
}

void text_put_quoted(struct text *text, const wchar_t *string)
{
    text_put_ascii(text, " '");
    text_put_visible(text, string);
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
        text_put_unit(text, (wchar_t) "0123456789abcdef"[number >> shift & 15]);
}

void text_format(struct text *text, const char *format, ...)
{
    va_list values;

    va_start(values, format);
    for (; *format != '\0'; format++) {
        if (*format != '%') {
            text_put_unit(text, (wchar_t)*format);
            continue;
        }
        switch (*++format) {
        case 's': text_put_ascii(text, va_arg(values, const char *)); break;
        case 'w': text_put(text, va_arg(values, const wchar_t *)); break;
        case 'q': text_put_quoted(text, va_arg(values, const wchar_t *)); break;
        case 'u': text_put_decimal(text, va_arg(values, uint32_t)); break;
        default: text_put_hex(text, va_arg(values, uint32_t)); break; /* 'x' */
        }
    }
    va_end(values);
}

void text_cut_name(struct text *path)
{
    while (path->length > 0 && path->at[path->length - 1] != L'\\')
        path->length--;
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

bool text_equal_ascii(const wchar_t *a, const char *b)
{
    while (*a != L'\0' && *a == (wchar_t)*b)
        a++, b++;
    return *a == (wchar_t)*b;
}

bool text_begins_ascii(const wchar_t *text, const char *start)
{
    while (*start != '\0' && *text == (wchar_t)*start)
        text++, start++;
    return *start == '\0';
}

static uint32_t digit(wchar_t unit)
{
    if (unit >= L'0' && unit <= L'9')
        return unit - (uint32_t)L'0';
    unit |= L'a' ^ L'A';
    return unit >= L'a' && unit <= L'f' ? unit - (uint32_t)L'a' + 10 : 16;
}

const wchar_t *text_parse_number(const wchar_t *text, uint64_t *number)
{
    uint32_t base = text[0] == L'0' && (text[1] | (L'x' ^ L'X')) == L'x' ? 16 : 10;
    const wchar_t *first = text += base == 16 ? 2 : 0;

    *number = 0;
    for (; digit(*text) < base; text++) {
        uint64_t next = *number * base + digit(*text);

        if (*number > (base == 16 ? UINT64_MAX / 16 : UINT64_MAX / 10) || next < *number)
            return NULL;
        *number = next;
    }
    return text > first ? text : NULL;
}
