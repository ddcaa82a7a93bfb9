#include <hyperline/insert.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/opts.h"
#include "conn/conn.h"
#include "loader.h"

#define UNLIKELY(x) __builtin_expect(!!(x), 0)

struct hyl_inserter {
    hyl__loader loader;
    size_t next;        /* the column of the next value */
    int64_t rows;       /* that were ended and not dropped */
    int64_t dropped;    /* rows */
    bool is_open;       /* values may come: neither refused nor over */
    hyl_status state;   /* OK: under way. DONE: finished. Below 0: `error` for good */
    hyl_status refusal; /* below 0: the row was refused with `error` */
    hyl_error error;
    hyl_column *columns;
};

/* ---- Opening ------------------------------------------------------------------------------- */

static hyl_status describe_columns(hyl_inserter *ins, hyl_error *err)
{
    const hyl__table *table = &ins->loader.table;
    ins->columns = hyl__calloc(table->count, sizeof *ins->columns);
    if (ins->columns == NULL) {
        return hyl__fail_nomem(err);
    }
    for (size_t i = 0; i < table->count; i++) {
        const hyl__table_column *from = &table->columns[i];
        ins->columns[i] =
            (hyl_column){from->name, strlen(from->name), from->type, HYL_FORMAT_HYPERBINARY};
    }
    return HYL_OK;
}

static hyl_status read_table(hyl_conn *conn, const char *name, const char *const *columns,
                             size_t column_count, hyl__table *table, hyl_error *err)
{
    HYL_TRY(hyl__table_read(conn, name, table, err));
    if (columns == NULL) {
        return HYL_OK;
    }
    hyl_status status = column_count > 0
                            ? hyl__table_select(table, columns, column_count, err)
                            : hyl__fail(err, HYL_ERR_ARG, "an inserter needs at least one column");
    if (status < 0) {
        hyl__table_reset(table);
    }
    return status;
}

hyl_status hyl_inserter_open(hyl_conn *conn, const char *table, const char *const *columns,
                             size_t column_count, const hyl_insert_opts *opts, hyl_inserter **out,
                             hyl_error *err)
{
    hyl__table described;
    hyl_insert_opts read = HYL_INSERT_OPTS_INIT;
    HYL_TRY(hyl__opts_read(&read, sizeof read, opts, "HYL_INSERT_OPTS_INIT", err));
    HYL_TRY(read_table(conn, table, columns, column_count, &described, err));
    hyl_inserter *ins = hyl__calloc(1, sizeof *ins);
    if (ins == NULL) {
        hyl__table_reset(&described);
        return hyl__fail_nomem(err);
    }
    hyl_status status = hyl__loader_init(&ins->loader, conn, &described, &read, err);
    if (status == HYL_OK) {
        status = describe_columns(ins, err);
    }
    if (status < 0) {
        hyl_inserter_free(ins);
        return status;
    }
    ins->is_open = true;
    *out = ins;
    return HYL_OK;
}

size_t hyl_inserter_column_count(const hyl_inserter *ins)
{
    return ins->loader.table.count;
}

const hyl_column *hyl_inserter_column(const hyl_inserter *ins, size_t index)
{
    return index < ins->loader.table.count ? &ins->columns[index] : NULL;
}

int64_t hyl_inserter_rows(const hyl_inserter *ins)
{
    return ins->rows;
}

/* ---- What goes wrong ----------------------------------------------------------------------- */

static int64_t row_number(const hyl_inserter *ins)
{
    return ins->rows + ins->dropped + 1;
}

static hyl_status give_error(const hyl_inserter *ins, hyl_error *err)
{
    if (err != NULL) {
        *err = ins->error;
    }
    return ins->error.status;
}

/* The row is refused with ins->error. */
static hyl_status refuse(hyl_inserter *ins, hyl_status status, hyl_error *err)
{
    ins->refusal = status;
    ins->is_open = false;
    return give_error(ins, err);
}

static hyl_status __attribute__((noinline, cold))
refuse_value(hyl_inserter *ins, hyl_status status, hyl_error *err)
{
    const hyl__stage *stage = &ins->loader.stage;
    hyl__stage_name_value(stage, &stage->columns[ins->next], row_number(ins), status, &ins->error);
    return refuse(ins, status, err);
}

/* The inserter has failed for good with ins->error. */
static hyl_status fail(hyl_inserter *ins, hyl_error *err)
{
    ins->state = ins->error.status;
    ins->is_open = false;
    return give_error(ins, err);
}

