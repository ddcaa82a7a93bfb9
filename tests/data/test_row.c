#include "support/test.h"

#include "support/alloc.h"

#include "base/endian.h"
#include "data/result.h"

#include <hyperline/hyperline.h>

static hyl_error err;

/* ---- Rows of our own ------------------------------------------------------------------------- */

/* A row of two columns, "a" and "b"; the second is what a test is about. */
static struct {
    hyl_row row;
    hyl_bytes cells[2];
    hyl_column columns[2];
    hyl__cell_shape shapes[2];
    hyl__scratch scratch;
} own;

static const hyl_row *row_of(hyl_type type, hyl_format format, const void *bytes, size_t len)
{
    hyl__scratch_clear(&own.scratch);
    own.columns[0] = (hyl_column){"a", 1, hyl_type_of(HYL_TYPE_INT), HYL_FORMAT_HYPERBINARY};
    own.columns[1] = (hyl_column){"b", 1, type, format};
    own.cells[0] = (hyl_bytes){(const uint8_t *)"\1\0\0\0", 4};
    own.cells[1] = (hyl_bytes){bytes, len};
    own.shapes[0] = (hyl__cell_shape){hyl__binary_type(&own.columns[0]), 0};
    own.shapes[1] = (hyl__cell_shape){hyl__binary_type(&own.columns[1]), 0};
    own.row = (hyl_row){
        .cells = own.cells,
        .columns = own.columns,
        .shapes = own.shapes,
        .count = 2,
        .scratch = &own.scratch,
    };
    return &own.row;
}

static const hyl_row *text_row(hyl_type type, const char *text)
{
    return row_of(type, HYL_FORMAT_TEXT, text, strlen(text));
}

/* ---- The getters ----------------------------------------------------------------------------- */

/* X(name, type of its value, what it is called where it does not fit) */
#define GETTER_MAP(X)                                   \
    X(bool, bool, "boolean")                            \
    X(i16, int16_t, "smallint")                         \
    X(i32, int32_t, "integer")                          \
    X(u32, uint32_t, "oid")                             \
    X(i64, int64_t, "bigint")                           \
    X(f32, float, "real")                               \
    X(f64, double, "double precision")                  \
    X(numeric, hyl_numeric, "numeric")                  \
    X(str, hyl_str, "text")                             \
    X(bytes, hyl_bytes, "bytes")                        \
    X(date, int32_t, "date")                            \
    X(time, int64_t, "time")                            \
    X(timestamp, int64_t, "timestamp")                  \
    X(timestamptz, int64_t, "timestamp with time zone") \
    X(interval, hyl_interval, "interval")

typedef struct getter {
    const char *name;
    const char *wanted;
    hyl_status (*get)(const hyl_row *row, size_t column, void *out);
} getter;

#define CALL(name, type, wanted)                                                \
    static hyl_status call_##name(const hyl_row *row, size_t column, void *out) \
    {                                                                           \
        return hyl_row_get_##name(row, column, out, &err);                      \
    }
GETTER_MAP(CALL)
#undef CALL

static hyl_status call_uuid(const hyl_row *row, size_t column, void *out)
{
    return hyl_row_get_uuid(row, column, out, &err);
}

static const getter getters[] = {
#define GETTER(name, type, wanted) {#name, wanted, call_##name},
    GETTER_MAP(GETTER)
#undef GETTER
        {"uuid", "uuid", call_uuid},
};

enum { GETTER_COUNT = sizeof getters / sizeof getters[0] };

/* Room for any getter's value. */
typedef union any_value {
#define MEMBER(name, type, wanted) type name##_value;
    GETTER_MAP(MEMBER)
#undef MEMBER
    uint8_t uuid[16];
} any_value;

/* ---- The matrix ------------------------------------------------------------------------------ */

/*
 * Which getters a type has, as hyperline.h says it, with a value in both formats. The text form
 * adds `str` to each.
 */
typedef struct type_case {
    hyl_type_id id;
    int precision; /* numeric */
    int scale;
    const char *getters; /* each between blanks */
    const char *binary;
    size_t binary_len;
    const char *text;
} type_case;

