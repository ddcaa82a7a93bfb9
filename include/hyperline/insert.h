/*
 * Inserting rows: the inserter takes typed values, row by row or in columns, and appends them to a
 * table by one COPY.
 *
 *     hyl_inserter *ins = NULL;
 *     hyl_status status = hyl_inserter_open(conn, "sales", NULL, 0, NULL, &ins, &err);
 *     for (size_t i = 0; status == HYL_OK && i < count; i++) {
 *         if ((status = hyl_inserter_i64(ins, sales[i].id, &err)) == HYL_OK &&
 *             (status = hyl_inserter_f64(ins, sales[i].price, &err)) == HYL_OK) {
 *             status = hyl_inserter_end_row(ins, &err);
 *         }
 *     }
 *     if (status == HYL_OK) {
 *         status = hyl_inserter_finish(ins, &rows, &err);
 *     }
 *     hyl_inserter_free(ins);
 *
 * All rows or none: what was appended shows when `finish` has succeeded, and never otherwise. (Where
 * `finish` itself gets no answer, by TIMEOUT or as the connection is lost, it cannot know: look.)
 *
 * Every value is checked before its row is sent. One that does not fit is refused: the message names
 * row and column, counted from 1, and the row is refused with it. Each further call gives the same
 * error, until hyl_inserter_end_row (which gives it too) or hyl_inserter_drop_row has dropped the
 * row; the inserter can then go on with the next one, so that a program may skip what does not fit,
 * and one that stops at the first error inserts nothing.
 *
 * The connection is busy from open to finish, abort or free. The COPY itself is begun late, with
 * the first full buffer or by finish: a program that takes minutes for its first rows holds nothing
 * open on the server.
 */
#ifndef HYPERLINE_INSERT_H
#define HYPERLINE_INSERT_H

#include <hyperline/hyperline.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hyl_inserter hyl_inserter;

typedef enum hyl_insert_format {
    HYL_INSERT_AUTO = 0,
    HYL_INSERT_HYPERBINARY = 1
} hyl_insert_format;

typedef struct hyl_insert_opts {
    size_t struct_size;
    /*
     * Bytes of values that are gathered for one message, 0 for the default. Smaller ones make the
     * server slower.
     */
    size_t buffer_size;
    /*
     * How rows travel. AUTO, the default: as Arrow, which the server reads faster, where the columns
     * and the first buffer's values allow it. The server takes no uuid as Arrow, no time 24:00:00,
     * no timestamp after 294247-01-10 and no interval of more than 292 years of microseconds: such a
     * value is refused (RANGE) where it comes after rows that went as Arrow. HYPERBINARY takes all.
     */
    hyl_insert_format format;
} hyl_insert_opts;

#define HYL_INSERT_OPTS_INIT                        \
    {                                               \
        sizeof(hyl_insert_opts), 0, HYL_INSERT_AUTO \
    }

/* ---- Opening ------------------------------------------------------------------------------- */

/*
 * Opens an inserter into an existing table. `table` as SQL writes it: sales, "Extract"."Extract",
 * database.schema.table; unquoted names are folded to lower case. `columns`: the columns that rows
 * have, in their order, by their plain names; NULL with a count of 0 for all of the table's. A
 * column that is left out is NULL, also where the table has a default: COPY fills none in. `opts` may be NULL.
 * Errors: those of a statement; SERVER with SQLSTATE 42P01 (no such table); ARG (not a name; no such
 * column, one named twice, one left out that is NOT NULL); UNSUPPORTED (an array column).
 * Blocks: for the round trip that reads the columns' types.
 */
HYL_API HYL_NODISCARD hyl_status hyl_inserter_open(hyl_conn *conn, const char *table,
                                                   const char *const *columns, size_t column_count,
                                                   const hyl_insert_opts *opts, hyl_inserter **out,
                                                   hyl_error *err);

/* ---- Computed columns ---------------------------------------------------------------------- */

/* A field of the rows that go into a mapped inserter: what its setters take. */
typedef struct hyl_insert_field {
    const char *name; /* plain, not quoted */
    hyl_type type;    /* hyl_type_of, hyl_type_numeric, hyl_type_from_oid */
    bool not_null;
} hyl_insert_field;

/* What a column of the table gets. */
typedef struct hyl_insert_mapping {
    const char *column;     /* the table's, by its plain name */
    const char *expression; /* SQL over the fields, by their names; NULL: the field of that name */
} hyl_insert_mapping;

