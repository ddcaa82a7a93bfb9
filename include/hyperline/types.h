/*
 * Hyper's types and values: the type table, the shape of each value, and the codecs between values
 * and bytes.
 *
 * A value travels in one of three formats: text (0), PostgreSQL's big-endian binary (1) and
 * HyperBinary (2, little-endian, the server's own). The codecs here are pure: no connection, no
 * I/O.
 */
#ifndef HYPERLINE_TYPES_H
#define HYPERLINE_TYPES_H

#include <hyperline/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The type table ------------------------------------------------------------------------ */

/*
 * X(NAME, oid, array_oid, width, "SQL name"): `width` is the size of a HyperBinary value in bytes,
 * 0 where it varies (numeric: 8 or 16, by precision). OIDs as the server sends them in
 * RowDescription.
 */
#define HYL_TYPE_MAP(X)                                       \
    X(BOOL, 16, 1000, 1, "boolean")                           \
    X(SMALLINT, 21, 1005, 2, "smallint")                      \
    X(INT, 23, 1007, 4, "integer")                            \
    X(BIGINT, 20, 1016, 8, "bigint")                          \
    X(REAL, 700, 1021, 4, "real")                             \
    X(DOUBLE, 701, 1022, 8, "double precision")               \
    X(NUMERIC, 1700, 1231, 0, "numeric")                      \
    X(OID, 26, 1028, 4, "oid")                                \
    X(TEXT, 25, 1009, 0, "text")                              \
    X(VARCHAR, 1043, 1015, 0, "character varying")            \
    X(CHAR, 1042, 1014, 0, "character")                       \
    X(CHAR1, 18, 1002, 0, "character(1)")                     \
    X(JSON, 114, 199, 0, "json")                              \
    X(BYTES, 17, 1001, 0, "bytes")                            \
    X(DATE, 1082, 1182, 4, "date")                            \
    X(TIME, 1083, 1183, 8, "time")                            \
    X(TIMESTAMP, 1114, 1115, 8, "timestamp")                  \
    X(TIMESTAMPTZ, 1184, 1185, 8, "timestamp with time zone") \
    X(INTERVAL, 1186, 1187, 16, "interval")                   \
    X(GEOGRAPHY, 5003, 5004, 0, "tableau.tabgeography")       \
    X(UUID, 2950, 2951, 16, "uuid")

typedef enum hyl_type_id {
    HYL_TYPE_UNKNOWN = 0, /* an OID that this table does not have: raw bytes only */
#define HYL_TYPE_ENUMERATOR(name, oid, array_oid, width, sql) HYL_TYPE_##name,
    HYL_TYPE_MAP(HYL_TYPE_ENUMERATOR)
#undef HYL_TYPE_ENUMERATOR
        HYL_TYPE_ARRAY, /* an array; hyl_type.element says of what */
    HYL_TYPE_COUNT
} hyl_type_id;

/* The formats of a value, as the protocol numbers them. */
typedef enum hyl_format {
    HYL_FORMAT_TEXT = 0,
    HYL_FORMAT_BINARY = 1,     /* PostgreSQL's, big-endian */
    HYL_FORMAT_HYPERBINARY = 2 /* little-endian */
} hyl_format;

/*
 * A type with its modifier. `typmod` is the server's: numeric ((p<<16)|s)+4, varchar(n) and char(n)
 * n+4, else -1.
 */
typedef struct hyl_type {
    hyl_type_id id;
    hyl_type_id element; /* of an array; otherwise UNKNOWN */
    uint32_t oid;        /* as the server sent it; for UNKNOWN the only thing known */
    int32_t typmod;
    /*
     * Of an array(T not null): its payload in COPY has no null bits. RowDescription never says so,
     * and a DataRow's payload always has them.
     */
    bool element_not_null;
} hyl_type;

/*
 * The type of an OID and a type modifier, arrays included. An unknown OID gives HYL_TYPE_UNKNOWN.
 */
HYL_API hyl_type hyl_type_from_oid(uint32_t oid, int32_t typmod);
/* A type of the table without a modifier (numeric then means numeric(38,0), as on the server). */
HYL_API hyl_type hyl_type_of(hyl_type_id id);
/* numeric(precision, scale). The caller keeps 1 <= precision <= 38 and 0 <= scale <= precision. */
HYL_API hyl_type hyl_type_numeric(int precision, int scale);
/* The element's type of an array, with its modifier. */
HYL_API hyl_type hyl_type_element(hyl_type type);
/* Of numeric: 1..38; 38 where the modifier says nothing. Otherwise 0. */
HYL_API int hyl_type_precision(hyl_type type);
/* Of numeric: 0..38. Otherwise 0. */
HYL_API int hyl_type_scale(hyl_type type);
/* Of varchar(n) and char(n): n in characters; 0 where there is no bound. */
HYL_API int hyl_type_max_length(hyl_type type);
/* Bytes of a HyperBinary value, 0 where it varies. numeric: 8 up to precision 18, 16 above. */
HYL_API size_t hyl_type_width(hyl_type type);
/*
 * The name as SQL writes it: "numeric(18,2)", "character varying(10)", "array(integer)". Appends to
 * `out`.
 */