static hyl_status check_state(const hyl_inserter *ins, hyl_error *err)
{
    if (ins->state < 0) {
        return give_error(ins, err);
    }
    return ins->state == HYL_DONE ? hyl__fail(err, HYL_ERR_STATE, "the inserter is finished")
                                  : HYL_OK;
}

/* Why no value may come. */
static hyl_status __attribute__((noinline, cold)) fail_value(hyl_inserter *ins, hyl_error *err)
{
    HYL_TRY(check_state(ins, err));
    if (ins->refusal < 0) {
        return give_error(ins, err);
    }
    hyl_status status = hyl__fail(&ins->error, HYL_ERR_ARG, "row %lld has more than %zu values",
                                  (long long)row_number(ins), ins->loader.table.count);
    return refuse(ins, status, err);
}

/* ---- Values -------------------------------------------------------------------------------- */

#define CAN_TAKE(ins) ((ins)->is_open && (ins)->next < (ins)->loader.stage.count)

#define SETTER(name, ctype)                                                         \
    hyl_status hyl_inserter_##name(hyl_inserter *ins, ctype value, hyl_error *err)  \
    {                                                                               \
        if (UNLIKELY(!CAN_TAKE(ins))) {                                             \
            return fail_value(ins, err);                                            \
        }                                                                           \
        hyl__stage *stage = &ins->loader.stage;                                     \
        hyl_status status =                                                         \
            hyl__put_##name(stage, &stage->columns[ins->next], value, &ins->error); \
        if (UNLIKELY(status < 0)) {                                                 \
            return refuse_value(ins, status, err);                                  \
        }                                                                           \
        ins->next++;                                                                \
        return HYL_OK;                                                              \
    }
HYL__PUT_MAP(SETTER)