#define BINARY(bytes) bytes, sizeof(bytes) - 1

static const type_case type_cases[] = {
    {HYL_TYPE_BOOL, 0, 0, " bool ", BINARY("\1"), "t"},
    {HYL_TYPE_SMALLINT, 0, 0, " i16 i32 i64 f64 numeric ", BINARY("\x2a\0"), "42"},
    {HYL_TYPE_INT, 0, 0, " i32 i64 f64 numeric ", BINARY("\x2a\0\0\0"), "42"},
    {HYL_TYPE_BIGINT, 0, 0, " i64 numeric ", BINARY("\x2a\0\0\0\0\0\0\0"), "42"},
    {HYL_TYPE_REAL, 0, 0, " f32 f64 ", BINARY("\0\0\x28\x42"), "42"},
    {HYL_TYPE_DOUBLE, 0, 0, " f64 ", BINARY("\0\0\0\0\0\0\x45\x40"), "42"},
    {HYL_TYPE_NUMERIC, 18, 0, " numeric i64 ", BINARY("\x2a\0\0\0\0\0\0\0"), "42"},
    {HYL_TYPE_NUMERIC, 18, 2, " numeric ", BINARY("\x68\x10\0\0\0\0\0\0"), "42.00"},
    {HYL_TYPE_NUMERIC, 19, 0, " numeric ", BINARY("\x2a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "42"},
    {HYL_TYPE_OID, 0, 0, " u32 i64 ", BINARY("\x2a\0\0\0"), "42"},
    {HYL_TYPE_TEXT, 0, 0, " str bytes ", BINARY("42"), "42"},
    {HYL_TYPE_VARCHAR, 0, 0, " str bytes ", BINARY("42"), "42"},
    {HYL_TYPE_CHAR, 0, 0, " str bytes ", BINARY("42 "), "42 "},
    {HYL_TYPE_CHAR1, 0, 0, " str bytes ", BINARY("4"), "4"},
    {HYL_TYPE_JSON, 0, 0, " str bytes ", BINARY("42"), "42"},
    {HYL_TYPE_BYTES, 0, 0, " bytes ", BINARY("\0\xff"), "\\x00ff"},
    {HYL_TYPE_DATE, 0, 0, " date timestamp ", BINARY("\x5b\x68\x25\0"), "2000-01-03"},
    {HYL_TYPE_TIME, 0, 0, " time ", BINARY("\x40\x42\x0f\0\0\0\0\0"), "00:00:01"},
    {HYL_TYPE_TIMESTAMP, 0, 0, " timestamp ", BINARY("\x40\xa2\xef\xbe\x3e\x83\xf0\x02"),
     "2000-01-01 00:00:01"},
    {HYL_TYPE_TIMESTAMPTZ, 0, 0, " timestamptz ", BINARY("\x40\xa2\xef\xbe\x3e\x83\xf0\x02"),
     "2000-01-01 00:00:01+00"},
    {HYL_TYPE_INTERVAL, 0, 0, " interval ", BINARY("\x40\x42\x0f\0\0\0\0\0\2\0\0\0\3\0\0\0"),
     "P3M2DT1S"},
    {HYL_TYPE_GEOGRAPHY, 0, 0, " bytes ", BINARY("\x07\xaa\x02"), "POINT(1 2)"},
    {HYL_TYPE_UUID, 0, 0, " uuid ", BINARY("\17\16\15\14\13\12\11\10\7\6\5\4\3\2\1\0"),
     "00010203-0405-0607-0809-0a0b0c0d0e0f"},
    {HYL_TYPE_ARRAY, 0, 0, " ", BINARY("\1\0\0\0\0"), "[1]"},
    {HYL_TYPE_UNKNOWN, 0, 0, " ", BINARY("??"), "??"},
};

enum { TYPE_CASE_COUNT = sizeof type_cases / sizeof type_cases[0] };

static hyl_type type_of(const type_case *now)
{
    switch (now->id) {
    case HYL_TYPE_NUMERIC:
        return hyl_type_numeric(now->precision, now->scale);
    case HYL_TYPE_ARRAY:
        return hyl_type_from_oid(1007, -1);
    case HYL_TYPE_UNKNOWN:
        return hyl_type_from_oid(99999, -1);
    default:
        return hyl_type_of(now->id);
    }
}

static bool has_getter(const type_case *now, hyl_format format, const char *name)
{
    char word[20];
    snprintf(word, sizeof word, " %s ", name);
    if (format == HYL_FORMAT_TEXT && strcmp(name, "str") == 0) {
        return true;
    }
    /* Only the server knows the way from its text back to its encoding. */
    bool no_way_back = now->id == HYL_TYPE_GEOGRAPHY && format == HYL_FORMAT_TEXT;
    return strstr(now->getters, word) != NULL && !no_way_back;
}

static void assert_type_error(const type_case *now, hyl_format format, const getter *by,
                              hyl_status status)
{
    hyl_buf name = HYL_BUF_INIT;
    hyl_type_format(type_of(now), &name);
    hyl_buf_append_byte(&name, 0);
    const char *actual = (const char *)name.data;
    bool no_way_back = now->id == HYL_TYPE_GEOGRAPHY && format == HYL_FORMAT_TEXT;
    if (status != HYL_ERR_TYPE || strstr(err.message, "column 2 \"b\"") == NULL ||
        (!no_way_back &&
         (strstr(err.message, actual) == NULL || strstr(err.message, by->wanted) == NULL))) {
        fail_msg("%s as %s: %s: %s", actual, by->name, hyl_status_name(status), err.message);
    }
    hyl_buf_reset(&name);
}

static void check_matrix(hyl_format format)
{
    for (size_t i = 0; i < TYPE_CASE_COUNT; i++) {
        const type_case *now = &type_cases[i];
        const hyl_row *row = format == HYL_FORMAT_TEXT
                                 ? text_row(type_of(now), now->text)
                                 : row_of(type_of(now), format, now->binary, now->binary_len);
        for (size_t j = 0; j < GETTER_COUNT; j++) {
            any_value value;
            err = (hyl_error)HYL_ERROR_INIT;
            hyl_status status = getters[j].get(row, 1, &value);
            if (!has_getter(now, format, getters[j].name)) {
                assert_type_error(now, format, &getters[j], status);
            } else if (status != HYL_OK) {
                fail_msg("%s as %s: %s", hyl_type_name(now->id), getters[j].name, err.message);
            }
        }
        hyl__scratch_clear(&own.scratch);
    }
}

static void a_type_has_its_getters_and_no_other(void **state)
{
    (void)state;
    check_matrix(HYL_FORMAT_HYPERBINARY);
}

static void in_text_too(void **state)
{
    (void)state;
    check_matrix(HYL_FORMAT_TEXT);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static bool same_value(const getter *by, const any_value *a, const any_value *b)
{
    if (strcmp(by->name, "numeric") == 0) { /* whose padding need not be the same */
        const hyl_numeric *x = &a->numeric_value;
        const hyl_numeric *y = &b->numeric_value;
        return x->lo == y->lo && x->hi == y->hi && x->precision == y->precision &&
               x->scale == y->scale;
    }
    return memcmp(a, b, sizeof *a) == 0;
}

/* Both formats of a type case give the same value by every getter that it has. */
static void both_formats_give_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < TYPE_CASE_COUNT; i++) {
        const type_case *now = &type_cases[i];
        bool views = hyl_type_width(type_of(now)) == 0;
        for (size_t j = 0; j < GETTER_COUNT; j++) {
            any_value binary;
            any_value text;
            if (views || !has_getter(now, HYL_FORMAT_HYPERBINARY, getters[j].name)) {
                continue;
            }
            memset(&binary, 0, sizeof binary);
            memset(&text, 0, sizeof text);
            const hyl_row *row =
                row_of(type_of(now), HYL_FORMAT_HYPERBINARY, now->binary, now->binary_len);
            assert_ok(getters[j].get(row, 1, &binary), &err);
            assert_ok(getters[j].get(text_row(type_of(now), now->text), 1, &text), &err);
            assert_true(same_value(&getters[j], &binary, &text));
        }
    }
}

enum { STRIDE = 17, THIRD = 2 };

/* The third row of a batch, in whose values the binary one of a type case stands once. */
static const hyl_row *batch_row(const type_case *now, uint8_t values[3 * STRIDE])
{
    memset(values, 0xee, 3 * STRIDE);
    memcpy(values + THIRD * STRIDE, now->binary, now->binary_len);
    row_of(type_of(now), HYL_FORMAT_HYPERBINARY, values, now->binary_len);
    own.shapes[1].stride = STRIDE;
    own.row.index = THIRD;
    return &own.row;
}

/* A row that lies strides behind its batch's first is read like any other. */
static void a_row_of_a_batch_gives_the_same(void **state)
{
    (void)state;
    uint8_t values[3 * STRIDE];
    hyl_bytes raw;
    for (size_t i = 0; i < TYPE_CASE_COUNT; i++) {
        const type_case *now = &type_cases[i];
        bool views = hyl_type_width(type_of(now)) == 0;
        for (size_t j = 0; !views && j < GETTER_COUNT; j++) {
            any_value alone;
            any_value third;
            if (!has_getter(now, HYL_FORMAT_HYPERBINARY, getters[j].name)) {
                continue;
            }
            memset(&alone, 0, sizeof alone);
            memset(&third, 0, sizeof third);
            const hyl_row *row =
                row_of(type_of(now), HYL_FORMAT_HYPERBINARY, now->binary, now->binary_len);
            assert_ok(getters[j].get(row, 1, &alone), &err);
            assert_ok(getters[j].get(batch_row(now, values), 1, &third), &err);
            assert_true(same_value(&getters[j], &alone, &third));
        }
        assert_ok(hyl_row_raw(batch_row(now, values), 1, &raw, &err), &err);
        assert_ptr_equal(raw.data, values + THIRD * STRIDE);
    }
}

static void whole_numbers_widen_without_loss(void **state)
{
    (void)state;
    int16_t i16 = 0;
    int32_t i32 = 0;
    int64_t i64 = 0;
    double f64 = 0;
    hyl_numeric numeric;
    const hyl_row *row =
        row_of(hyl_type_of(HYL_TYPE_SMALLINT), HYL_FORMAT_HYPERBINARY, "\0\x80", 2);
    assert_ok(hyl_row_get_i16(row, 1, &i16, &err), &err);
    assert_ok(hyl_row_get_i32(row, 1, &i32, &err), &err);
    assert_ok(hyl_row_get_i64(row, 1, &i64, &err), &err);
    assert_ok(hyl_row_get_f64(row, 1, &f64, &err), &err);
    assert_int_equal(i16, INT16_MIN);
    assert_int_equal(i32, INT16_MIN);
    assert_true(i64 == INT16_MIN);
    assert_true(f64 == INT16_MIN);
    row = row_of(hyl_type_of(HYL_TYPE_BIGINT), HYL_FORMAT_HYPERBINARY, "\0\0\0\0\0\0\0\x80", 8);
    assert_ok(hyl_row_get_i64(row, 1, &i64, &err), &err);
    assert_true(i64 == INT64_MIN);
    assert_ok(hyl_row_get_numeric(row, 1, &numeric, &err), &err);
    assert_true(numeric.lo == UINT64_C(1) << 63 && numeric.hi == -1);
    assert_int_equal(numeric.scale, 0);
    assert_int_equal(numeric.precision, 19);
    row = row_of(hyl_type_of(HYL_TYPE_OID), HYL_FORMAT_HYPERBINARY, "\xff\xff\xff\xff", 4);
    assert_ok(hyl_row_get_i64(row, 1, &i64, &err), &err);
    assert_true(i64 == UINT32_MAX);
    row =
        row_of(hyl_type_numeric(18, 0), HYL_FORMAT_HYPERBINARY, "\1\0\x9c\x58\x4c\x49\x1f\xf2", 8);
    assert_ok(hyl_row_get_i64(row, 1, &i64, &err), &err);
    assert_true(i64 == INT64_C(-999999999999999999));
}

static void the_other_column_is_not_touched(void **state)
{
    (void)state;
    int32_t i32 = 0;
    const hyl_row *row = text_row(hyl_type_of(HYL_TYPE_TEXT), "x");
    assert_int_equal(hyl_row_column_count(row), 2);
    assert_ok(hyl_row_get_i32(row, 0, &i32, &err), &err);
    assert_int_equal(i32, 1);
}

/* A day that no date has must not become a timestamp that one could have. */
static void a_date_beyond_the_range_stays_beyond_it(void **state)
{
    (void)state;
    static const char *const days[] = {"\xff\xff\xff\x7f", "\0\0\0\x80", "\x59\x68\x25\x80"};
    for (size_t i = 0; i < 3; i++) {
        int32_t date = 0;
        int64_t micros = 0;
        const hyl_row *row = row_of(hyl_type_of(HYL_TYPE_DATE), HYL_FORMAT_HYPERBINARY, days[i], 4);
        assert_ok(hyl_row_get_date(row, 1, &date, &err), &err);
        assert_false(date >= HYL_DATE_MIN && date <= HYL_DATE_MAX);
        assert_ok(hyl_row_get_timestamp(row, 1, &micros, &err), &err);
        assert_true(micros == (date < 0 ? INT64_MIN : INT64_MAX));
    }
}

static void the_last_date_is_a_timestamp_too(void **state)
{
    (void)state;
    int64_t micros = 0;
    const hyl_row *row =
        row_of(hyl_type_of(HYL_TYPE_DATE), HYL_FORMAT_HYPERBINARY, "\x47\x50\x82\x06", 4);
    assert_ok(hyl_row_get_timestamp(row, 1, &micros, &err), &err);
    assert_true(micros == HYL_DATE_MAX * HYL_MICROS_PER_DAY);
}

/* ---- NULL, missing, malformed ---------------------------------------------------------------- */

static void null_is_an_error_of_its_own(void **state)
{
    (void)state;
    for (size_t format = 0; format <= 2; format += 2) {
        for (size_t i = 0; i < TYPE_CASE_COUNT; i++) {
            const hyl_row *row = row_of(type_of(&type_cases[i]), (hyl_format)format, NULL, 0);
            hyl_buf text = HYL_BUF_INIT;
            hyl_bytes raw;
            hyl_value value;
            assert_true(hyl_row_is_null(row, 1));
            assert_false(hyl_row_is_null(row, 0));
            for (size_t j = 0; j < GETTER_COUNT; j++) {
                any_value any;
                err = (hyl_error)HYL_ERROR_INIT;
                assert_status(getters[j].get(row, 1, &any), HYL_ERR_NULLVAL, &err);
                assert_string_equal(err.message, "column 2 \"b\" is NULL");
            }
            assert_status(hyl_row_raw(row, 1, &raw, &err), HYL_ERR_NULLVAL, &err);
            assert_ok(hyl_row_text(row, 1, &text, &err), &err);
            assert_int_equal(text.len, 0);
            assert_ok(hyl_row_get_value(row, 1, &value, &err), &err);
            assert_true(value.is_null);
            assert_int_equal(value.type, type_cases[i].id);
        }
    }
}

static void there_is_no_third_column(void **state)
{
    (void)state;
    const hyl_row *row = text_row(hyl_type_of(HYL_TYPE_TEXT), "x");
    const size_t columns[] = {2, SIZE_MAX};
    for (size_t i = 0; i < 2; i++) {
        hyl_buf text = HYL_BUF_INIT;
        hyl_bytes raw;
        hyl_value value;
        for (size_t j = 0; j < GETTER_COUNT; j++) {
            any_value any;
            assert_status(getters[j].get(row, columns[i], &any), HYL_ERR_ARG, &err);
            assert_non_null(strstr(err.message, "the result has 2"));
        }
        assert_true(hyl_row_is_null(row, columns[i]));
        assert_status(hyl_row_raw(row, columns[i], &raw, &err), HYL_ERR_ARG, &err);
        assert_status(hyl_row_text(row, columns[i], &text, &err), HYL_ERR_ARG, &err);
        assert_status(hyl_row_get_value(row, columns[i], &value, &err), HYL_ERR_ARG, &err);
    }
    any_value any;
    assert_status(getters[0].get(row, 2, &any), HYL_ERR_ARG, &err);
    assert_string_equal(err.message, "there is no column 3: the result has 2");
}

/* Of each type of fixed width: one byte too few, one too many, none. */
static void a_cell_of_another_size_than_its_type_is_refused(void **state)
{
    (void)state;
    char bytes[32] = "";
    for (size_t i = 0; i < TYPE_CASE_COUNT; i++) {
        const type_case *now = &type_cases[i];
        size_t width = hyl_type_width(type_of(now));
        const size_t sizes[] = {width - 1, width + 1, 0};
        for (size_t j = 0; width > 0 && j < 3; j++) {
            const hyl_row *row = row_of(type_of(now), HYL_FORMAT_HYPERBINARY, bytes, sizes[j]);
            for (size_t k = 0; k < GETTER_COUNT; k++) {
                any_value any;
                if (!has_getter(now, HYL_FORMAT_HYPERBINARY, getters[k].name)) {
                    continue;
                }
                assert_status(getters[k].get(row, 1, &any), HYL_ERR_PROTOCOL, &err);
                assert_non_null(strstr(err.message, "column 2 \"b\""));
            }
            hyl_value value;
            hyl_buf text = HYL_BUF_INIT;
            assert_status(hyl_row_get_value(row, 1, &value, &err), HYL_ERR_PROTOCOL, &err);
            assert_status(hyl_row_text(row, 1, &text, &err), HYL_ERR_PROTOCOL, &err);
            assert_non_null(strstr(err.message, "column 2 \"b\""));
            hyl_buf_reset(&text);
        }
    }
}

static void text_that_is_no_value_is_refused(void **state)
{
    (void)state;
    int32_t i32 = 0;
    double f64 = 0;
    assert_status(hyl_row_get_i32(text_row(hyl_type_of(HYL_TYPE_INT), "4x"), 1, &i32, &err),
                  HYL_ERR_PROTOCOL, &err);
    assert_non_null(strstr(err.message, "column 2 \"b\""));
    assert_status(hyl_row_get_f64(text_row(hyl_type_of(HYL_TYPE_DOUBLE), ""), 1, &f64, &err),
                  HYL_ERR_PROTOCOL, &err);
}

/* ---- Text, raw, views ------------------------------------------------------------------------ */

static void assert_text(const hyl_row *row, const char *expected)
{
    hyl_buf text = HYL_BUF_INIT;
    hyl_buf_append_str(&text, "<");
    assert_ok(hyl_row_text(row, 1, &text, &err), &err);
    hyl_buf_append_str(&text, ">");
    hyl_buf_append_byte(&text, 0);
    assert_int_equal(text.data[0], '<');
    assert_int_equal(text.data[text.len - 2], '>');
    text.data[text.len - 2] = '\0';
    assert_string_equal((char *)text.data + 1, expected);
    hyl_buf_reset(&text);
}

static void text_is_appended(void **state)
{
    (void)state;
    uint8_t values[3 * STRIDE];
    for (size_t i = 0; i < TYPE_CASE_COUNT; i++) {
        const type_case *now = &type_cases[i];
        assert_text(text_row(type_of(now), now->text), now->text);
        if (now->id != HYL_TYPE_GEOGRAPHY && now->id != HYL_TYPE_UNKNOWN) {
            assert_text(row_of(type_of(now), HYL_FORMAT_HYPERBINARY, now->binary, now->binary_len),
                        now->text);
            assert_text(batch_row(now, values), now->text);
        }
    }
}

static void what_only_the_server_can_write_has_no_text(void **state)
{
    (void)state;
    hyl_buf text = HYL_BUF_INIT;
    const hyl_type_id ids[] = {HYL_TYPE_GEOGRAPHY, HYL_TYPE_UNKNOWN};
    for (size_t i = 0; i < 2; i++) {
        const hyl_row *row = row_of(hyl_type_of(ids[i]), HYL_FORMAT_HYPERBINARY, "\x07", 1);
        assert_status(hyl_row_text(row, 1, &text, &err), HYL_ERR_TYPE, &err);
        assert_non_null(strstr(err.message, "column 2 \"b\""));
    }
    hyl_buf_reset(&text);
}

static void raw_bytes_are_the_cells(void **state)
{
    (void)state;
    hyl_bytes raw;
    hyl_str str;
    const hyl_row *row = row_of(hyl_type_of(HYL_TYPE_TEXT), HYL_FORMAT_HYPERBINARY, "a\0b", 3);
    assert_ok(hyl_row_raw(row, 1, &raw, &err), &err);
    assert_ptr_equal(raw.data, own.cells[1].data);
    assert_int_equal(raw.len, 3);
    assert_ok(hyl_row_get_str(row, 1, &str, &err), &err);
    assert_int_equal(str.len, 3);
    assert_ptr_equal(str.data, own.cells[1].data);
    row = row_of(hyl_type_of(HYL_TYPE_TEXT), HYL_FORMAT_HYPERBINARY, "", 0);
    assert_ok(hyl_row_get_str(row, 1, &str, &err), &err);
    assert_int_equal(str.len, 0);
    assert_false(hyl_row_is_null(row, 1));
}

/* What was decoded stays where it is for as long as its row, however much is decoded after it. */
static void decoded_values_stay_while_others_are_got(void **state)
{
    (void)state;
    static char text[200003] = "\\x";
    hyl_bytes first;
    hyl_bytes many[20];
    hyl_value array;
    memset(text + 2, 'a', 200000);
    const hyl_row *row = text_row(hyl_type_of(HYL_TYPE_BYTES), text);
    own.columns[0] = (hyl_column){"a", 1, hyl_type_of(HYL_TYPE_BYTES), HYL_FORMAT_TEXT};
    own.cells[0] = (hyl_bytes){(const uint8_t *)"\\x0102", 6};
    assert_ok(hyl_row_get_bytes(row, 0, &first, &err), &err);
    for (size_t i = 0; i < 20; i++) {
        assert_ok(hyl_row_get_bytes(row, 1, &many[i], &err), &err);
    }
    own.columns[0].type = hyl_type_from_oid(1007, -1);
    own.cells[0] = (hyl_bytes){(const uint8_t *)"[1,2]", 5};
    assert_ok(hyl_row_get_value(row, 0, &array, &err), &err);
    assert_int_equal(array.as.bytes.len, 9);
    assert_int_equal(first.len, 2);
    assert_memory_equal(first.data, "\1\2", 2);
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(many[i].len, 100000);
        assert_int_equal(many[i].data[99999], 0xaa);
    }
    hyl__scratch_clear(&own.scratch);
}

