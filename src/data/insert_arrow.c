/* Arrow streams into tables. */
#include <hyperline/arrow.h>

#include "base/error.h"

#if HYL_WITH_ARROW

#include "arrow_check.h"
#include "arrow_source.h"
#include "arrow_types.h"
#include "base/mem.h"
#include "base/opts.h"
#include "loader.h"
#include "table_name.h"

#include <stdio.h>

typedef struct arrow_load {
    hyl_conn *conn;
    const char *table_name;
    struct ArrowArrayStream *in;
    hyl_insert_arrow_opts opts;

    struct ArrowSchema schema;
    struct ArrowArrayView view;
    hyl__table table;
    hyl__loader loader;
    hyl__arrow_source *sources; /* of each column of the table */
    hyl_buf created;            /* the quoted name of a table that was made, NUL-terminated */
    int64_t rows;               /* of the batches before */
    hyl_error error;
} arrow_load;

/* ---- The stream ---------------------------------------------------------------------------- */

static hyl_status fail_stream(arrow_load *load, int code)
{
    const char *why = load->in->get_last_error(load->in);
    return hyl__fail_errno(&load->error, HYL_ERR_IO, code, "the Arrow stream failed%s%s",
                           why != NULL ? ": " : "", why != NULL ? why : "");
}

static hyl_status read_schema(arrow_load *load)
{
    struct ArrowError why = {""};
    int code = load->in->get_schema(load->in, &load->schema);
    if (code != 0) {
        load->schema.release = NULL;
        return fail_stream(load, code);
    }
    HYL_TRY(hyl__arrow_check_schema(&load->schema, &load->error));
    code = ArrowArrayViewInitFromSchema(&load->view, &load->schema, &why);
    if (code != NANOARROW_OK) {
        return hyl__fail(&load->error, HYL_ERR_ARG, "the stream's schema cannot be read: %s",
                         why.message);
    }
    if (load->view.storage_type != NANOARROW_TYPE_STRUCT || load->schema.n_children == 0) {
        return hyl__fail(&load->error, HYL_ERR_ARG, "the stream is not one of columns");
    }
    return HYL_OK;
}

static const char *field_name(const struct ArrowSchema *field)
{
    return field->name != NULL ? field->name : "";
}

/* What Arrow calls a field's type. */
static void append_arrow_type(const struct ArrowSchema *field, hyl_buf *out)
{
    char name[160];
    ArrowSchemaToString(field, name, sizeof name, 1);
    hyl_buf_append_str(out, name);
}

/* ---- Matching ------------------------------------------------------------------------------ */

static int64_t find_field(const struct ArrowSchema *schema, const char *name)
{
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (strcmp(field_name(schema->children[i]), name) == 0) {
            return i;
        }
    }
    return -1;
}

/* What is wrong with columns: of each kind a list of texts, NUL behind each. */
typedef enum complaint { COMPLAINT_MISSING, COMPLAINT_EXTRA, COMPLAINT_TYPE, COMPLAINTS } complaint;

static const char *const complaint_names[COMPLAINTS] = {
    "missing: ", "not in the table: ", "of another type: "};

static void end_item(hyl_buf *list)
{
    hyl_buf_append_byte(list, 0);
}

static void list_missing(const arrow_load *load, hyl_buf *out)
{
    for (size_t i = 0; i < load->table.count; i++) {
        if (find_field(&load->schema, load->table.columns[i].name) < 0) {
            hyl_buf_printf(out, "\"%s\"", load->table.columns[i].name);
            end_item(out);
        }
    }
}

static void list_extra(const arrow_load *load, hyl_buf *out)
{
    for (int64_t i = 0; i < load->schema.n_children; i++) {
        const char *name = field_name(load->schema.children[i]);
        const bool is_second = find_field(&load->schema, name) < i;
        if (is_second || hyl__table_find(&load->table, name) < 0) {
            hyl_buf_printf(out, "\"%s\"%s", name, is_second ? " again" : "");
            end_item(out);
        }
    }
}

/* Which option would take the field's values, or those that fit; NULL where none does. */
static const char *helpful_option(const struct ArrowSchema *field, hyl_type type)
{
    if (hyl__arrow_fits(field, type, HYL_LOSSY_NUMBERS)) {
        return "HYL_LOSSY_NUMBERS";
    }
    return hyl__arrow_fits(field, type, HYL_LOSSY_TIMES) ? "HYL_LOSSY_TIMES" : NULL;
}

