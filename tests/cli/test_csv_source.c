#include "support/test.h"

#include "cli/csv_source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

static char path[64];

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/hyl-csv-source-XXXXXX");
    int fd = mkstemp(path);
    return fd >= 0 ? close(fd) : -1;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

/* Appends a gzip member of the text. */
static void gzip(const char *text, size_t len, hyl_buf *out)
{
    z_stream zs;
    memset(&zs, 0, sizeof zs);
    assert_int_equal(deflateInit2(&zs, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    size_t room = deflateBound(&zs, len) + 64;
    hyl_error err = HYL_ERROR_INIT;
    assert_ok(hyl_buf_reserve(out, room), &err);
    char *copy = malloc(len + 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    zs.next_in = (Bytef *)copy;
    zs.avail_in = (uInt)len;
    zs.next_out = out->data + out->len;
    zs.avail_out = (uInt)room;
    assert_int_equal(deflate(&zs, Z_FINISH), Z_STREAM_END);
    out->len += room - zs.avail_out;
    deflateEnd(&zs);
    free(copy);
}

/* Reads to the end, `piece` bytes at a time. */
static hyl_status read_all(csv_source *source, size_t piece, hyl_buf *out, hyl_error *err)
{
    char buf[4096];
    for (;;) {
        size_t got = 0;
        HYL_TRY(csv_source_read(source, buf, piece, &got, err));
        if (got == 0) {
            return HYL_OK;
        }
        hyl_buf_append(out, buf, got);
    }
}

static void expect_text(csv_source *source, size_t piece, const void *text, size_t len)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_buf out = HYL_BUF_INIT;
    assert_ok(read_all(source, piece, &out, &err), &err);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, text, len);
    assert_int_equal(csv_source_text_bytes(source), len);
    hyl_buf_reset(&out);
}

static csv_source *open_file(void)
{
    hyl_error err = HYL_ERROR_INIT;
    csv_source *source = NULL;
    assert_ok(csv_source_open(path, &source, &err), &err);
    return source;
}

static void a_plain_file_is_read_twice(void **state)
{
    (void)state;
    const char *texts[] = {"", "\x1f", "a", "ab", "a,b\n1,2\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        write_file(texts[i], strlen(texts[i]));
        csv_source *source = open_file();
        hyl_error err = HYL_ERROR_INIT;
        assert_int_equal(csv_source_size(source), strlen(texts[i]));
        assert_ok(csv_source_make_rewindable(source, &err), &err);
        expect_text(source, 1, texts[i], strlen(texts[i]));
        assert_int_equal(csv_source_position(source), strlen(texts[i]));
        assert_ok(csv_source_rewind(source, &err), &err);
        expect_text(source, 4096, texts[i], strlen(texts[i]));
        csv_source_free(source);
    }
}

static void gzip_is_known_by_its_first_bytes(void **state)
{
    (void)state;
    hyl_buf text = HYL_BUF_INIT;
    for (int i = 0; i < 50000; i++) {
        hyl_buf_printf(&text, "%d,", i * 7919 % 10007);
    }
    hyl_buf packed = HYL_BUF_INIT;
    gzip((const char *)text.data, 100000, &packed);
    gzip((const char *)text.data + 100000, text.len - 100000, &packed);
    hyl_buf_append(&packed, "\0\0\0", 3);
    write_file(packed.data, packed.len);
    csv_source *source = open_file();
    hyl_error err = HYL_ERROR_INIT;
    expect_text(source, 4096, text.data, text.len);
    assert_int_equal(csv_source_position(source), packed.len);
    assert_ok(csv_source_rewind(source, &err), &err);
    expect_text(source, 37, text.data, text.len);
    csv_source_free(source);
    hyl_buf_reset(&text);
    hyl_buf_reset(&packed);
}

static hyl_status read_bytes(const uint8_t *bytes, size_t len, hyl_error *err)
{
    write_file(bytes, len);
    csv_source *source = open_file();
    hyl_buf out = HYL_BUF_INIT;
    hyl_status status = read_all(source, 4096, &out, err);
    csv_source_free(source);
    hyl_buf_reset(&out);
    return status;
}

/* Cut at any byte: an error, never a shorter text. */
static void cut_gzip_is_an_error(void **state)
{
    (void)state;
    hyl_buf packed = HYL_BUF_INIT;
    gzip("a,b\n1,2\n", 8, &packed);
    for (size_t len = 2; len < packed.len; len++) {
        hyl_error err = HYL_ERROR_INIT;
        assert_status(read_bytes(packed.data, len, &err), HYL_ERR_IO, &err);
        assert_non_null(strstr(err.message, "cut short"));
        assert_non_null(strstr(err.message, path));
    }
    hyl_buf_reset(&packed);
}

static void damaged_gzip_is_an_error(void **state)
{
    (void)state;
    hyl_buf packed = HYL_BUF_INIT;
    gzip("a,b\n1,2\n1,2\n1,2\n", 16, &packed);
    hyl_error err = HYL_ERROR_INIT;
    packed.data[packed.len - 6] ^= 1; /* in the checksum */
    assert_status(read_bytes(packed.data, packed.len, &err), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, "damaged"));
    packed.data[packed.len - 6] ^= 1;
    hyl_buf_append_str(&packed, "x");
    assert_status(read_bytes(packed.data, packed.len, &err), HYL_ERR_IO, &err);
    assert_non_null(strstr(err.message, "something else behind"));
    hyl_buf_reset(&packed);
}

