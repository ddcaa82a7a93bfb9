#include "expect.h"

typedef struct table {
    const char *sql_type;
    const char *literal;
    const char *constraint; /* "NULL" or "NOT NULL" */
    uint32_t oid;
    int32_t typmod;
    const char *stream; /* hexadecimal digits */
} table;

/* Recorded: a COPY of each table, of one column that holds the literal and, where it may, NULL. */
static const table tables[] = {
#define TABLE(sql_type, literal, constraint, oid, typmod, stream) \
    {sql_type, literal, constraint, oid, typmod, stream},
#include "tables.inc"
#undef TABLE
};

enum { TABLE_COUNT = sizeof tables / sizeof tables[0], HEADER_LEN = 19 };

static hyl_type type_of(const table *t)
{
    hyl_type type = hyl_type_from_oid(t->oid, t->typmod);
    type.element_not_null = strstr(t->sql_type, "not null)") != NULL;
    return type;
}

/* Reads the stream's fields and writes them again: the same bytes. */
static void a_recorded_stream_round_trips(void **state)
{
    const table *t = *state;
    const hyl_type type = type_of(t);
    const bool nullable = strcmp(t->constraint, "NULL") == 0;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf input = HYL_BUF_INIT;
    hyl_buf again = HYL_BUF_INIT;
    hex_append(&input, t->stream);
    guarded copy = guard_bytes(input.data, input.len);
    size_t offset = HEADER_LEN;
    int rows = 0;
    hyl_copy_header(&again);
    for (hyl_status status = HYL_OK; status == HYL_OK; rows++) {
        hyl_value value;
        status = hyl_copy_field_decode(type, nullable, copy.bytes, &offset, &value, &err);
        if (status == HYL_OK) {
            assert_int_equal(value.is_null, rows == 1);
            assert_ok(hyl_copy_field(type, nullable, &value, &again, &err), &err);
        } else {
            assert_status(status, HYL_AGAIN, &err);
        }
    }
    assert_int_equal(offset, input.len);
    assert_int_equal(rows - 1, nullable ? 2 : 1);
    expect_hex(&again, t->stream);
    guard_release(&copy);
    hyl_buf_reset(&input);
}

/* Each cut of the row is not enough, and moves nothing. */
static void a_cut_field_asks_for_more(void **state)
{
    const table *t = *state;
    const hyl_type type = type_of(t);
    const bool nullable = strcmp(t->constraint, "NULL") == 0;
    hyl_buf input = HYL_BUF_INIT;
    hex_append(&input, t->stream);
    const size_t end = nullable ? input.len - 1 : input.len; /* of the first field */
    for (size_t len = HEADER_LEN; len < end; len++) {
        guarded copy = guard_bytes(input.data, len);
        size_t offset = HEADER_LEN;
        hyl_value value;
        assert_int_equal(hyl_copy_field_decode(type, nullable, copy.bytes, &offset, &value, NULL),
                         HYL_AGAIN);
        assert_int_equal(offset, HEADER_LEN);
        guard_release(&copy);
    }
    hyl_buf_reset(&input);
}

static void null_is_refused_where_it_may_not_be(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    const hyl_value null = {.type = HYL_TYPE_INT, .is_null = true};
    const hyl_type type = hyl_type_of(HYL_TYPE_INT);
    assert_status(hyl_copy_field(type, false, &null, &out, &err), HYL_ERR_NULLVAL, &err);
    assert_int_equal(out.len, 0);
    assert_ok(hyl_copy_field(type, true, &null, &out, &err), &err);
    expect_hex(&out, "01");
}

/* Any byte but 0 says NULL. */
static void any_indicator_but_zero_is_null(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_value value;
    size_t offset = 0;
    const uint8_t bytes[] = {0xff, 7};
    assert_ok(hyl_copy_field_decode(hyl_type_of(HYL_TYPE_INT), true, (hyl_bytes){bytes, 2}, &offset,
                                    &value, &err),
              &err);
    assert_true(value.is_null);
    assert_int_equal(offset, 1);
}

static void a_field_that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    hyl_value value = string_value(HYL_TYPE_TEXT, "abcd");
    hyl_buf_append_str(&out, "kept");
    assert_status(hyl_copy_field(hyl_type_from_oid(1043, 7), true, &value, &out, &err),
                  HYL_ERR_RANGE, &err);
    value.type = HYL_TYPE_UNKNOWN;
    assert_status(hyl_copy_field(hyl_type_from_oid(705, -1), true, &value, &out, &err),
                  HYL_ERR_TYPE, &err);
    expect_text(&out, "kept");
}

static void bad_contents_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t oid;
        const char *digits;
        hyl_status wanted;
    } cases[] = {
        {16, "02", HYL_ERR_PROTOCOL},       {1082, "ffffffff", HYL_ERR_RANGE},
        {25, "ffffffff61", HYL_AGAIN},      {1007, "02000000 0000", HYL_ERR_PROTOCOL},
        {18, "00000000", HYL_ERR_PROTOCOL}, {705, "00", HYL_ERR_TYPE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_buf input = HYL_BUF_INIT;
        hyl_value value;
        size_t offset = 0;
        hex_append(&input, cases[i].digits);
        guarded copy = guard_bytes(input.data, input.len);
        assert_int_equal(hyl_copy_field_decode(hyl_type_from_oid(cases[i].oid, -1), false,
                                               copy.bytes, &offset, &value, NULL),
                         cases[i].wanted);
        assert_int_equal(offset, 0);
        guard_release(&copy);
        hyl_buf_reset(&input);
    }
}

static void the_header_is_hyper_copy(void **state)
{
    (void)state;
    hyl_buf out = HYL_BUF_INIT;
    hyl_copy_header(&out);
    expect_hex(&out, "485052435059 00000000000000000000000000");
}

int main(void)
{
    static char names[2 * TABLE_COUNT][96];
    static struct CMUnitTest recorded[2 * TABLE_COUNT];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_refused_where_it_may_not_be),
        cmocka_unit_test(any_indicator_but_zero_is_null),
        cmocka_unit_test(a_field_that_fails_leaves_nothing_behind),
        cmocka_unit_test(bad_contents_are_refused),
        cmocka_unit_test(the_header_is_hyper_copy),
    };
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        void *t = (void *)(uintptr_t)&tables[i];
        snprintf(names[2 * i], sizeof names[0], "%s %s", tables[i].sql_type, tables[i].constraint);
        snprintf(names[2 * i + 1], sizeof names[0], "%s %s, cut", tables[i].sql_type,
                 tables[i].constraint);
        recorded[2 * i] =
            (struct CMUnitTest){names[2 * i], a_recorded_stream_round_trips, NULL, NULL, t};
        recorded[2 * i + 1] =
            (struct CMUnitTest){names[2 * i + 1], a_cut_field_asks_for_more, NULL, NULL, t};
    }
    int failed = cmocka_run_group_tests_name("copy_field", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("recorded COPY", recorded, NULL, NULL);
}