static void list_mismatched(const arrow_load *load, hyl_buf *out)
{
    for (size_t i = 0; i < load->table.count; i++) {
        const hyl__table_column *column = &load->table.columns[i];
        const int64_t found = find_field(&load->schema, column->name);
        if (found < 0 ||
            hyl__arrow_fits(load->schema.children[found], column->type, load->opts.lossy)) {
            continue;
        }
        const char *option = helpful_option(load->schema.children[found], column->type);
        hyl_buf_printf(out, "\"%s\" is ", column->name);
        append_arrow_type(load->schema.children[found], out);
        hyl_buf_append_str(out, ", the table's ");
        hyl_type_format(column->type, out);
        if (option != NULL) {
            hyl_buf_printf(out, " (%s takes what fits)", option);
        }
        end_item(out);
    }
}

/* Room for the items of all lists: the message has some words more. */
enum { LISTS_MAX = 340 };

/* As many of a list's items as there is room for, one at least, and how many more there are. */
static void append_list(hyl_buf *out, const hyl_buf *list, size_t room)
{
    size_t shown = 0;
    size_t more = 0;
    size_t used = 0;
    for (size_t at = 0; at < list->len;) {
        const char *item = (const char *)list->data + at;
        const size_t len = strlen(item);
        if (more > 0 || (shown > 0 && used + len > room)) {
            more++;
        } else {
            hyl_buf_append_str(out, shown++ > 0 ? ", " : "");
            hyl_buf_append(out, item, len);
            used += len + 2;
        }
        at += len + 1;
    }
    if (more > 0) {
        hyl_buf_printf(out, " and %zu more", more);
    }
}

static void append_lists(hyl_buf *out, const hyl_buf lists[COMPLAINTS])
{
    size_t count = 0;
    for (size_t i = 0; i < COMPLAINTS; i++) {
        count += lists[i].len > 0;
        out->failed |= lists[i].failed;
    }
    for (size_t i = 0; i < COMPLAINTS; i++) {
        if (lists[i].len > 0) {
            hyl_buf_append_str(out, out->len > 0 ? "; " : "");
            hyl_buf_append_str(out, complaint_names[i]);
            append_list(out, &lists[i], LISTS_MAX / count);
        }
    }
}

static hyl_status fail_lists(arrow_load *load, const hyl_buf lists[COMPLAINTS])
{
    hyl_buf all = HYL_BUF_INIT;
    append_lists(&all, lists);
    end_item(&all);
    hyl_status status = HYL_OK;
    if (all.failed) {
        status = hyl__fail_nomem(&load->error);
    } else if (all.len > 1) {
        const bool names = lists[COMPLAINT_MISSING].len > 0 || lists[COMPLAINT_EXTRA].len > 0;
        status = hyl__fail(&load->error, names ? HYL_ERR_ARG : HYL_ERR_TYPE,
                           "the columns are not those of table %s: %s", load->table.sql_name,
                           (const char *)all.data);
    }
    hyl_buf_reset(&all);
    return status;
}

static hyl_status check_columns(arrow_load *load)
{
    hyl_buf lists[COMPLAINTS] = {HYL_BUF_INIT, HYL_BUF_INIT, HYL_BUF_INIT};
    list_missing(load, &lists[COMPLAINT_MISSING]);
    list_extra(load, &lists[COMPLAINT_EXTRA]);
    list_mismatched(load, &lists[COMPLAINT_TYPE]);
    hyl_status status = fail_lists(load, lists);
    for (size_t i = 0; i < COMPLAINTS; i++) {
        hyl_buf_reset(&lists[i]);
    }
    return status;
}

/* ---- A new table --------------------------------------------------------------------------- */

static void list_homeless(const arrow_load *load, hyl_buf *out)
{
    for (int64_t i = 0; i < load->schema.n_children; i++) {
        const struct ArrowSchema *field = load->schema.children[i];
        if (hyl__arrow_home(field, true).id == HYL_TYPE_UNKNOWN) {
            hyl_buf_printf(out, "\"%s\" is ", field_name(field));
            append_arrow_type(field, out);
            end_item(out);
        }
    }
}

static hyl_status check_homes(arrow_load *load)
{
    hyl_buf list = HYL_BUF_INIT;
    hyl_buf text = HYL_BUF_INIT;
    hyl_status status = HYL_OK;
    list_homeless(load, &list);
    append_list(&text, &list, LISTS_MAX);
    if (list.failed || text.failed) {
        status = hyl__fail_nomem(&load->error);
    } else if (text.len > 0) {
        status = hyl__fail(&load->error, HYL_ERR_UNSUPPORTED, "Hyper has no such type: %.*s",
                           (int)text.len, (const char *)text.data);
    }
    hyl_buf_reset(&list);
    hyl_buf_reset(&text);
    return status;
}

