/* Arrow streams of a real server: reading them, and what they must be like. */
#ifndef HYL_TESTS_SUPPORT_ARROW_LIVE_H
#define HYL_TESTS_SUPPORT_ARROW_LIVE_H

#include <hyperline/arrow.h>
#include <hyperline/server.h>

hyl_conn *arrow_connect(hyl_server *server, const char *settings);

/* A test's own connection to the test program's server: made before each test, freed behind it. */
extern hyl_conn *arrow_conn;

int arrow_set_up(void **state);
int arrow_tear_down(void **state);

#define ARROW_TEST(name) cmocka_unit_test_setup_teardown(name, arrow_set_up, arrow_tear_down)

/* ---- Reading --------------------------------------------------------------------------------- */

/* The next batch, released at the end. Fails the test where there is an error. */
void arrow_next(struct ArrowArrayStream *stream, struct ArrowArray *batch);

/* The stream of a query on arrow_conn, with the options' defaults. */
struct ArrowArrayStream arrow_open(const char *sql);
/* Reads until the stream fails, and returns what get_next returned; the rows go to *rows. */
int arrow_read_to_error(struct ArrowArrayStream *stream, int64_t *rows);

/* All of a stream; the texts (arrow_text.h) end with NUL. */
typedef struct arrow_contents {
    hyl_buf schema;
    hyl_buf rows;
    int64_t row_count;
    int64_t batch_count;
    int64_t longest; /* rows of the longest batch */
} arrow_contents;

/* Reads the stream to its end and releases it. */
arrow_contents arrow_read(struct ArrowArrayStream *stream, bool with_rows);
/* arrow_open and arrow_read, rows and all. */
arrow_contents arrow_read_query(const char *sql);
void arrow_contents_free(arrow_contents *read);

/*
 * A query's rows, read as rows, in the form of arrow_batch_text; the types of its columns go to
 * `names`. Both end with NUL.
 */
hyl_buf arrow_rows_text(hyl_conn *conn, const char *sql, hyl_buf *names);

/* ---- Types ----------------------------------------------------------------------------------- */

typedef struct arrow_type {
    const char *type; /* as SQL writes it in a cast */
    const char *name; /* as hyper:type_name has it */
    const char *format;
    const char *a; /* two values, as SQL writes them */
    const char *b;
} arrow_type;

enum { ARROW_TYPE_COUNT = 47 };

/* The types that the server sends as Arrow, with extreme values. */
extern const arrow_type arrow_types[ARROW_TYPE_COUNT];

/*
 * A query of one column "x" of a type and three rows, a, b and a; bit i of `nulls` makes row i NULL.
 * Ends with NUL.
 */
hyl_buf arrow_three_rows(size_t index, unsigned nulls);

#endif
