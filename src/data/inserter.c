#include <hyperline/insert.h>

#include "base/error.h"
#include "base/mem.h"
#include "base/opts.h"
#include "conn/conn.h"
#include "inserter.h"
#include "stage_columns.h"

#include <pthread.h>

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What an inserter and its parts have in common. */
typedef struct insert_job {
    hyl__loader loader;
    hyl_column *columns;
    pthread_mutex_t lock; /* of the COPY, and of all that follows */
    size_t refs;
    size_t open_parts;
    hyl_status state; /* below 0: the COPY has failed with `error`, for all */
    hyl_error error;
} insert_job;

struct hyl_inserter {
    hyl__stage_column *at;  /* the column of the next value */
    hyl__stage_column *end; /* `at` where no value may come */
    hyl__stage *stage;
    int64_t rows;       /* that were ended and not dropped */
    int64_t dropped;    /* rows */
    bool is_open;       /* values may come: neither refused nor over */
    hyl_status state;   /* OK: under way. DONE: finished. Below 0: `error` for good */
    hyl_status refusal; /* below 0: the row was refused with `error` */
    hyl_error error;
    insert_job *job;
    hyl__encoder *encoder;
    bool is_part;
    bool is_closed;       /* a part that is over, one way or the other */
    hyl__stage own_stage; /* of a part; an inserter has the loader's */
    hyl__encoder own_encoder;
};

/* ---- Opening ------------------------------------------------------------------------------- */

static hyl_status describe_columns(insert_job *job, hyl_error *err)
{
    const hyl__table *table = &job->loader.table;
    job->columns = hyl__calloc(table->count, sizeof *job->columns);
    if (job->columns == NULL) {
        return hyl__fail_nomem(err);
    }
    for (size_t i = 0; i < table->count; i++) {
        const hyl__table_column *from = &table->columns[i];
        job->columns[i] =
            (hyl_column){from->name, strlen(from->name), from->type, HYL_FORMAT_HYPERBINARY};
    }
    return HYL_OK;
}

static void free_job(insert_job *job)
{
    hyl__loader_reset(&job->loader);
    hyl__free(job->columns);
    pthread_mutex_destroy(&job->lock);
    hyl__free(job);
}

static hyl_status new_job(insert_job **out, hyl_error *err)
{
    insert_job *job = hyl__calloc(1, sizeof *job);
    if (job == NULL || pthread_mutex_init(&job->lock, NULL) != 0) {
        hyl__free(job);
        return hyl__fail_nomem(err);
    }
    job->refs = 1;
    *out = job;
    return HYL_OK;
}

/* Takes the table, also where it fails. */
static hyl_status open_job(hyl_conn *conn, hyl__table *table, char *insert_sql,
                           const hyl_insert_opts *opts, insert_job **out, hyl_error *err)
{
    insert_job *job = NULL;
    hyl_status status = new_job(&job, err);
    if (status < 0) {
        hyl__table_reset(table);
        hyl__free(insert_sql);
        return status;
    }
    status = hyl__loader_init(&job->loader, conn, table, opts, err);
    job->loader.insert_sql = insert_sql;
    if (status == HYL_OK) {
        status = describe_columns(job, err);
    }
    if (status < 0) {
        free_job(job);
        return status;
    }
    *out = job;
    return HYL_OK;
}

static void start_rows(hyl_inserter *ins)
{
    ins->at = ins->stage->columns;
    ins->end = ins->at + ins->stage->count;
    ins->is_open = true;
}

static void stop_rows(hyl_inserter *ins)
{
    ins->end = ins->at;
    ins->is_open = false;
}

hyl_status hyl__insert_opts_read(const hyl_insert_opts *given, hyl_insert_opts *out, hyl_error *err)
{
    *out = (hyl_insert_opts)HYL_INSERT_OPTS_INIT;
    HYL_TRY(hyl__opts_read(out, sizeof *out, given, "HYL_INSERT_OPTS_INIT", err));
    return out->format == HYL_INSERT_AUTO || out->format == HYL_INSERT_HYPERBINARY
               ? HYL_OK
               : hyl__fail(err, HYL_ERR_ARG, "the option format is none: %d", (int)out->format);
}

