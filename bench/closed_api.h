/*
 * What of the closed C library is used here, in declarations of our own: it comes without a header.
 * The library is opened when a client of it starts, so nothing is linked.
 */
#ifndef BENCH_CLOSED_API_H
#define BENCH_CLOSED_API_H

#include <hyperline/base.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct closed_error closed_error;
typedef struct closed_params closed_params;
typedef struct closed_conn closed_conn;
typedef struct closed_table closed_table;
typedef struct closed_rows closed_rows;
typedef struct closed_chunk closed_chunk;
typedef struct closed_inserter closed_inserter;
typedef struct closed_buffer closed_buffer;

typedef struct closed_field {
    int discriminator;
    union {
        int number;
        const char *text;
        void *pointer;
    } value;
} closed_field;

enum { CLOSED_FIELD_MESSAGE = 2, CLOSED_DO_NOT_CREATE = 0 };

/* Member, symbol, result, arguments. Functions that can fail return an error, or NULL. */
#define CLOSED_API_MAP(X)                                                                          \
    X(error_field, "hyper_error_get_field", closed_error *,                                        \
      (const closed_error *, int key, closed_field *))                                             \
    X(error_free, "hyper_error_destroy", void, (closed_error *))                                   \
    X(params_new, "hyper_create_connection_parameters", closed_error *,                            \
      (const void *instance, closed_params **))                                                    \
    X(params_set, "hyper_parameters_set", closed_error *,                                          \
      (closed_params *, const char *key, const char *value))                                       \
    X(params_free, "hyper_parameters_destroy", void, (closed_params *))                            \
    X(connect, "hyper_connect", closed_error *,                                                    \
      (const closed_params *, closed_conn **, int create_mode))                                    \
    X(disconnect, "hyper_disconnect", void, (closed_conn *))                                       \
    X(set_chunked, "hyper_set_chunked_mode", void, (closed_conn *, bool on))                       \
    X(query, "hyper_execute_query", closed_error *,                                                \
      (closed_conn *, const char *sql, closed_rows **))                                            \
    X(rows_free, "hyper_close_rowset", void, (closed_rows *))                                      \
    X(next_chunk, "hyper_rowset_get_next_chunk", closed_error *, (closed_rows *, closed_chunk **)) \
    X(chunk_values, "hyper_rowset_chunk_field_values", void,                                       \
      (closed_chunk *, size_t * columns, size_t * rows, const uint8_t *const **values,             \
       const size_t **sizes))                                                                      \
    X(chunk_free, "hyper_destroy_rowset_chunk", void, (const closed_chunk *))                      \
    X(table_new, "hyper_get_table_definition", closed_error *,                                     \
      (closed_conn *, const char *database, const char *schema, const char *table,                 \
       closed_table **))                                                                           \
    X(table_free, "hyper_destroy_table_definition", void, (closed_table *))                        \
    X(inserter_new, "hyper_create_inserter", closed_error *,                                       \
      (closed_conn *, const closed_table *, closed_inserter **))                                   \
    X(inserter_close, "hyper_close_inserter", closed_error *, (closed_inserter *, bool insert))    \
    X(buffer_new, "hyper_create_inserter_buffer", closed_error *,                                  \
      (closed_inserter *, const closed_table *, const char *columns, closed_buffer **))            \
    X(buffer_flush, "hyper_inserter_buffer_flush", closed_error *, (closed_buffer *))              \
    X(buffer_free, "hyper_inserter_buffer_destroy", void, (closed_buffer *))                       \
    X(add_null, "hyper_inserter_buffer_add_null", closed_error *, (closed_buffer *))               \
    X(add_i32, "hyper_inserter_buffer_add_int32", closed_error *, (closed_buffer *, int32_t))      \
    X(add_i64, "hyper_inserter_buffer_add_int64", closed_error *, (closed_buffer *, int64_t))      \
    X(add_f64, "hyper_inserter_buffer_add_double", closed_error *, (closed_buffer *, double))      \
    X(add_bytes, "hyper_inserter_buffer_add_binary", closed_error *,                               \
      (closed_buffer *, const uint8_t *, size_t))

typedef struct closed_api {
    void *library;
#define CLOSED_MEMBER(name, symbol, result, arguments) result(*name) arguments;
    CLOSED_API_MAP(CLOSED_MEMBER)
#undef CLOSED_MEMBER
} closed_api;

/* Opens the library in the peers' folder. Errors: IO, SERVER (a function is missing). */
HYL_NODISCARD hyl_status closed_api_open(closed_api *api, const char *peers, hyl_error *err);
/* Turns what a function returned into a status; frees it. */
HYL_NODISCARD hyl_status closed_api_check(const closed_api *api, closed_error *error,
                                          hyl_error *err);

#endif