static void without_memory_a_value_is_not_got(void **state)
{
    (void)state;
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        const hyl_row *row = text_row(hyl_type_of(HYL_TYPE_BYTES), "\\x0102");
        hyl_bytes bytes;
        alloc_start(n);
        hyl_status status = hyl_row_get_bytes(row, 1, &bytes, &err);
        failed = alloc_failed();
        assert_int_equal(status, failed ? HYL_ERR_NOMEM : HYL_OK);
        hyl__scratch_clear(&own.scratch);
        alloc_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_has_its_getters_and_no_other),
        cmocka_unit_test(in_text_too),
        cmocka_unit_test(both_formats_give_the_same),
        cmocka_unit_test(a_row_of_a_batch_gives_the_same),
        cmocka_unit_test(whole_numbers_widen_without_loss),
        cmocka_unit_test(the_other_column_is_not_touched),
        cmocka_unit_test(a_date_beyond_the_range_stays_beyond_it),
        cmocka_unit_test(the_last_date_is_a_timestamp_too),
        cmocka_unit_test(null_is_an_error_of_its_own),
        cmocka_unit_test(there_is_no_third_column),
        cmocka_unit_test(a_cell_of_another_size_than_its_type_is_refused),
        cmocka_unit_test(text_that_is_no_value_is_refused),
        cmocka_unit_test(text_is_appended),
        cmocka_unit_test(what_only_the_server_can_write_has_no_text),
        cmocka_unit_test(raw_bytes_are_the_cells),
        cmocka_unit_test(decoded_values_stay_while_others_are_got),
        cmocka_unit_test(without_memory_a_value_is_not_got),
    };
    return cmocka_run_group_tests_name("data/row", tests, NULL, NULL);
}
