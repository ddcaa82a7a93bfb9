/* Schemas of Arrow IPC: each type, and what is none. */
#include "data/ipc_schema.h"

#include "base/endian.h"
#include "support/alloc.h"
#include "support/arrow_text.h"
#include "support/fb_build.h"
#include "support/test.h"

static hyl_error err;

/* Fields of Schema.fbs, in their order there. */
enum { NAME, NULLABLE, TYPE_ID, TYPE, DICTIONARY, CHILDREN, METADATA };
enum { ENDIANNESS, FIELDS, SCHEMA_METADATA };
enum { INT = 2, UTF8 = 5, DECIMAL = 7, DATE = 8, TIME = 9, TIMESTAMP = 10, LIST = 12, UNION = 14 };

/* ---- Building ------------------------------------------------------------------------------ */

typedef struct schema_build {
    fb_build fb;
    size_t root;
    size_t fields;
} schema_build;

static schema_build start(uint32_t count)
{
    schema_build built = {.fb = fb_start()};
    built.root = fb_table(&built.fb);
    built.fields = fb_set_vector(&built.fb, built.root, FIELDS, count, 4);
    return built;
}

/* A field of a type, whose table is returned in *type. */
static size_t set_field(fb_build *fb, size_t vector, size_t i, int64_t id, size_t *type)
{
    const size_t field = fb_put_table(fb, vector, i);
    fb_set_text(fb, field, NAME, "x");
    fb_set_int(fb, field, NULLABLE, 1);
    fb_set_int(fb, field, TYPE_ID, id);
    *type = fb_table(fb);
    fb_set_ref(fb, field, TYPE, *type);
    return field;
}

static hyl_status read_schema(const schema_build *built, hyl__ipc_schema *out)
{
    hyl__fb fb = fb_view(&built->fb);
    const hyl__fb_table table = hyl__fb_root(&fb);
    err = (hyl_error)HYL_ERROR_INIT;
    return hyl__ipc_schema_read(&table, out, &err);
}

/* ---- Types --------------------------------------------------------------------------------- */

/* `a`, `b`, `c`: the type's fields; `format` NULL: there is no such type. */
static void assert_type(int64_t id, int64_t a, int64_t b, int64_t c, const char *format)
{
    size_t type = 0;
    hyl__ipc_schema schema;
    schema_build built = start(1);
    set_field(&built.fb, built.fields, 0, id, &type);
    fb_set_int(&built.fb, type, 0, a);
    fb_set_int(&built.fb, type, 1, b);
    fb_set_int(&built.fb, type, 2, c);
    hyl_status status = read_schema(&built, &schema);
    if (status != (format != NULL ? HYL_OK : HYL_ERR_UNSUPPORTED)) {
        fail_msg("type %d (%d, %d): %s", (int)id, (int)a, (int)b, hyl_status_name(status));
    }
    if (format != NULL) {
        assert_string_equal(schema.root.children[0]->format, format);
        assert_string_equal(schema.root.children[0]->name, "x");
        assert_true(schema.root.children[0]->flags & ARROW_FLAG_NULLABLE);
        hyl__ipc_schema_reset(&schema);
    } else {
        assert_non_null(strstr(err.message, "\"x\""));
    }
    fb_free(&built.fb);
}