static hyl_status append_columns(const arrow_load *load, bool has_real, hyl_buf *sql,
                                 hyl_error *err)
{
    for (int64_t i = 0; i < load->schema.n_children; i++) {
        const struct ArrowSchema *field = load->schema.children[i];
        hyl_buf_append_str(sql, i > 0 ? ", " : "");
        hyl_status status = hyl_quote_ident(hyl_str_of(field_name(field)), sql, err);
        if (status < 0) {
            hyl__error_prefix(err, "the name of the stream's column %lld", (long long)i + 1);
            return status;
        }
        hyl_buf_append_byte(sql, ' ');
        hyl_type_format(hyl__arrow_home(field, has_real), sql);
        hyl_buf_append_str(sql, (field->flags & ARROW_FLAG_NULLABLE) != 0 ? "" : " NOT NULL");
    }
    return HYL_OK;
}

static hyl_status run_create(arrow_load *load, const hyl__table_name *name, bool has_real,
                             hyl_error *err)
{
    hyl_buf sql = HYL_BUF_INIT;
    hyl_buf_append_str(&sql, "CREATE TABLE ");
    hyl_status status = hyl__table_name_write(name, &sql, err);
    hyl_buf_append_str(&sql, " (");
    if (status == HYL_OK) {
        status = append_columns(load, has_real, &sql, err);
    }
    hyl_buf_append(&sql, ")", sizeof ")");
    if (status == HYL_OK && hyl_buf_status(&sql) < 0) {
        status = hyl__fail_nomem(err);
    }
    if (status == HYL_OK) {
        status = hyl_exec(load->conn, (const char *)sql.data, NULL, err);
    }
    hyl_buf_reset(&sql);
    return status;
}

static bool needs_real(const arrow_load *load)
{
    for (int64_t i = 0; i < load->schema.n_children; i++) {
        if (hyl__arrow_home(load->schema.children[i], true).id == HYL_TYPE_REAL) {
            return true;
        }
    }
    return false;
}

/* Says which columns may be what the file's version does not have. */
static hyl_status explain_version(arrow_load *load, hyl_status status)
{
    for (int64_t i = 0; i < load->schema.n_children; i++) {
        hyl_type type = hyl__arrow_home(load->schema.children[i], false);
        if (type.id == HYL_TYPE_NUMERIC && hyl_type_width(type) == 16) {
            hyl__error_prefix(
                &load->error,
                "column \"%s\" is numeric(%d,%d), which needs file version 3 or later",
                field_name(load->schema.children[i]), hyl_type_precision(type),
                hyl_type_scale(type));
            break;
        }
    }
    return status;
}

static bool is_not_supported(const hyl_error *err)
{
    return err->status == HYL_ERR_SERVER && strcmp(err->sqlstate, "0A000") == 0;
}

static hyl_status create_named(arrow_load *load, const hyl__table_name *name)
{
    hyl_status status = run_create(load, name, true, &load->error);
    if (status < 0 && is_not_supported(&load->error) && needs_real(load)) {
        /* The database's version is older than 32-bit floats. */
        status = run_create(load, name, false, &load->error);
    }
    if (status < 0 && is_not_supported(&load->error)) {
        return explain_version(load, status);
    }
    return status;
}

static hyl_status create_table(arrow_load *load)
{
    hyl__table_name name;
    if (hyl_conn_tx(load->conn) != HYL_TX_IDLE) {
        return hyl__fail(&load->error, HYL_ERR_STATE,
                         "table %s cannot be created inside a transaction: the server would not "
                         "undo it",
                         load->table_name);
    }
    HYL_TRY(check_homes(load));
    HYL_TRY(hyl__table_name_read(load->table_name, &name, &load->error));
    hyl_buf quoted = HYL_BUF_INIT;
    hyl_status status = hyl__table_name_write(&name, &quoted, &load->error);
    hyl_buf_append_byte(&quoted, 0);
    if (status == HYL_OK && hyl_buf_status(&quoted) < 0) {
        status = hyl__fail_nomem(&load->error);
    }
    if (status == HYL_OK) {
        status = create_named(load, &name);
    }
    hyl__table_name_reset(&name);
    if (status < 0) {
        hyl_buf_reset(&quoted);
        return status;
    }
    load->created = quoted;
    return hyl__table_read(load->conn, load->table_name, &load->table, &load->error);
}