hyl_status hyl_inserter_null(hyl_inserter *ins, hyl_error *err)
{
    if (UNLIKELY(!CAN_TAKE(ins))) {
        return fail_value(ins, err);
    }
    hyl__stage *stage = &ins->loader.stage;
    hyl_status status = hyl__put_null(stage, &stage->columns[ins->next], &ins->error);
    if (UNLIKELY(status < 0)) {
        return refuse_value(ins, status, err);
    }
    ins->next++;
    return HYL_OK;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

void hyl_inserter_drop_row(hyl_inserter *ins)
{
    if (ins->state != HYL_OK || (ins->next == 0 && ins->refusal == HYL_OK)) {
        return; /* no row is begun */
    }
    hyl__stage_drop_row(&ins->loader.stage);
    ins->next = 0;
    ins->dropped++;
    ins->refusal = HYL_OK;
    ins->is_open = true;
}

/* A row that cannot be ended: it is dropped. */
static hyl_status __attribute__((noinline, cold)) fail_row(hyl_inserter *ins, hyl_error *err)
{
    HYL_TRY(check_state(ins, err));
    if (ins->refusal == HYL_OK) {
        const hyl__table *table = &ins->loader.table;
        ins->refusal = hyl__fail(&ins->error, HYL_ERR_ARG,
                                 "row %lld has %zu of %zu values: column %zu \"%s\" is missing",
                                 (long long)row_number(ins), ins->next, table->count, ins->next + 1,
                                 table->columns[ins->next].name);
    }
    hyl_inserter_drop_row(ins);
    return give_error(ins, err);
}

hyl_status hyl_inserter_end_row(hyl_inserter *ins, hyl_error *err)
{
    hyl__stage *stage = &ins->loader.stage;
    if (UNLIKELY(!ins->is_open || ins->next != stage->count)) {
        return fail_row(ins, err);
    }
    hyl__stage_end_row(stage);
    ins->next = 0;
    ins->rows++;
    if (UNLIKELY(hyl__stage_is_full(stage)) && hyl__loader_send(&ins->loader, &ins->error) < 0) {
        return fail(ins, err);
    }
    return HYL_OK;
}

/* ---- Blocks of rows ------------------------------------------------------------------------ */

#define AT(ctype) (((const ctype *)from->values)[row])

static hyl_status put_element(hyl_inserter *ins, const hyl_colbuf *from, size_t row, hyl_error *err)
{
    if (from->nulls != NULL && from->nulls[row]) {
        return hyl_inserter_null(ins, err);
    }
    switch (from->type) {
    case HYL_TYPE_BOOL:
        return hyl_inserter_bool(ins, AT(bool), err);
    case HYL_TYPE_SMALLINT:
        return hyl_inserter_i16(ins, AT(int16_t), err);
    case HYL_TYPE_INT:
        return hyl_inserter_i32(ins, AT(int32_t), err);
    case HYL_TYPE_BIGINT:
        return hyl_inserter_i64(ins, AT(int64_t), err);
    case HYL_TYPE_OID:
        return hyl_inserter_u32(ins, AT(uint32_t), err);
    case HYL_TYPE_REAL:
        return hyl_inserter_f32(ins, AT(float), err);
    case HYL_TYPE_DOUBLE:
        return hyl_inserter_f64(ins, AT(double), err);
    case HYL_TYPE_NUMERIC:
        return hyl_inserter_numeric(ins, &AT(hyl_numeric), err);
    case HYL_TYPE_TEXT:
    case HYL_TYPE_VARCHAR:
    case HYL_TYPE_CHAR:
    case HYL_TYPE_CHAR1:
    case HYL_TYPE_JSON:
        return hyl_inserter_str(ins, AT(hyl_str), err);
    case HYL_TYPE_BYTES:
    case HYL_TYPE_GEOGRAPHY:
        return hyl_inserter_bytes(ins, AT(hyl_bytes), err);
    case HYL_TYPE_DATE:
        return hyl_inserter_date(ins, AT(int32_t), err);
    case HYL_TYPE_TIME:
        return hyl_inserter_time(ins, AT(int64_t), err);
    case HYL_TYPE_TIMESTAMP:
        return hyl_inserter_timestamp(ins, AT(int64_t), err);
    case HYL_TYPE_TIMESTAMPTZ:
        return hyl_inserter_timestamptz(ins, AT(int64_t), err);
    case HYL_TYPE_INTERVAL:
        return hyl_inserter_interval(ins, AT(hyl_interval), err);
    case HYL_TYPE_UUID:
        return hyl_inserter_uuid(ins, (const uint8_t *)from->values + row * 16, err);
    default:
        return hyl__fail(err, HYL_ERR_ARG, "a column buffer cannot have elements of type %s",
                         hyl_type_name(from->type));
    }
}

static hyl_status put_row(hyl_inserter *ins, const hyl_colbuf *columns, size_t row, hyl_error *err)
{
    for (size_t i = 0; i < ins->loader.stage.count; i++) {
        HYL_TRY(put_element(ins, &columns[i], row, err));
    }
    return hyl_inserter_end_row(ins, err);
}

hyl_status hyl_inserter_columns(hyl_inserter *ins, const hyl_colbuf *columns, size_t column_count,
                                size_t rows, hyl_error *err)
{
    HYL_TRY(check_state(ins, err));
    if (ins->next > 0 || ins->refusal < 0) {
        return hyl__fail(err, HYL_ERR_STATE, "row %lld is begun: end or drop it first",
                         (long long)row_number(ins));
    }
    if (column_count != ins->loader.table.count) {
        return hyl__fail(err, HYL_ERR_ARG, "%zu column buffers for %zu columns", column_count,
                         ins->loader.table.count);
    }
    for (size_t row = 0; row < rows; row++) {
        hyl_status status = put_row(ins, columns, row, err);
        if (status < 0) {
            hyl_inserter_drop_row(ins);
            return status;
        }
    }
    return HYL_OK;
}

/* ---- The end ------------------------------------------------------------------------------- */

hyl_status hyl_inserter_finish(hyl_inserter *ins, int64_t *rows, hyl_error *err)
{
    int64_t inserted = 0;
    HYL_TRY(check_state(ins, err));
    if (ins->refusal < 0) {
        return give_error(ins, err);
    }
    if (ins->next > 0) {
        return hyl__fail(err, HYL_ERR_STATE, "row %lld is begun: end or drop it first",
                         (long long)row_number(ins));
    }
    if (hyl__loader_finish(&ins->loader, &inserted, &ins->error) < 0) {
        return fail(ins, err);
    }
    ins->state = HYL_DONE;
    ins->is_open = false;
    if (rows != NULL) {
        *rows = inserted;
    }
    return HYL_OK;
}

hyl_status hyl_inserter_abort(hyl_inserter *ins, const char *reason, hyl_error *err)
{
    HYL_TRY(check_state(ins, err));
    hyl__fail(&ins->error, HYL_ERR_CANCELLED, "the inserter was aborted");
    ins->state = HYL_ERR_CANCELLED;
    ins->is_open = false;
    return hyl__loader_abort(&ins->loader, reason, err);
}

void hyl_inserter_free(hyl_inserter *ins)
{
    if (ins == NULL) {
        return;
    }
    hyl__loader_reset(&ins->loader);
    hyl__free(ins->columns);
    hyl__free(ins);
}