/*
 * Opens an inserter whose rows have other columns than the table: the server computes the table's
 * from them, in the one statement that inserts them.
 *
 *     const hyl_insert_field fields[] = {{"day", hyl_type_of(HYL_TYPE_TEXT), true},
 *                                        {"price", hyl_type_of(HYL_TYPE_DOUBLE), false}};
 *     const hyl_insert_mapping mappings[] = {{"sold", "to_date(day, 'DD.MM.YYYY')"},
 *                                            {"price", NULL}};
 *     hyl_inserter_open_mapped(conn, "sales", fields, 2, mappings, 2, NULL, &ins, &err);
 *
 * A column of the table that no mapping names gets its default, or NULL. Names are quoted here;
 * expressions are SQL and run with the session's rights: never build them from data. Each must be
 * one, with its parentheses matched, and quotes and comments closed.
 * Errors: ARG (no fields, no mappings, two fields of one name, a mapping without its field, what is
 * no expression), UNSUPPORTED (an array field), and those of a statement: the server looks at tables,
 * columns, expressions and types now. What an expression makes of a row's values shows when rows are
 * sent or at finish, without the row's number; nothing is inserted then.
 * Blocks: for a round trip.
 */
HYL_API HYL_NODISCARD hyl_status hyl_inserter_open_mapped(
    hyl_conn *conn, const char *table, const hyl_insert_field *fields, size_t field_count,
    const hyl_insert_mapping *mappings, size_t mapping_count, const hyl_insert_opts *opts,
    hyl_inserter **out, hyl_error *err);

/* ---- Rows ---------------------------------------------------------------------------------- */

HYL_API size_t hyl_inserter_column_count(const hyl_inserter *ins);
/*
 * A column's name and type; `format` says nothing here. NULL where there is no such column.
 * Lifetime: the inserter's.
 */
HYL_API const hyl_column *hyl_inserter_column(const hyl_inserter *ins, size_t index);

/*
 * Each appends the next value of the row. The column's type must be the value's, or one that the
 * value widens to without loss:
 *
 *     bool         boolean
 *     i16          smallint, integer, bigint, numeric, real, double precision
 *     i32          integer, bigint, numeric, double precision
 *     i64          bigint, numeric
 *     u32          oid, bigint, numeric, double precision
 *     f32          real, double precision
 *     f64          double precision
 *     numeric      numeric, of any scale where no digit is lost
 *     str          text, varchar, char, json
 *     bytes        bytes, geography (in the server's own encoding, which is not checked)
 *     date         date, timestamp
 *     time         time
 *     timestamp    timestamp
 *     timestamptz  timestamptz
 *     interval     interval
 *     uuid         uuid (16 bytes, in the order of its text)
 *     value        as its type says; NULL too
 *
 * Dates and times count as hyl_value's do. Text is copied.
 * Errors: TYPE, RANGE (numeric's precision, date and time ranges, too long for varchar or char),
 * NULLVAL (NULL into NOT NULL), ARG (invalid UTF-8; the row has more values than columns), NOMEM:
 * all refuse the row. STATE (finished or aborted), and what the COPY has failed with.
 */