hyl_status hyl__inserter_new(hyl_conn *conn, hyl__table *table, char *insert_sql,
                             const hyl_insert_opts *opts, hyl_inserter **out, hyl_error *err)
{
    insert_job *job = NULL;
    HYL_TRY(open_job(conn, table, insert_sql, opts, &job, err));
    hyl_inserter *ins = hyl__calloc(1, sizeof *ins);
    if (ins == NULL) {
        free_job(job);
        return hyl__fail_nomem(err);
    }
    ins->job = job;
    ins->stage = &job->loader.stage;
    ins->encoder = &job->loader.encoder;
    start_rows(ins);
    *out = ins;
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
    hyl_insert_opts read;
    HYL_TRY(hyl__insert_opts_read(opts, &read, err));
    HYL_TRY(read_table(conn, table, columns, column_count, &described, err));
    return hyl__inserter_new(conn, &described, NULL, &read, out, err);
}

size_t hyl_inserter_column_count(const hyl_inserter *ins)
{
    return ins->stage->count;
}

const hyl_column *hyl_inserter_column(const hyl_inserter *ins, size_t index)
{
    return index < ins->stage->count ? &ins->job->columns[index] : NULL;
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
    stop_rows(ins);
    return give_error(ins, err);
}

static hyl_status __attribute__((noinline, cold))
refuse_value(hyl_inserter *ins, hyl_status status, hyl_error *err)
{
    hyl__stage_name_value(ins->stage, ins->at, row_number(ins), status, &ins->error);
    return refuse(ins, status, err);
}

/* The rows cannot get in: then none do. The first reason is kept. */
static void fail_job(insert_job *job, const hyl_error *error)
{
    if (job->state == HYL_OK) {
        job->state = error->status;
        job->error = *error;
    }
}

/* The part is over: with all its rows sent, or with all the inserter's rows lost. */
static void close_part(hyl_inserter *part, const hyl_error *error)
{
    pthread_mutex_lock(&part->job->lock);
    part->job->open_parts--;
    if (error != NULL) {
        fail_job(part->job, error);
    }
    pthread_mutex_unlock(&part->job->lock);
    part->is_closed = true;
}

/* The inserter has failed for good with ins->error. */
static hyl_status fail(hyl_inserter *ins, hyl_error *err)
{
    ins->state = ins->error.status;
    stop_rows(ins);
    if (ins->is_part) {
        close_part(ins, &ins->error);
    }
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
                                  (long long)row_number(ins), ins->stage->count);
    return refuse(ins, status, err);
}

/* ---- Values -------------------------------------------------------------------------------- */

/* A value of a kind or in a place that needs a closer look. */
#define PUT_VALUE(put)                                                    \
    do {                                                                  \
        if (UNLIKELY(ins->at == ins->end)) {                              \
            return fail_value(ins, err);                                  \
        }                                                                 \
        hyl_status status = put(ins->stage, ins->at, value, &ins->error); \
        if (UNLIKELY(status < 0)) {                                       \
            return refuse_value(ins, status, err);                        \
        }                                                                 \
        ins->at++;                                                        \
        return HYL_OK;                                                    \
    } while (0)