/* Runs `check` with standard input as a pipe that holds `bytes`. */
static void with_pipe(const void *bytes, size_t len, void (*check)(csv_source *))
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, len), len);
    close(ends[1]);
    int saved = dup(STDIN_FILENO);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    hyl_error err = HYL_ERROR_INIT;
    csv_source *source = NULL;
    assert_ok(csv_source_open("-", &source, &err), &err);
    assert_string_equal(csv_source_name(source), "standard input");
    check(source);
    csv_source_free(source);
    if (saved >= 0) {
        dup2(saved, STDIN_FILENO);
        close(saved);
    }
}

static void check_pipe_text(csv_source *source)
{
    hyl_error err = HYL_ERROR_INIT;
    char buf[3];
    size_t got = 0;
    assert_int_equal(csv_source_size(source), 0);
    assert_ok(csv_source_make_rewindable(source, &err), &err);
    assert_ok(csv_source_read(source, buf, 3, &got, &err), &err);
    assert_ok(csv_source_rewind(source, &err), &err);
    expect_text(source, 2, "a,b\n1,2\n", 8);
    assert_ok(csv_source_rewind(source, &err), &err);
    expect_text(source, 4096, "a,b\n1,2\n", 8);
}

static void check_once_only(csv_source *source)
{
    hyl_error err = HYL_ERROR_INIT;
    expect_text(source, 4096, "a,b\n1,2\n", 8);
    assert_status(csv_source_rewind(source, &err), HYL_ERR_IO, &err);
}

static void a_pipe_is_kept_for_a_second_reading(void **state)
{
    (void)state;
    with_pipe("a,b\n1,2\n", 8, check_pipe_text);
    with_pipe("a,b\n1,2\n", 8, check_once_only);
    hyl_buf packed = HYL_BUF_INIT;
    gzip("a,b\n1,2\n", 8, &packed);
    with_pipe(packed.data, packed.len, check_pipe_text);
    hyl_buf_reset(&packed);
}

static void what_cannot_be_opened_is_named(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    csv_source *source = NULL;
    assert_status(csv_source_open("/nonexistent/x.csv", &source, &err), HYL_ERR_IO, &err);
    assert_string_equal(err.message, "/nonexistent/x.csv: No such file or directory");
    assert_status(csv_source_open("/tmp", &source, &err), HYL_ERR_IO, &err);
    assert_string_equal(err.message, "/tmp: Is a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file_is_read_twice),
        cmocka_unit_test(gzip_is_known_by_its_first_bytes),
        cmocka_unit_test(cut_gzip_is_an_error),
        cmocka_unit_test(damaged_gzip_is_an_error),
        cmocka_unit_test(a_pipe_is_kept_for_a_second_reading),
        cmocka_unit_test(what_cannot_be_opened_is_named),
    };
    return cmocka_run_group_tests_name("cli/csv_source", tests, make_path, remove_path);
}