HYL_API void hyl_type_format(hyl_type type, hyl_buf *out);
/* The bare SQL name of a type id ("numeric"), "unknown", "array". Never NULL. */
HYL_API const char *hyl_type_name(hyl_type_id id);

/* ---- Values -------------------------------------------------------------------------------- */

/*
 * A 128-bit signed integer times 10^-scale. `hi` and `lo` are the two's complement halves. The
 * scale is the type's.
 */
typedef struct hyl_numeric {
    uint64_t lo;
    int64_t hi;
    uint8_t precision;
    uint8_t scale;
} hyl_numeric;

/* Months, days and microseconds, kept apart as the server does. */
typedef struct hyl_interval {
    int64_t micros;
    int32_t days;
    int32_t months;
} hyl_interval;

/*
 * Dates are days from 2000-01-01, timestamps microseconds from 2000-01-01 00:00 (for timestamptz:
 * UTC), times microseconds from midnight (86,400,000,000 is a valid time, 24:00:00). That epoch,
 * PostgreSQL's, holds the server's whole range in 64 bits; the Unix epoch does not.
 */
#define HYL_UNIX_EPOCH_DAYS (-10957)    /* 1970-01-01 */
#define HYL_DATE_MIN        (-2451507)  /* 4713-01-01 BC, Julian day 38 */
#define HYL_DATE_MAX        (106751982) /* 294276-12-31, Julian day 109203527 */
#define HYL_MICROS_PER_DAY  INT64_C(86400000000)

/*
 * A value of any type. Text, bytes, json, geography and arrays are views into the bytes that were
 * decoded.
 */
typedef struct hyl_value {
    hyl_type_id type;
    bool is_null;
    bool no_null_bits; /* ARRAY: the payload is COPY's of an array(T not null), without null bits */
    union {
        bool boolean;
        int16_t i16;
        int32_t i32;  /* INT; DATE: days from 2000-01-01 */
        int64_t i64;  /* BIGINT; TIME, TIMESTAMP, TIMESTAMPTZ: microseconds */
        uint32_t u32; /* OID */
        float f32;
        double f64;
        hyl_numeric numeric;
        hyl_interval interval;
        hyl_str str; /* TEXT, VARCHAR, CHAR, CHAR1, JSON */
        /* BYTES, GEOGRAPHY (opaque), UNKNOWN; ARRAY: its HyperBinary payload */
        hyl_bytes bytes;
        uint8_t uuid[16]; /* in the order of its text */
    } as;
} hyl_value;

/* ---- Codecs -------------------------------------------------------------------------------- */

/*
 * Decodes one value that is not NULL. All of `bytes` must be the value: a length that does not fit
 * the type is an error, never an over-read. Formats: HYL_FORMAT_TEXT as the server writes it,
 * HYL_FORMAT_BINARY, HYL_FORMAT_HYPERBINARY. `scratch` takes the bytes of a value that cannot be a
 * view of the input (bytes and arrays from text, arrays from format 1); it is appended to, and may
 * be NULL for other types.
 * Errors: PROTOCOL (length or contents that no value of the type has), RANGE (beyond the type's
 * range), TYPE (geography from text, which has no way back to Hyper's encoding), UNSUPPORTED
 * (geography in format 1), ARG (no scratch where it is needed), NOMEM.
 * Lifetime: views in `out` point into `bytes` or `scratch`; a later append may move the latter.
 */
HYL_API HYL_NODISCARD hyl_status hyl_value_decode(hyl_type type, hyl_format format, hyl_bytes bytes,
                                                  hyl_buf *scratch, hyl_value *out, hyl_error *err);

/*
 * Appends the value as HyperBinary, as Bind format 2 and DataRow have it (no length, no NULL
 * indicator). The value is checked against the type: the server does not check what it is sent in
 * this form. A numeric of another scale is brought to the type's where no digit is lost. Text,
 * varchar, char and json pass for each other.
 * Errors: TYPE (the value is of another type), RANGE (numeric precision, date, time and timestamp
 * ranges, varchar and char length), NULLVAL (also NULL in an array whose elements are not null),
 * ARG (invalid UTF-8), PROTOCOL (an array's payload that is none), NOMEM.
 */
HYL_API HYL_NODISCARD hyl_status hyl_value_encode(hyl_type type, const hyl_value *value,
                                                  hyl_buf *out, hyl_error *err);

/*
 * Appends the value as text, as the server writes it in a session with extra_float_digits=3,
 * timezone=UTC, intervalstyle=iso_8601 and bytea_output=hex, whatever this session has set. NULL
 * appends nothing.
 * Errors: TYPE (geography and unknown types, whose text only the server can make; a value of
 * another type), RANGE (a date, time or timestamp that the type does not have), PROTOCOL (an
 * array's payload that is none), NOMEM.
 */
HYL_API HYL_NODISCARD hyl_status hyl_value_text(hyl_type type, const hyl_value *value, hyl_buf *out,
                                                hyl_error *err);