static void every_type_has_its_format(void **state)
{
    static const struct {
        int64_t id;
        int64_t a;
        int64_t b;
        int64_t c;
        const char *format;
    } types[] = {
        {1, 0, 0, 0, "n"},
        {2, 8, 1, 0, "c"},
        {2, 8, 0, 0, "C"},
        {2, 16, 1, 0, "s"},
        {2, 16, 0, 0, "S"},
        {2, 32, 1, 0, "i"},
        {2, 32, 0, 0, "I"},
        {2, 64, 1, 0, "l"},
        {2, 64, 0, 0, "L"},
        {3, 0, 0, 0, "e"},
        {3, 1, 0, 0, "f"},
        {3, 2, 0, 0, "g"},
        {4, 0, 0, 0, "z"},
        {5, 0, 0, 0, "u"},
        {6, 0, 0, 0, "b"},
        {7, 38, 10, 128, "d:38,10,128"},
        {7, 76, -3, 256, "d:76,-3,256"},
        {8, 0, 0, 0, "tdD"},
        {8, 1, 0, 0, "tdm"},
        {9, 0, 32, 0, "tts"},
        {9, 3, 64, 0, "ttn"},
        {11, 0, 0, 0, "tiM"},
        {11, 1, 0, 0, "tiD"},
        {11, 2, 0, 0, "tin"},
        {12, 0, 0, 0, "+l"},
        {13, 0, 0, 0, "+s"},
        {15, 16, 0, 0, "w:16"},
        {16, 3, 0, 0, "+w:3"},
        {17, 0, 0, 0, "+m"},
        {18, 2, 0, 0, "tDu"},
        {19, 0, 0, 0, "Z"},
        {20, 0, 0, 0, "U"},
        {21, 0, 0, 0, "+L"},
        {22, 0, 0, 0, "+r"},
        {23, 0, 0, 0, "vz"},
        {24, 0, 0, 0, "vu"},
        {25, 0, 0, 0, "+vl"},
        {26, 0, 0, 0, "+vL"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_type(types[i].id, types[i].a, types[i].b, types[i].c, types[i].format);
    }
}

static void what_is_no_type_is_refused(void **state)
{
    (void)state;
    assert_type(0, 0, 0, 0, NULL);
    assert_type(UNION, 0, 0, 0, NULL);
    assert_type(27, 0, 0, 0, NULL);
    assert_type(127, 0, 0, 0, NULL);
    assert_type(-1, 0, 0, 0, NULL);
    assert_type(INT, 7, 1, 0, NULL);
    assert_type(INT, -64, 1, 0, NULL);
    assert_type(3, 3, 0, 0, NULL); /* float128 */
    assert_type(3, -1, 0, 0, NULL);
    assert_type(DATE, 2, 0, 0, NULL);
    assert_type(TIME, 4, 0, 0, NULL);
    assert_type(11, 3, 0, 0, NULL);
    assert_type(18, 32767, 0, 0, NULL);
}

static void timestamps_have_a_zone(void **state)
{
    static const struct {
        const char *zone;
        const char *format;
    } zones[] = {{NULL, "tsu:"}, {"", "tsu:"}, {"UTC", "tsu:UTC"}, {"\xff", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        size_t type = 0;
        hyl__ipc_schema schema;
        schema_build built = start(1);
        set_field(&built.fb, built.fields, 0, TIMESTAMP, &type);
        fb_set_int(&built.fb, type, 0, 2);
        if (zones[i].zone != NULL) {
            fb_set_text(&built.fb, type, 1, zones[i].zone);
        }
        hyl_status status = read_schema(&built, &schema);
        assert_status(status, zones[i].format != NULL ? HYL_OK : HYL_ERR_UNSUPPORTED, &err);
        if (status == HYL_OK) {
            assert_string_equal(schema.root.children[0]->format, zones[i].format);
            hyl__ipc_schema_reset(&schema);
        }
        fb_free(&built.fb);
    }
}

/* ---- Dictionaries and metadata ------------------------------------------------------------- */

static void a_dictionarys_index_is_the_field(void **state)
{
    (void)state;
    size_t type = 0;
    size_t hint = 0;
    hyl__ipc_schema schema;
    schema_build built = start(2);
    for (size_t i = 0; i < 2; i++) {
        const size_t field = set_field(&built.fb, built.fields, i, UTF8, &type);
        const size_t encoding = fb_table(&built.fb);
        fb_set_ref(&built.fb, field, DICTIONARY, encoding);
        fb_set_int(&built.fb, encoding, 0, i == 0 ? 70 : -7);
        fb_set_int(&built.fb, encoding, 2, i == 0);
        if (i == 1) { /* of the other no index is told: int32 */
            const size_t index = fb_table(&built.fb);
            fb_set_ref(&built.fb, encoding, 1, index);
            fb_set_int(&built.fb, index, 0, 8);
        }
    }
    assert_ok(read_schema(&built, &schema), &err);
    const struct ArrowSchema *first = schema.root.children[0];
    const struct ArrowSchema *second = schema.root.children[1];
    assert_string_equal(first->format, "i");
    assert_string_equal(first->dictionary->format, "u");
    assert_true(first->flags & ARROW_FLAG_DICTIONARY_ORDERED);
    assert_string_equal(second->format, "C");
    assert_false(second->flags & ARROW_FLAG_DICTIONARY_ORDERED);
    assert_int_equal(schema.encoding_count, 2);
    assert_int_equal(hyl__ipc_schema_find(&schema, first, &hint), 70);
    assert_int_equal(hyl__ipc_schema_find(&schema, second, &hint), -7);
    assert_int_equal(hyl__ipc_schema_find(&schema, first, &hint), 70);
    assert_int_equal(hyl__ipc_schema_find(&schema, &schema.root, &hint), -1);
    hyl__ipc_schema_reset(&schema);
    fb_free(&built.fb);
}

static void metadata_stay_with_their_field(void **state)
{
    (void)state;
    size_t type = 0;
    hyl__ipc_schema schema;
    schema_build built = start(1);
    const size_t field = set_field(&built.fb, built.fields, 0, UTF8, &type);
    const size_t pairs = fb_set_vector(&built.fb, field, METADATA, 2, 4);
    for (size_t i = 0; i < 2; i++) {
        const size_t pair = fb_put_table(&built.fb, pairs, i);
        fb_set_text(&built.fb, pair, 0, i == 0 ? "hyper:type" : "empty");
        fb_set_text(&built.fb, pair, 1, i == 0 ? "JSON" : "");
    }
    assert_ok(read_schema(&built, &schema), &err);
    assert_string_equal(arrow_metadata(schema.root.children[0], "hyper:type"), "JSON");
    assert_null(schema.root.metadata);
    hyl__ipc_schema_reset(&schema);
    fb_free(&built.fb);
}

/* ---- Damage -------------------------------------------------------------------------------- */

static void a_name_is_utf8_without_nul(void **state)
{
    (void)state;
    static const char *const names[] = {"\xff", "ab\xc3", "a\1b"};
    for (size_t i = 0; i < 3; i++) {
        size_t type = 0;
        hyl__ipc_schema schema;
        schema_build built = start(1);
        const size_t field = set_field(&built.fb, built.fields, 0, UTF8, &type);
        fb_set_text(&built.fb, field, NAME, names[i]);
        if (i == 2) { /* NUL in place of the byte 1 */
            uint8_t *at = memchr(built.fb.bytes.data, 1, built.fb.bytes.len);
            while (at[-1] != 'a' || at[1] != 'b') {
                at = memchr(at + 1, 1, (size_t)(built.fb.bytes.data + built.fb.bytes.len - at - 1));
            }
            *at = 0;
        }
        assert_status(read_schema(&built, &schema), HYL_ERR_ARG, &err);
        fb_free(&built.fb);
    }
}

static void the_other_byte_order_is_refused(void **state)
{
    (void)state;
    size_t type = 0;
    hyl__ipc_schema schema;
    schema_build built = start(1);
    set_field(&built.fb, built.fields, 0, UTF8, &type);
    fb_set_int(&built.fb, built.root, ENDIANNESS, 1);
    assert_status(read_schema(&built, &schema), HYL_ERR_UNSUPPORTED, &err);
    fb_set_int(&built.fb, built.root, ENDIANNESS, 0);
    assert_ok(read_schema(&built, &schema), &err);
    hyl__ipc_schema_reset(&schema);
    fb_free(&built.fb);
}

static void no_fields_are_a_schema(void **state)
{
    (void)state;
    hyl__ipc_schema schema;
    schema_build built = start(0);
    assert_ok(read_schema(&built, &schema), &err);
    assert_string_equal(schema.root.format, "+s");
    assert_int_equal(schema.root.n_children, 0);
    hyl__ipc_schema_reset(&schema);
    fb_free(&built.fb);
}

/* A list within a list, time and again. */
static void depth_has_a_bound(void **state)
{
    (void)state;
    for (int depth = 60; depth < 80; depth += 10) {
        hyl__ipc_schema schema;
        schema_build built = start(1);
        size_t vector = built.fields;
        for (int i = 0; i < depth; i++) {
            size_t type = 0;
            const size_t field = set_field(&built.fb, vector, 0, LIST, &type);
            vector = fb_set_vector(&built.fb, field, CHILDREN, i + 1 < depth ? 1 : 0, 4);
        }
        hyl_status status = read_schema(&built, &schema);
        assert_status(status, depth < 65 ? HYL_OK : HYL_ERR_ARG, &err);
        if (status == HYL_OK) {
            hyl__ipc_schema_reset(&schema);
        }
        fb_free(&built.fb);
    }
}

/* Each level has the next level's table many times over: 40^40 fields in a few thousand bytes. */
static void tables_that_share_their_children_are_bounded(void **state)
{
    (void)state;
    enum { LEVELS = 40, TIMES = 40 };
    hyl__ipc_schema schema;
    schema_build built = start(1);
    size_t vector = built.fields;
    size_t count = 1;
    for (int i = 0; i < LEVELS; i++) {
        size_t type = 0;
        const size_t field = set_field(&built.fb, vector, 0, 13, &type);
        for (size_t k = 1; k < count; k++) {
            hyl__store_le32(built.fb.bytes.data + vector + 4 * k,
                            (uint32_t)(field - (vector + 4 * k)));
        }
        count = TIMES;
        vector = fb_set_vector(&built.fb, field, CHILDREN, i + 1 < LEVELS ? TIMES : 0, 4);
    }
    assert_status(read_schema(&built, &schema), HYL_ERR_ARG, &err);
    fb_free(&built.fb);
}

/* The number of fields is no more than there are bytes for, whatever a vector says. */
static void a_length_that_lies_is_refused(void **state)
{
    (void)state;
    static const uint32_t counts[] = {2, 1000, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < 4; i++) {
        size_t type = 0;
        hyl__ipc_schema schema;
        schema_build built = start(1);
        set_field(&built.fb, built.fields, 0, UTF8, &type);
        hyl__store_le32(built.fb.bytes.data + built.fields - 4, counts[i]);
        assert_true(read_schema(&built, &schema) < 0);
        assert_true(err.status != HYL_ERR_NOMEM);
        fb_free(&built.fb);
    }
}

/* Cut anywhere, and with any byte turned over, it is a schema or an error. */
static void damage_is_found_or_harmless(void **state)
{
    (void)state;
    size_t type = 0;
    hyl__ipc_schema schema;
    schema_build built = start(2);
    set_field(&built.fb, built.fields, 0, TIMESTAMP, &type);
    const size_t list = set_field(&built.fb, built.fields, 1, LIST, &type);
    const size_t children = fb_set_vector(&built.fb, list, CHILDREN, 1, 4);
    set_field(&built.fb, children, 0, UTF8, &type);
    const size_t len = built.fb.bytes.len;
    for (size_t cut = 0; cut < len; cut++) {
        built.fb.bytes.len = cut;
        if (read_schema(&built, &schema) == HYL_OK) {
            hyl__ipc_schema_reset(&schema);
        }
    }
    built.fb.bytes.len = len;
    for (size_t at = 0; at < len; at++) {
        for (int bit = 0; bit < 8; bit++) {
            built.fb.bytes.data[at] ^= (uint8_t)(1 << bit);
            if (read_schema(&built, &schema) == HYL_OK) {
                hyl__ipc_schema_reset(&schema);
            }
            built.fb.bytes.data[at] ^= (uint8_t)(1 << bit);
        }
    }
    assert_ok(read_schema(&built, &schema), &err);
    hyl__ipc_schema_reset(&schema);
    fb_free(&built.fb);
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    size_t type = 0;
    schema_build built = start(1);
    const size_t field = set_field(&built.fb, built.fields, 0, UTF8, &type);
    const size_t encoding = fb_table(&built.fb);
    fb_set_ref(&built.fb, field, DICTIONARY, encoding);
    bool failed = true;
    for (size_t n = 1; failed; n++) {
        hyl__ipc_schema schema;
        alloc_start(n);
        hyl_status status = read_schema(&built, &schema);
        failed = alloc_failed();
        assert_int_equal(status, failed ? HYL_ERR_NOMEM : HYL_OK);
        if (status == HYL_OK) {
            hyl__ipc_schema_reset(&schema);
        }
        alloc_stop();
    }
    fb_free(&built.fb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_format),
        cmocka_unit_test(what_is_no_type_is_refused),
        cmocka_unit_test(timestamps_have_a_zone),
        cmocka_unit_test(a_dictionarys_index_is_the_field),
        cmocka_unit_test(metadata_stay_with_their_field),
        cmocka_unit_test(a_name_is_utf8_without_nul),
        cmocka_unit_test(the_other_byte_order_is_refused),
        cmocka_unit_test(no_fields_are_a_schema),
        cmocka_unit_test(depth_has_a_bound),
        cmocka_unit_test(tables_that_share_their_children_are_bounded),
        cmocka_unit_test(a_length_that_lies_is_refused),
        cmocka_unit_test(damage_is_found_or_harmless),
        cmocka_unit_test(without_memory_there_is_none),
    };
    return cmocka_run_group_tests_name("data/ipc_schema", tests, NULL, NULL);
}