static hyl_status find_table(arrow_load *load)
{
    if (load->opts.mode == HYL_INSERT_ARROW_CREATE) {
        return create_table(load);
    }
    hyl_status status = hyl__table_read(load->conn, load->table_name, &load->table, &load->error);
    if (status == HYL_ERR_SERVER && strcmp(load->error.sqlstate, "42P01") == 0 &&
        load->opts.mode == HYL_INSERT_ARROW_CREATE_IF_MISSING) {
        return create_table(load);
    }
    return status;
}

/* ---- Batches ------------------------------------------------------------------------------- */

static hyl_status init_sources(arrow_load *load)
{
    const hyl__stage *stage = &load->loader.stage;
    load->sources = hyl__calloc(stage->count, sizeof *load->sources);
    if (load->sources == NULL) {
        return hyl__fail_nomem(&load->error);
    }
    for (size_t i = 0; i < stage->count; i++) {
        int64_t field = find_field(&load->schema, stage->columns[i].info->name);
        hyl__arrow_source_init(&load->sources[i], load->schema.children[field],
                               load->view.children[field], &stage->columns[i], load->opts.lossy);
    }
    return HYL_OK;
}

/* How many of the batch's next rows the stage has room for. */
static int64_t measure_rows(arrow_load *load, int64_t first, int64_t left)
{
    const hyl__stage *stage = &load->loader.stage;
    const int64_t room = (int64_t)(stage->cap - stage->rows);
    int64_t count = left < room ? left : room;
    for (size_t i = 0; i < stage->count; i++) {
        count = hyl__arrow_source_measure(&load->sources[i], first, count,
                                          stage->target_bytes - stage->bytes);
    }
    return count;
}

static hyl_status put_rows(arrow_load *load, int64_t first, int64_t count, int64_t row_number)
{
    hyl__stage *stage = &load->loader.stage;
    for (size_t i = 0; i < stage->count; i++) {
        int64_t done = 0;
        hyl_status status = hyl__arrow_source_put(&load->sources[i], first, count, stage,
                                                  &stage->columns[i], &done, &load->error);
        if (status < 0) {
            return hyl__stage_name_value(stage, &stage->columns[i], row_number + done, status,
                                         &load->error);
        }
    }
    stage->rows += (size_t)count;
    return HYL_OK;
}

static hyl_status put_batch(arrow_load *load, const struct ArrowArray *batch)
{
    for (size_t i = 0; i < load->loader.stage.count; i++) {
        hyl__arrow_source_rewind(&load->sources[i]);
    }
    for (int64_t row = 0; row < batch->length;) {
        int64_t count = measure_rows(load, batch->offset + row, batch->length - row);
        HYL_TRY(put_rows(load, batch->offset + row, count, load->rows + row + 1));
        if (hyl__stage_is_full(&load->loader.stage)) {
            HYL_TRY(hyl__loader_send(&load->loader, &load->error));
        }
        row += count;
    }
    load->rows += batch->length;
    return HYL_OK;
}

/* A batch that cannot be read: says of which column, where it is one. */
static hyl_status fail_batch(arrow_load *load, struct ArrowArray *batch)
{
    struct ArrowArrayView *view = &load->view;
    const bool has_columns = batch->n_children == view->n_children && batch->children != NULL;
    for (int64_t i = 0; has_columns && i < view->n_children; i++) {
        hyl_status status =
            hyl__arrow_view_set(view->children[i], batch->children[i], &load->error);
        if (status < 0) {
            hyl__error_prefix(&load->error, "a batch behind row %lld cannot be read: column \"%s\"",
                              (long long)load->rows, field_name(load->schema.children[i]));
            return status;
        }
    }
    hyl_status status = hyl__arrow_view_set(view, batch, &load->error);
    hyl__error_prefix(&load->error, "a batch behind row %lld cannot be read",
                      (long long)load->rows);
    return status;
}

static hyl_status load_batch(arrow_load *load, struct ArrowArray *batch)
{
    if (hyl__arrow_view_set(&load->view, batch, NULL) < 0) {
        return fail_batch(load, batch);
    }
    if (batch->null_count != 0 && ArrowArrayViewComputeNullCount(&load->view) != 0) {
        return hyl__fail(&load->error, HYL_ERR_ARG,
                         "a batch behind row %lld has rows that are NULL as a whole",
                         (long long)load->rows);
    }
    return put_batch(load, batch);
}

static hyl_status load_batches(arrow_load *load)
{
    for (;;) {
        struct ArrowArray batch;
        memset(&batch, 0, sizeof batch);
        int code = load->in->get_next(load->in, &batch);
        if (code != 0) {
            return fail_stream(load, code);
        }
        if (batch.release == NULL) {
            return HYL_OK;
        }
        hyl_status status = load_batch(load, &batch);
        batch.release(&batch);
        HYL_TRY(status);
    }
}