#define SETTER(name, ctype)                                                        \
    hyl_status hyl_inserter_##name(hyl_inserter *ins, ctype value, hyl_error *err) \
    {                                                                              \
        PUT_VALUE(hyl__put_##name);                                                \
    }

/* The hot path: a value that fits a column of its own type as it is. */
#define PLAIN_SETTER(name, ctype, column_type, fits)                                        \
    static hyl_status __attribute__((noinline))                                             \
    put_##name(hyl_inserter *ins, ctype value, hyl_error *err)                              \
    {                                                                                       \
        PUT_VALUE(hyl__put_##name);                                                         \
    }                                                                                       \
    hyl_status hyl_inserter_##name(hyl_inserter *ins, ctype value, hyl_error *err)          \
    {                                                                                       \
        const hyl__stage_column *column = ins->at;                                          \
        if (LIKELY(column != ins->end && column->id == (column_type) && (fits))) {          \
            memcpy(column->values + ins->stage->rows * sizeof value, &value, sizeof value); \
            ins->at++;                                                                      \
            return HYL_OK;                                                                  \
        }                                                                                   \
        return put_##name(ins, value, err);                                                 \
    }

#define IS_NEAR_TIMESTAMP (value >= HYL__TIMESTAMP_MIN && value <= HYL__ARROW_TIMESTAMP_MAX)

PLAIN_SETTER(bool, bool, HYL_TYPE_BOOL, true)
PLAIN_SETTER(i16, int16_t, HYL_TYPE_SMALLINT, true)
PLAIN_SETTER(i32, int32_t, HYL_TYPE_INT, true)
PLAIN_SETTER(i64, int64_t, HYL_TYPE_BIGINT, true)
PLAIN_SETTER(u32, uint32_t, HYL_TYPE_OID, true)
PLAIN_SETTER(f32, float, HYL_TYPE_REAL, true)
PLAIN_SETTER(f64, double, HYL_TYPE_DOUBLE, true)
PLAIN_SETTER(date, int32_t, HYL_TYPE_DATE, hyl__date_in_range(value))
PLAIN_SETTER(time, int64_t, HYL_TYPE_TIME, value >= 0 && value < HYL_MICROS_PER_DAY)
PLAIN_SETTER(timestamp, int64_t, HYL_TYPE_TIMESTAMP, IS_NEAR_TIMESTAMP)
PLAIN_SETTER(timestamptz, int64_t, HYL_TYPE_TIMESTAMPTZ, IS_NEAR_TIMESTAMP)
SETTER(str, hyl_str)
SETTER(bytes, hyl_bytes)
SETTER(numeric, const hyl_numeric *)
SETTER(interval, hyl_interval)
SETTER(uuid, const uint8_t *)
SETTER(value, const hyl_value *)

hyl_status hyl_inserter_null(hyl_inserter *ins, hyl_error *err)
{
    if (UNLIKELY(ins->at == ins->end)) {
        return fail_value(ins, err);
    }
    hyl_status status = hyl__put_null(ins->stage, ins->at, &ins->error);
    if (UNLIKELY(status < 0)) {
        return refuse_value(ins, status, err);
    }
    ins->at++;
    return HYL_OK;
}

/* ---- Sending ------------------------------------------------------------------------------- */

/* The lock is held. */
static hyl_status write_message(insert_job *job, hyl__encoder *encoder,
                                const hyl__ipc_message *message, hyl_error *error)
{
    if (job->state < 0) {
        *error = job->error;
        return job->state;
    }
    return hyl__loader_write(&job->loader, encoder, message, error);
}

/*
 * Sends the stage's rows. Those of several threads are made into messages at the same time, and
 * sent one message after the other.
 */
static hyl_status send_rows(hyl_inserter *ins)
{
    insert_job *job = ins->job;
    hyl__ipc_message message;
    if (ins->stage->rows == 0) {
        return HYL_OK;
    }
    hyl__loader_decide(&job->loader);
    hyl_status status =
        hyl__loader_encode(&job->loader, ins->encoder, ins->stage, &message, &ins->error);
    pthread_mutex_lock(&job->lock);
    if (status == HYL_OK) {
        status = write_message(job, ins->encoder, &message, &ins->error);
    }
    if (status < 0) {
        fail_job(job, &ins->error);
    }
    pthread_mutex_unlock(&job->lock);
    hyl__stage_clear(ins->stage);
    return status;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static bool has_begun(const hyl_inserter *ins)
{
    return ins->at != ins->stage->columns;
}

void hyl_inserter_drop_row(hyl_inserter *ins)
{
    if (ins->state != HYL_OK || (!has_begun(ins) && ins->refusal == HYL_OK)) {
        return; /* no row is begun */
    }
    hyl__stage_drop_row(ins->stage);
    ins->dropped++;
    ins->refusal = HYL_OK;
    start_rows(ins);
}

/* A row that cannot be ended: it is dropped. */
static hyl_status __attribute__((noinline, cold)) fail_row(hyl_inserter *ins, hyl_error *err)
{
    HYL_TRY(check_state(ins, err));
    if (ins->refusal == HYL_OK) {
        const size_t given = (size_t)(ins->at - ins->stage->columns);
        ins->refusal = hyl__fail(&ins->error, HYL_ERR_ARG,
                                 "row %lld has %zu of %zu values: column %zu \"%s\" is missing",
                                 (long long)row_number(ins), given, ins->stage->count, given + 1,
                                 ins->at->info->name);
    }
    hyl_inserter_drop_row(ins);
    return give_error(ins, err);
}

hyl_status hyl_inserter_end_row(hyl_inserter *ins, hyl_error *err)
{
    hyl__stage *stage = ins->stage;
    if (UNLIKELY(!ins->is_open || ins->at != ins->end)) {
        return fail_row(ins, err);
    }
    hyl__stage_end_row(stage);
    ins->at = stage->columns;
    ins->rows++;
    if (UNLIKELY(hyl__stage_is_full(stage)) && send_rows(ins) < 0) {
        return fail(ins, err);
    }
    return HYL_OK;
}

/* ---- Blocks of rows ------------------------------------------------------------------------ */

static hyl_status check_between_rows(const hyl_inserter *ins, hyl_error *err)
{
    HYL_TRY(check_state(ins, err));
    if (has_begun(ins) || ins->refusal < 0) {
        return hyl__fail(err, HYL_ERR_STATE, "row %lld is begun: end or drop it first",
                         (long long)row_number(ins));
    }
    return HYL_OK;
}

static hyl_status check_columns(const hyl_inserter *ins, const hyl_colbuf *columns, size_t count,
                                hyl_error *err)
{
    if (count != ins->stage->count) {
        return hyl__fail(err, HYL_ERR_ARG, "%zu column buffers for %zu columns", count,
                         ins->stage->count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!hyl__colbuf_has_elements(columns[i].type)) {
            return hyl__fail(err, HYL_ERR_ARG, "a column buffer cannot have elements of type %s",
                             hyl_type_name(columns[i].type));
        }
    }
    return HYL_OK;
}

hyl_status hyl_inserter_columns(hyl_inserter *ins, const hyl_colbuf *columns, size_t column_count,
                                size_t rows, hyl_error *err)
{
    HYL_TRY(check_between_rows(ins, err));
    HYL_TRY(check_columns(ins, columns, column_count, err));
    for (size_t first = 0; first < rows;) {
        size_t done = 0;
        size_t column = 0;
        hyl_status status = hyl__stage_put_columns(ins->stage, columns, first, rows - first, &done,
                                                   &column, &ins->error);
        first += done;
        ins->rows += (int64_t)done;
        if (status < 0) {
            hyl__stage_name_value(ins->stage, &ins->stage->columns[column], row_number(ins), status,
                                  &ins->error);
            ins->dropped++;
            return give_error(ins, err);
        }
        if (hyl__stage_is_full(ins->stage) && send_rows(ins) < 0) {
            return fail(ins, err);
        }
    }
    return HYL_OK;
}

/* ---- Parts --------------------------------------------------------------------------------- */

hyl_status hyl_inserter_open_part(hyl_inserter *ins, hyl_inserter **out, hyl_error *err)
{
    insert_job *job = ins->job;
    HYL_TRY(check_state(ins, err));
    if (ins->is_part) {
        return hyl__fail(err, HYL_ERR_STATE, "a part of an inserter has no parts of its own");
    }
    hyl_inserter *part = hyl__calloc(1, sizeof *part);
    if (part == NULL) {
        return hyl__fail_nomem(err);
    }
    hyl__loader_decide(&job->loader);
    hyl_status status = hyl__loader_add_stage(&job->loader, &part->own_stage, err);
    if (status < 0) {
        hyl__free(part);
        return status;
    }
    part->is_part = true;
    part->job = job;
    part->stage = &part->own_stage;
    part->encoder = &part->own_encoder;
    start_rows(part);
    pthread_mutex_lock(&job->lock);
    job->refs++;
    job->open_parts++;
    pthread_mutex_unlock(&job->lock);
    *out = part;
    return HYL_OK;
}

static hyl_status finish_part(hyl_inserter *part, int64_t *rows, hyl_error *err)
{
    if (send_rows(part) < 0) {
        return fail(part, err);
    }
    close_part(part, NULL);
    part->state = HYL_DONE;
    stop_rows(part);
    if (rows != NULL) {
        *rows = part->rows;
    }
    return HYL_OK;
}

static void give_up_part(hyl_inserter *part)
{
    hyl__fail(&part->error, HYL_ERR_CANCELLED, "a part of the inserter was given up");
    (void)fail(part, NULL);
}

/* ---- The end ------------------------------------------------------------------------------- */

static hyl_status finish_job(hyl_inserter *ins, int64_t *rows)
{
    insert_job *job = ins->job;
    pthread_mutex_lock(&job->lock);
    hyl_status status = job->state;
    if (status == HYL_OK) {
        status = hyl__loader_finish(&job->loader, rows, &ins->error);
    } else {
        ins->error = job->error;
        /* Where it was not the COPY that failed, it is still under way. */
        (void)hyl__loader_abort(&job->loader, "a part of the rows is missing", NULL);
    }
    if (status < 0) {
        fail_job(job, &ins->error);
    }
    pthread_mutex_unlock(&job->lock);
    return status;
}

static hyl_status check_parts(const hyl_inserter *ins, hyl_error *err)
{
    pthread_mutex_lock(&ins->job->lock);
    const size_t open = ins->job->open_parts;
    pthread_mutex_unlock(&ins->job->lock);
    return open > 0
               ? hyl__fail(err, HYL_ERR_STATE, "%zu parts of the inserter are not finished", open)
               : HYL_OK;
}

hyl_status hyl_inserter_finish(hyl_inserter *ins, int64_t *rows, hyl_error *err)
{
    int64_t inserted = 0;
    HYL_TRY(check_state(ins, err));
    if (ins->refusal < 0) {
        return give_error(ins, err);
    }
    HYL_TRY(check_between_rows(ins, err));
    if (ins->is_part) {
        return finish_part(ins, rows, err);
    }
    HYL_TRY(check_parts(ins, err));
    if (finish_job(ins, &inserted) < 0) {
        return fail(ins, err);
    }
    ins->state = HYL_DONE;
    stop_rows(ins);
    if (rows != NULL) {
        *rows = inserted;
    }
    return HYL_OK;
}

hyl_status hyl_inserter_abort(hyl_inserter *ins, const char *reason, hyl_error *err)
{
    HYL_TRY(check_state(ins, err));
    if (ins->is_part) {
        give_up_part(ins);
        return HYL_OK;
    }
    hyl__fail(&ins->error, HYL_ERR_CANCELLED, "the inserter was aborted");
    ins->state = HYL_ERR_CANCELLED;
    stop_rows(ins);
    pthread_mutex_lock(&ins->job->lock);
    fail_job(ins->job, &ins->error);
    hyl_status status = hyl__loader_abort(&ins->job->loader, reason, err);
    pthread_mutex_unlock(&ins->job->lock);
    return status;
}

/* The connection is let go with the inserter; what its parts look at stays until the last. */
static void release_job(hyl_inserter *ins)
{
    insert_job *job = ins->job;
    pthread_mutex_lock(&job->lock);
    if (!ins->is_part) {
        hyl_error error = HYL_ERROR_INIT;
        hyl__fail(&error, HYL_ERR_CANCELLED, "the inserter was given up");
        fail_job(job, &error);
        hyl__loader_close(&job->loader);
    }
    const bool last = --job->refs == 0;
    pthread_mutex_unlock(&job->lock);
    if (last) {
        free_job(job);
    }
}

void hyl_inserter_free(hyl_inserter *ins)
{
    if (ins == NULL) {
        return;
    }
    if (ins->is_part) {
        if (!ins->is_closed) {
            give_up_part(ins);
        }
        hyl__encoder_reset(&ins->own_encoder);
        hyl__stage_reset(&ins->own_stage);
    }
    release_job(ins);
    hyl__free(ins);
}
