/*
 * CSV rows to HyperBinary COPY rows.
 *
 * The format is that of hyl_copy_field, which writes the rarer types; the common ones are written
 * here without the detour of a hyl_value and of one function call a field, which takes as long as
 * reading the field. tests/cli/test_csv_encode.c holds both against each other.
 */
#ifndef HYPERLINE_CLI_CSV_ENCODE_H
#define HYPERLINE_CLI_CSV_ENCODE_H

#include "csv_null.h"
#include "csv_value.h"

/* How a column's text becomes its bytes. */
typedef enum csv_encoding {
    CSV_ENCODE_BOOL,
    CSV_ENCODE_SMALLINT,
    CSV_ENCODE_INT,
    CSV_ENCODE_BIGINT,
    CSV_ENCODE_DOUBLE,
    CSV_ENCODE_DECIMAL, /* numeric up to 18 digits */
    CSV_ENCODE_DATE,
    CSV_ENCODE_TIME,
    CSV_ENCODE_TIMESTAMP,
    CSV_ENCODE_TIMESTAMPTZ,
    CSV_ENCODE_TEXT,
    CSV_ENCODE_NOTHING, /* a type is not known yet: only NULL fits */
    CSV_ENCODE_OTHER    /* through hyl_value_decode and hyl_copy_field */
} csv_encoding;

typedef struct csv_column {
    hyl_type type;
    csv_encoding encoding;
    bool nullable;
    bool lenient; /* the type was given, not inferred: see csv_value.h */
    int precision;
    int scale;
    uint64_t nulls;
} csv_column;

void csv_column_init(csv_column *column, hyl_type type, bool nullable, bool lenient);

typedef struct csv_encoder {
    csv_column *columns;
    size_t column_count;
    csv_nulls nulls;
    bool decimal_comma;
    hyl_buf out;     /* COPY rows, whole ones only */
    hyl_buf scratch; /* of values whose bytes are not the text's */
} csv_encoder;

void csv_encoder_reset(csv_encoder *encoder);

/* Why a field is no value of its column. */
typedef enum csv_misfit_kind {
    CSV_MISFIT_VALUE,   /* not the text of such a value */
    CSV_MISFIT_RANGE,   /* it is, but the type does not hold it */
    CSV_MISFIT_NULL,    /* NULL in a column that is NOT NULL */
    CSV_MISFIT_ENCODING /* not UTF-8 */
} csv_misfit_kind;

typedef struct csv_misfit {
    size_t column;
    csv_misfit_kind kind;
} csv_misfit;

/*
 * Appends a row of as many fields as there are columns to encoder->out. DONE with *misfit filled in
 * where a field does not fit its column; the row is then not appended. Errors: NOMEM.
 */
HYL_NODISCARD hyl_status csv_encode_row(csv_encoder *encoder, const csv_row *row,
                                        csv_misfit *misfit, hyl_error *err);

#endif