HYL_API HYL_NODISCARD hyl_status hyl_inserter_null(hyl_inserter *ins, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_bool(hyl_inserter *ins, bool value, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_i16(hyl_inserter *ins, int16_t value, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_i32(hyl_inserter *ins, int32_t value, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_i64(hyl_inserter *ins, int64_t value, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_u32(hyl_inserter *ins, uint32_t value,
                                                  hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_f32(hyl_inserter *ins, float value, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_f64(hyl_inserter *ins, double value, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_str(hyl_inserter *ins, hyl_str value, hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_bytes(hyl_inserter *ins, hyl_bytes value,
                                                    hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_numeric(hyl_inserter *ins, const hyl_numeric *value,
                                                      hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_date(hyl_inserter *ins, int32_t value,
                                                   hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_time(hyl_inserter *ins, int64_t value,
                                                   hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_timestamp(hyl_inserter *ins, int64_t value,
                                                        hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_timestamptz(hyl_inserter *ins, int64_t value,
                                                          hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_interval(hyl_inserter *ins, hyl_interval value,
                                                       hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_uuid(hyl_inserter *ins, const uint8_t *value,
                                                   hyl_error *err);
HYL_API HYL_NODISCARD hyl_status hyl_inserter_value(hyl_inserter *ins, const hyl_value *value,
                                                    hyl_error *err);

/*
 * Ends the row. Sends what has been gathered where that is a full buffer.
 * Errors: ARG (the row lacks values; it is dropped), what its value was refused with (it is
 * dropped), and those of a statement: the inserter has failed for good then, and nothing was
 * inserted.
 */
HYL_API HYL_NODISCARD hyl_status hyl_inserter_end_row(hyl_inserter *ins, hyl_error *err);
/* Forgets the row that was begun, refused or not. It keeps its number. */
HYL_API void hyl_inserter_drop_row(hyl_inserter *ins);
/* How many rows were ended, those that were dropped not among them. */
HYL_API int64_t hyl_inserter_rows(const hyl_inserter *ins);

/*
 * A column of values for hyl_inserter_columns: an array with an element for each row, of the C type
 * that the getter or setter of that name takes.
 *
 *     BOOL bool; SMALLINT int16_t; INT int32_t; BIGINT int64_t; OID uint32_t; REAL float; DOUBLE
 *     double; NUMERIC hyl_numeric; TEXT, VARCHAR, CHAR, CHAR1, JSON hyl_str; BYTES, GEOGRAPHY
 *     hyl_bytes; DATE int32_t; TIME, TIMESTAMP, TIMESTAMPTZ int64_t; INTERVAL hyl_interval;
 *     UUID uint8_t[16]
 */
typedef struct hyl_colbuf {
    hyl_type_id type; /* of the elements; the column's may be wider, as for single values */
    const void *values;
    const bool *nulls; /* an element for each row, true where it is NULL; NULL: no row is */
} hyl_colbuf;

/*
 * Appends `rows` rows from a buffer for each column, in the columns' order: the fastest way, for
 * columns are checked and copied as a whole. Between two rows only.
 * Errors: those of a value; ARG (another count of buffers than of columns). Where a value is
 * refused the rows before it are in, its own is dropped, and those behind it are not looked at:
 * hyl_inserter_rows tells how many are in.
 */
HYL_API HYL_NODISCARD hyl_status hyl_inserter_columns(hyl_inserter *ins, const hyl_colbuf *columns,
                                                      size_t column_count, size_t rows,
                                                      hyl_error *err);

/*
 * A part of the inserter for another thread: an inserter of its own into the same COPY. Threads fill
 * their parts and make them into messages at the same time; what is full is sent over the one
 * connection, one message after the other. Call this on the inserter's own thread; a part is used by
 * one thread at a time, and the inserter itself may take rows meanwhile.
 *
 * Of a part all functions of an inserter work but this one. Rows are counted, and named in errors,
 * within it. They stay in their order, and come between those of the other parts anyhow.
 *
 *     finish   sends the part's rest; *rows gets the part's rows. Every part needs it: finishing the
 *              inserter is refused (STATE) while one is open.
 *     abort    or free before finish: the part is given up, and with it all rows of the inserter,
 *              whose finish then fails (CANCELLED).
 *     free     before or after the inserter's.
 *
 * An error of the COPY comes to every part with its next message. How rows travel is decided here,
 * by the columns and what the inserter has already; format AUTO then refuses what Arrow does not
 * have.
 * Errors: STATE (finished, aborted; a part's part), NOMEM.
 */
HYL_API HYL_NODISCARD hyl_status hyl_inserter_open_part(hyl_inserter *ins, hyl_inserter **out,
                                                        hyl_error *err);

/*
 * Sends the rest and ends the COPY. *rows (may be NULL) gets the number of rows inserted.
 * Errors: STATE (a row is begun; what it was refused with: end or drop it first, then finish again),
 * and those of a statement: nothing was inserted then.
 */
HYL_API HYL_NODISCARD hyl_status hyl_inserter_finish(hyl_inserter *ins, int64_t *rows,
                                                     hyl_error *err);
/*
 * Gives up: nothing is inserted, and where the COPY had begun an open transaction has failed. OK where
 * the connection is ready again.
 * Errors: STATE (finished), DESYNC, IO, CLOSED.
 */
HYL_API HYL_NODISCARD hyl_status hyl_inserter_abort(hyl_inserter *ins, const char *reason,
                                                    hyl_error *err);
/*
 * Frees. One that is not finished inserts nothing, as with hyl_inserter_abort; the next request drains
 * what is left.
 */
HYL_API void hyl_inserter_free(hyl_inserter *ins);

#ifdef __cplusplus
}
#endif

#endif
