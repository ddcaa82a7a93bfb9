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

/* ---- Layouts --------------------------------------------------------------------------------- */

/* A message of columns of 4 and 8 bytes. */
static const char two_numbers[] = "44 0000001a 0002 00000004 01020304 00000008 1112131415161718";
enum { FIRST_VALUE = 11, SECOND_VALUE = 19, TWO_NUMBERS_SIZE = 27 };

typedef struct two_layout {
    hyl__row_layout layout;
    hyl__fixed_cell cells[2];
    hyl_bytes values[2];
} two_layout;

static void set_two(two_layout *two, size_t first, size_t second, uint32_t max_body)
{
    *two = (two_layout){.layout.cells = two->cells, .values = {{NULL, first}, {NULL, second}}};
    hyl__row_layout_set(&two->layout, two->values, 2, max_body);
}

static void a_row_of_the_layout_is_viewed(void **state)
{
    (void)state;
    two_layout two;
    guarded message = body_of(two_numbers);
    hyl_bytes cells[2];
    set_two(&two, 4, 8, 1000);
    assert_int_equal(two.layout.size, TWO_NUMBERS_SIZE);
    assert_int_equal(message.bytes.len, TWO_NUMBERS_SIZE);
    assert_true(hyl__row_matches(&two.layout, message.bytes.data, two.values));
    const hyl_bytes body = {message.bytes.data + 5, message.bytes.len - 5};
    assert_true(hyl__row_view(body, cells, 2));
    for (size_t i = 0; i < 2; i++) {
        assert_ptr_equal(two.values[i].data, cells[i].data);
        assert_int_equal(two.values[i].len, cells[i].len);
    }
    guard_release(&message);
}

/* The smallest that there is, at the end of memory. */
static void a_row_of_one_byte_has_a_layout(void **state)
{
    (void)state;
    hyl__fixed_cell cell;
    hyl_bytes value = {NULL, 1};
    hyl__row_layout layout = {.cells = &cell};
    guarded message = body_of("44 0000000b 0001 00000001 2a");
    hyl__row_layout_set(&layout, &value, 1, 1000);
    assert_int_equal(layout.size, message.bytes.len);
    assert_true(hyl__row_matches(&layout, message.bytes.data, &value));
    assert_int_equal(value.data[0], 0x2a);
    guard_release(&message);
}

static bool is_value_byte(size_t at)
{
    return (at >= FIRST_VALUE && at < FIRST_VALUE + 4) || at >= SECOND_VALUE;
}

static void every_bit_but_the_values_tells_another_layout(void **state)
{
    (void)state;
    two_layout two;
    hyl_buf message = HYL_BUF_INIT;
    hex_append(&message, two_numbers);
    set_two(&two, 4, 8, 1000);
    for (size_t bit = 0; bit < (size_t)TWO_NUMBERS_SIZE * 8; bit++) {
        message.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(hyl__row_matches(&two.layout, message.data, two.values),
                         is_value_byte(bit / 8));
        message.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    hyl_buf_reset(&message);
}

static void some_rows_have_no_layout(void **state)
{
    (void)state;
    two_layout two;
    set_two(&two, 0, 8, 1000);
    assert_true(two.layout.size == SIZE_MAX);
    set_two(&two, 4, 0, 1000);
    assert_true(two.layout.size == SIZE_MAX);
    set_two(&two, 4, 8, TWO_NUMBERS_SIZE - 5);
    assert_int_equal(two.layout.size, TWO_NUMBERS_SIZE);
    set_two(&two, 4, 8, TWO_NUMBERS_SIZE - 6);
    assert_true(two.layout.size == SIZE_MAX);
    hyl__row_layout_set(&two.layout, NULL, 0, 1000);
    assert_true(two.layout.size == SIZE_MAX);
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
        cmocka_unit_test(a_row_of_the_layout_is_viewed),
        cmocka_unit_test(a_row_of_one_byte_has_a_layout),
        cmocka_unit_test(every_bit_but_the_values_tells_another_layout),
        cmocka_unit_test(some_rows_have_no_layout),
    };
    return cmocka_run_group_tests_name("wire/row", tests, NULL, NULL);
}