/* ---- The whole ----------------------------------------------------------------------------- */

static hyl_status run_load(arrow_load *load, int64_t *rows)
{
    HYL_TRY(read_schema(load));
    HYL_TRY(find_table(load));
    HYL_TRY(check_columns(load));
    HYL_TRY(hyl__loader_init(&load->loader, load->conn, &load->table, NULL, &load->error));
    HYL_TRY(init_sources(load));
    HYL_TRY(load_batches(load));
    return hyl__loader_finish(&load->loader, rows, &load->error);
}

static void drop_created(arrow_load *load)
{
    hyl_buf sql = HYL_BUF_INIT;
    const char *name = (const char *)load->created.data;
    hyl_buf_printf(&sql, "DROP TABLE %s", name);
    hyl_buf_append_byte(&sql, 0);
    if (hyl_buf_status(&sql) < 0 || hyl_exec(load->conn, (const char *)sql.data, NULL, NULL) < 0) {
        hyl__error_prefix(&load->error, "table %s was created and could not be dropped again",
                          name);
    }
    hyl_buf_reset(&sql);
}

/* Ends what is under way, so that the connection is ready again, and drops a new table. */
static void undo(arrow_load *load)
{
    if (load->loader.conn != NULL) {
        (void)hyl__loader_abort(&load->loader, "the rows cannot be inserted", NULL);
    }
    if (load->created.data != NULL) {
        drop_created(load);
    }
}

static void add_changed(const arrow_load *load)
{
    int64_t sum = 0;
    for (size_t i = 0; load->sources != NULL && i < load->loader.stage.count; i++) {
        sum += load->sources[i].changed;
    }
    if (load->opts.changed != NULL) {
        *load->opts.changed = sum;
    }
}

static void reset_load(arrow_load *load)
{
    hyl__free(load->sources);
    hyl_buf_reset(&load->created);
    hyl__loader_reset(&load->loader);
    hyl__table_reset(&load->table);
    ArrowArrayViewReset(&load->view);
    if (load->schema.release != NULL) {
        ArrowSchemaRelease(&load->schema);
    }
}

static hyl_status read_arguments(arrow_load *load, const hyl_insert_arrow_opts *given,
                                 hyl_error *err)
{
    const unsigned known = HYL_LOSSY_NUMBERS | HYL_LOSSY_TIMES;
    hyl_insert_arrow_opts *opts = &load->opts;
    HYL_TRY(hyl__opts_read(opts, sizeof *opts, given, "HYL_INSERT_ARROW_OPTS_INIT", err));
    if (opts->mode < HYL_INSERT_ARROW_APPEND || opts->mode > HYL_INSERT_ARROW_CREATE_IF_MISSING) {
        return hyl__fail(err, HYL_ERR_ARG, "the option mode is none: %d", (int)opts->mode);
    }
    if ((opts->lossy & ~known) != 0) {
        return hyl__fail(err, HYL_ERR_ARG, "the option lossy has unknown bits: 0x%x",
                         opts->lossy & ~known);
    }
    return load->in != NULL && load->in->release != NULL
               ? HYL_OK
               : hyl__fail(err, HYL_ERR_ARG, "there is no Arrow stream, or it was released");
}

hyl_status hyl_insert_arrow(hyl_conn *conn, const char *table, struct ArrowArrayStream *in,
                            const hyl_insert_arrow_opts *opts, int64_t *rows, hyl_error *err)
{
    arrow_load load;
    int64_t inserted = 0;
    memset(&load, 0, sizeof load);
    load.conn = conn;
    load.table_name = table;
    load.in = in;
    HYL_TRY(read_arguments(&load, opts, err));
    hyl_status status = run_load(&load, &inserted);
    if (status < 0) {
        undo(&load);
        if (err != NULL) {
            *err = load.error;
        }
    } else {
        add_changed(&load);
        if (rows != NULL) {
            *rows = inserted;
        }
    }
    reset_load(&load);
    return status;
}

#else

hyl_status hyl_insert_arrow(hyl_conn *conn, const char *table, struct ArrowArrayStream *in,
                            const hyl_insert_arrow_opts *opts, int64_t *rows, hyl_error *err)
{
    (void)conn;
    (void)table;
    (void)in;
    (void)opts;
    (void)rows;
    return hyl__fail(err, HYL_ERR_UNSUPPORTED, "built without Arrow (HYL_WITH_ARROW)");
}

#endif