/*
 * Appends one field of a HyperBinary COPY row: the NULL indicator where `nullable`, then the value,
 * with a u32 byte count in front where its width varies.
 * Errors: those of hyl_value_encode; NULLVAL for NULL where not `nullable`.
 */
HYL_API HYL_NODISCARD hyl_status hyl_copy_field(hyl_type type, bool nullable,
                                                const hyl_value *value, hyl_buf *out,
                                                hyl_error *err);
/* Appends the 19 bytes that a HyperBinary COPY stream starts with. */
HYL_API void hyl_copy_header(hyl_buf *out);

/*
 * Reads one field of a HyperBinary COPY row at *offset of `bytes` and moves the offset behind it.
 * Errors: AGAIN where the bytes end inside the field (the offset stays), and those of
 * hyl_value_decode.
 */
HYL_API HYL_NODISCARD hyl_status hyl_copy_field_decode(hyl_type type, bool nullable,
                                                       hyl_bytes bytes, size_t *offset,
                                                       hyl_value *out, hyl_error *err);

/* An array's elements, in order. */
typedef struct hyl_array_iter {
    hyl_type element;
    hyl_bytes payload;
    uint32_t count;
    uint32_t next;
    bool has_nulls;  /* whether there are null bits */
    size_t nulls_at; /* offset of the null bits */
    size_t data_at;  /* offset of the elements' bytes */
    char char1[4];   /* the text of a char(1) element, which an array keeps as a code point */
} hyl_array_iter;

/*
 * Starts to read the HyperBinary payload of an array value and checks its shape.
 * Errors: TYPE (no array), PROTOCOL.
 * Lifetime: the iterator views the value's bytes.
 */
HYL_API HYL_NODISCARD hyl_status hyl_array_iter_init(hyl_array_iter *iter, hyl_type type,
                                                     const hyl_value *array, hyl_error *err);
/*
 * OK with the next element (which may be NULL), DONE after the last, or the errors of
 * hyl_value_decode.
 * Lifetime: a char(1) element's text lives in the iterator until the next call.
 */
HYL_API HYL_NODISCARD hyl_status hyl_array_iter_next(hyl_array_iter *iter, hyl_value *out,
                                                     hyl_error *err);

/* ---- Numbers and dates --------------------------------------------------------------------- */

/*
 * Parses a decimal ("-12.50", "1e3") into numeric(precision, scale); digits beyond the scale must
 * be zero.
 * Errors: ARG (no number), RANGE (does not fit, or would lose digits).
 */
HYL_API HYL_NODISCARD hyl_status hyl_numeric_parse(hyl_str text, int precision, int scale,
                                                   hyl_numeric *out, hyl_error *err);
/* Appends the number with exactly `scale` decimals. */
HYL_API void hyl_numeric_format(const hyl_numeric *numeric, hyl_buf *out);
/* The nearest double. */
HYL_API double hyl_numeric_to_double(const hyl_numeric *numeric);
/* OK where the number is whole and fits; otherwise RANGE. */
HYL_API HYL_NODISCARD hyl_status hyl_numeric_to_i64(const hyl_numeric *numeric, int64_t *out);

/*
 * A date of the proleptic Gregorian calendar; `year` is astronomical: 0 is 1 BC, -4712 is 4713 BC.
 */
typedef struct hyl_civil {
    int32_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
} hyl_civil;

HYL_API hyl_civil hyl_date_to_civil(int32_t days);
/* False where there is no such day or it is outside HYL_DATE_MIN..HYL_DATE_MAX. */
HYL_API bool hyl_date_from_civil(hyl_civil civil, int32_t *days);

/* ---- Quoting and SQL text ------------------------------------------------------------------ */

/*
 * Appends an identifier in double quotes, quotes inside doubled.
 * Errors: ARG (empty, NUL inside, invalid UTF-8), NOMEM.
 */
HYL_API HYL_NODISCARD hyl_status hyl_quote_ident(hyl_str name, hyl_buf *out, hyl_error *err);
/*
 * Appends a string literal.
 * Errors: ARG (NUL inside, invalid UTF-8), LIMIT (over the server's 1,048,574 bytes, quotes inside
 * counted twice), NOMEM.
 */
HYL_API HYL_NODISCARD hyl_status hyl_quote_literal(hyl_str text, hyl_buf *out, hyl_error *err);

/*
 * Splits a script into statements: finds the next one in `script` from *offset on and moves the
 * offset behind it. Knows quotes, quoted identifiers, E'' and U&'' strings, dollar quotes, comments
 * (which do not nest, as on the server). `statement` has neither the semicolon nor what surrounds
 * it; statements of nothing but comments are passed over. It reads as Hyper does: PostgreSQL nests
 * comments and lets a "$" go on with an identifier, and hyl_exec_script knows which of them it runs
 * a script on.
 * Errors: DONE (no further statement), ARG (a quote, comment or dollar quote that is not closed;
 * the message has its line).
 * Lifetime: `statement` points into `script`.
 */
HYL_API HYL_NODISCARD hyl_status hyl_sql_next(hyl_str script, size_t *offset, hyl_str *statement,
                                              hyl_error *err);

#ifdef __cplusplus
}
#endif

#endif
