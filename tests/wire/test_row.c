#include "support/test.h"

#include "support/guard.h"
#include "support/hex.h"

#include "wire/row.h"

static hyl_error err;

static guarded body_of(const char *hex)
{
    hyl_buf bytes = HYL_BUF_INIT;
    hex_append(&bytes, hex);
    guarded body = guard_bytes(bytes.data, bytes.len);
    hyl_buf_reset(&bytes);
    return body;
}

static const char three_cells[] = "0003 00000002 6162 ffffffff 00000000";

static void assert_three_cells(const hyl_bytes cells[3])
{
    assert_int_equal(cells[0].len, 2);
    assert_memory_equal(cells[0].data, "ab", 2);
    assert_null(cells[1].data);
    assert_int_equal(cells[1].len, 0);
    assert_non_null(cells[2].data);
    assert_int_equal(cells[2].len, 0);
}

static void cells_come_one_by_one(void **state)
{
    (void)state;
    guarded body = body_of(three_cells);
    hyl_msg row;
    hyl_row_iter iter;
    hyl_bytes cells[3];
    hyl_bytes none;
    assert_ok(hyl_msg_parse('D', body.bytes, &row, &err), &err);
    assert_int_equal(row.as.row.column_count, 3);
    hyl_row_iter_init(&iter, &row);
    for (size_t i = 0; i < 3; i++) {
        assert_true(hyl_row_iter_next(&iter, &cells[i]));
    }
    assert_false(hyl_row_iter_next(&iter, &none));
    assert_three_cells(cells);
    guard_release(&body);
}

static void cells_come_all_at_once(void **state)
{
    (void)state;
    guarded body = body_of(three_cells);
    hyl_bytes cells[3];
    assert_ok(hyl__row_cells(body.bytes, cells, 3, &err), &err);
    assert_three_cells(cells);
    guard_release(&body);
}

static void a_row_may_have_no_cells(void **state)
{
    (void)state;
    guarded body = body_of("0000");
    assert_ok(hyl__row_cells(body.bytes, NULL, 0, &err), &err);
    guard_release(&body);
}

/* Bodies of rows of two columns that lie. */
static const char *const lies[] = {
    "",
    "00",
    "0002",
    "0002 00000001 61",             /* the second cell is missing */
    "0002 00000001 61 000000",      /* its length is cut */
    "0002 00000001 61 00000002 62", /* its value is cut */
    "0002 00000001 61 7fffffff 62", /* a length of 2 GB */
    "0002 00000001 61 fffffffe",    /* a negative length other than NULL's */
    "0002 80000000 61 00000000",    /* the most negative one */
    "0002 ffffffff ffffffff 00",    /* a byte too many */
    "0001 ffffffff ffffffff",       /* fewer columns than there are */
    "0003 ffffffff ffffffff",       /* more */
    "ffff ffffffff ffffffff",
};

static void rows_that_lie_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        guarded body = body_of(lies[i]);
        hyl_bytes cells[2];
        hyl_msg row;
        assert_status(hyl__row_cells(body.bytes, cells, 2, &err), HYL_ERR_PROTOCOL, &err);
        assert_non_null(strstr(err.message, "DataRow"));
        assert_status(hyl_msg_parse('D', body.bytes, &row, &err), HYL_ERR_PROTOCOL, &err);
        guard_release(&body);
    }
}

static void another_number_of_columns_is_refused(void **state)
{
    (void)state;
    guarded body = body_of(three_cells);
    hyl_bytes cells[4];
    assert_status(hyl__row_cells(body.bytes, cells, 4, &err), HYL_ERR_PROTOCOL, &err);
    assert_string_equal(err.message, "malformed DataRow: 3 columns, where the result has 4");
    assert_status(hyl__row_cells(body.bytes, cells, 2, &err), HYL_ERR_PROTOCOL, &err);
    guard_release(&body);
}

static void the_message_names_the_column(void **state)
{
    (void)state;
    guarded body = body_of("0002 00000001 61 00000009 62");
    hyl_bytes cells[2];
    assert_status(hyl__row_cells(body.bytes, cells, 2, &err), HYL_ERR_PROTOCOL, &err);
    assert_non_null(strstr(err.message, "column 2"));
    guard_release(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_come_one_by_one),
        cmocka_unit_test(cells_come_all_at_once),
        cmocka_unit_test(a_row_may_have_no_cells),
        cmocka_unit_test(rows_that_lie_are_refused),
        cmocka_unit_test(another_number_of_columns_is_refused),
        cmocka_unit_test(the_message_names_the_column),
    };
    return cmocka_run_group_tests_name("wire/row", tests, NULL, NULL);
}
