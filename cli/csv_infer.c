#include "csv_infer.h"

#include "csv_error.h"
#include "csv_value.h"

enum { LONGEST_NUMBER = 400, DOUBLE_DIGITS = 17, WIDE_DIGITS = 38 };

void csv_inference_init(csv_inference *column)
{
    *column = (csv_inference){.types = CSV_INFER_ALL};
}

/* ---- One value ------------------------------------------------------------------------------- */

hyl_str csv_with_point(hyl_str text, char copy[], size_t cap)
{
    const char *comma = text.len <= cap ? memchr(text.data, ',', text.len) : NULL;
    if (comma == NULL || memchr(text.data, '.', text.len) != NULL) {
        return text;
    }
    memcpy(copy, text.data, text.len);
    copy[comma - text.data] = '.';
    return (hyl_str){copy, text.len};
}

static unsigned whole_number_types(hyl_str text)
{
    int64_t value;
    if (csv_parse_int(text, false, &value) != CSV_FITS) {
        return 0;
    }
    unsigned types = CSV_INFER_BIT(BIGINT) | CSV_INFER_BIT(DOUBLE) | CSV_INFER_BIT(WIDE);
    return value >= INT32_MIN && value <= INT32_MAX ? types | CSV_INFER_BIT(INTEGER) : types;
}

static unsigned decimal_types(hyl_str text)
{
    int whole;
    int decimals;
    unsigned types = csv_scan_wide(text, &whole, &decimals) ? CSV_INFER_BIT(WIDE) : 0;
    double number;
    int64_t digits;
    if (csv_parse_double(text, false, &number) == CSV_FITS) {
        types |= CSV_INFER_BIT(DOUBLE);
    }
    for (int scale = 2; types != 0 && scale <= 4; scale++) {
        if (csv_parse_decimal(text, false, 18, scale, &digits) == CSV_FITS) {
            types |= 1U << (CSV_INFER_NUMERIC_2 + (unsigned)scale - 2);
        }
    }
    return types;
}

static unsigned number_types(hyl_str text, bool decimal_comma)
{
    char copy[LONGEST_NUMBER];
    unsigned types = whole_number_types(text);
    if (types == 0) {
        types = decimal_types(decimal_comma ? csv_with_point(text, copy, sizeof copy) : text);
    }
    return types;
}

/* Dates start with four digits, times with two: what stands behind them tells them apart. */
static unsigned temporal_types(hyl_str text)
{
    int32_t days;
    int64_t micros;
    unsigned types = 0;
    if (csv_parse_date(text, &days) == CSV_FITS) {
        types |= CSV_INFER_BIT(DATE);
    }
    if (csv_parse_timestamp(text, &micros) == CSV_FITS) {
        types |= CSV_INFER_BIT(TIMESTAMP);
    }
    if (types == 0 && csv_parse_timestamptz(text, &micros) == CSV_FITS) {
        types |= CSV_INFER_BIT(TIMESTAMPTZ);
    }
    return types;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static unsigned digit_types(hyl_str text, bool decimal_comma)
{
    int64_t micros;
    unsigned types = number_types(text, decimal_comma);
    if (types != 0 || text.len < 5) {
        return types;
    }
    if (text.data[2] == ':') {
        return csv_parse_time(text, &micros) == CSV_FITS ? CSV_INFER_BIT(TIME) : 0;
    }
    return temporal_types(text);
}

unsigned csv_classify(hyl_str text, bool decimal_comma)
{
    bool flag;
    unsigned types = 0;
    text = csv_trim(text);
    if (text.len == 0) {
        return CSV_INFER_BIT(TEXT);
    }
    char first = text.data[0];
    if (is_digit(first)) {
        types = digit_types(text, decimal_comma);
    } else if (first == '-' || first == '.' || first == ',' || (first | 0x20) == 'n' ||
               (first | 0x20) == 'i') {
        types = number_types(text, decimal_comma);
    } else if ((first | 0x20) == 't' || (first | 0x20) == 'f') {
        types = csv_parse_bool(text, false, &flag) == CSV_FITS ? CSV_INFER_BIT(BOOLEAN) : 0;
    }
    return types | CSV_INFER_BIT(TEXT);
}

/* ---- Columns --------------------------------------------------------------------------------- */

/*
 * Counts the digits on both sides of the point. The types without WIDE where 38 are not enough for
 * the most of both.
 */
static unsigned count_digits(csv_inference *column, unsigned types, hyl_str text)
{
    int whole = 0;
    int decimals = 0;
    if (csv_scan_wide(csv_trim(text), &whole, &decimals)) {
        column->whole_digits = whole > column->whole_digits ? whole : column->whole_digits;
        column->decimals = decimals > column->decimals ? decimals : column->decimals;
    }
    bool fits = column->whole_digits + column->decimals <= WIDE_DIGITS;
    return fits ? types : types & ~CSV_INFER_BIT(WIDE);
}

bool csv_infer_value(csv_inference *column, hyl_str text, bool decimal_comma)
{
    column->values++;
    if (column->types == CSV_INFER_BIT(TEXT)) {
        return false;
    }
    char copy[LONGEST_NUMBER];
    unsigned types = column->types & csv_classify(text, decimal_comma);
    if ((types & CSV_INFER_BIT(WIDE)) != 0) {
        types = count_digits(column, types,
                             decimal_comma ? csv_with_point(text, copy, sizeof copy) : text);
    }
    bool became_text = types == CSV_INFER_BIT(TEXT) && column->values > 1;
    if (became_text) {
        column->before = (csv_infer_type)__builtin_ctz(column->types);
    }
    if (types == CSV_INFER_BIT(TEXT)) {
        column->comma_number = (csv_classify(text, true) & CSV_INFER_BIT(DOUBLE)) != 0;
    }
    if (text.len > DOUBLE_DIGITS && (types & CSV_INFER_BIT(DOUBLE)) != 0) {
        column->long_digits |= csv_has_long_digits(text);
    }
    column->types = types;
    return became_text;
}

void csv_infer_row(csv_inference *columns, const csv_row *row, const csv_nulls *nulls,
                   bool decimal_comma)
{
    for (size_t i = 0; i < row->count; i++) {
        const csv_field *field = &row->fields[i];
        if (csv_is_null(nulls, field)) {
            columns[i].nulls++;
            continue;
        }
        hyl_str text = {field->data, field->len};
        if (csv_infer_value(&columns[i], text, decimal_comma)) {
            columns[i].text_line = csv_row_field_line(row, i);
            csv_excerpt(text, columns[i].text_sample, sizeof columns[i].text_sample);
        }
    }
}

csv_infer_type csv_inferred_type(const csv_inference *column)
{
    if (column->values == 0) {
        return CSV_INFER_TEXT;
    }
    return (csv_infer_type)__builtin_ctz(column->types);
}

hyl_type csv_infer_sql_type(const csv_inference *column, csv_infer_type type)
{
    if (type == CSV_INFER_WIDE) {
        return hyl_type_numeric(WIDE_DIGITS, column->decimals);
    }
    switch (type) {
#define CSV_INFER_CASE(name, sql_type) \
    case CSV_INFER_##name:             \
        return sql_type;
        CSV_INFER_MAP(CSV_INFER_CASE)
#undef CSV_INFER_CASE
    case CSV_INFER_COUNT:
        break;
    }
    return hyl_type_of(HYL_TYPE_TEXT);
}
