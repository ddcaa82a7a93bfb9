#include "ipc_schema.h"

#include "base/error.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>

/*
 * Fields of the tables of Arrow's Schema.fbs, in their order there
 * (https://github.com/apache/arrow/blob/main/format/Schema.fbs).
 */
enum {
    FIELD_NAME,
    FIELD_NULLABLE,
    FIELD_TYPE_ID,
    FIELD_TYPE,
    FIELD_DICTIONARY,
    FIELD_CHILDREN,
    FIELD_METADATA
};
enum { SCHEMA_ENDIANNESS, SCHEMA_FIELDS, SCHEMA_METADATA };
enum { ENCODING_ID, ENCODING_INDEX, ENCODING_ORDERED };
enum { PAIR_KEY, PAIR_VALUE };

enum { TABLES = 4, MAX_DEPTH = 64, MIN_FIELD = 16 };

typedef struct schema_reader {
    hyl__ipc_schema *out;
    hyl_error *err;
    size_t fields_left; /* bounds the work where tables share their children */
    size_t bytes_left;  /* and their texts */
    int depth;
} schema_reader;

static hyl_status fail_bytes(const schema_reader *reader)
{
    return hyl__fail(reader->err, HYL_ERR_ARG, "the schema is damaged");
}

static hyl_status check(const schema_reader *reader, int code)
{
    return code == NANOARROW_OK ? HYL_OK : hyl__fail_nomem(reader->err);
}

/* ---- Types --------------------------------------------------------------------------------- */

typedef enum type_id {
    TYPE_NULL = 1,
    TYPE_INT,
    TYPE_FLOAT,
    TYPE_BINARY,
    TYPE_UTF8,
    TYPE_BOOL,
    TYPE_DECIMAL,
    TYPE_DATE,
    TYPE_TIME,
    TYPE_TIMESTAMP,
    TYPE_INTERVAL,
    TYPE_LIST,
    TYPE_STRUCT,
    TYPE_UNION,
    TYPE_FIXED_SIZE_BINARY,
    TYPE_FIXED_SIZE_LIST,
    TYPE_MAP,
    TYPE_DURATION,
    TYPE_LARGE_BINARY,
    TYPE_LARGE_UTF8,
    TYPE_LARGE_LIST,
    TYPE_RUN_END_ENCODED,
    TYPE_BINARY_VIEW,
    TYPE_UTF8_VIEW,
    TYPE_LIST_VIEW,
    TYPE_LARGE_LIST_VIEW,
} type_id;

/* The format strings (of Arrow's C data interface) of types that have nothing to add. */
static const char *const PLAIN_FORMATS[] = {
    [TYPE_NULL] = "n",
    [TYPE_BINARY] = "z",
    [TYPE_UTF8] = "u",
    [TYPE_BOOL] = "b",
    [TYPE_LIST] = "+l",
    [TYPE_STRUCT] = "+s",
    [TYPE_MAP] = "+m",
    [TYPE_LARGE_BINARY] = "Z",
    [TYPE_LARGE_UTF8] = "U",
    [TYPE_LARGE_LIST] = "+L",
    [TYPE_RUN_END_ENCODED] = "+r",
    [TYPE_BINARY_VIEW] = "vz",
    [TYPE_UTF8_VIEW] = "vu",
    [TYPE_LIST_VIEW] = "+vl",
    [TYPE_LARGE_LIST_VIEW] = "+vL",
};

static void format_int(const hyl__fb_table *type, hyl_buf *out)
{
    const bool is_signed = hyl__fb_int(type, 1, 1, 0) != 0;
    switch (hyl__fb_int(type, 0, 4, 0)) {
    case 8:
        hyl_buf_append_str(out, is_signed ? "c" : "C");
        break;
    case 16:
        hyl_buf_append_str(out, is_signed ? "s" : "S");
        break;
    case 32:
        hyl_buf_append_str(out, is_signed ? "i" : "I");
        break;
    case 64:
        hyl_buf_append_str(out, is_signed ? "l" : "L");
        break;
    default:
        break;
    }
}

/* Appends the one of `letters` that a number stands for; nothing where it stands for none. */
static void append_letter(const char *before, const char *letters, int64_t number, hyl_buf *out)
{
    if (number >= 0 && (size_t)number < strlen(letters)) {
        hyl_buf_append_str(out, before);
        hyl_buf_append_byte(out, (uint8_t)letters[number]);
    }
}

static void format_timestamp(const hyl__fb_table *type, hyl_buf *out)
{
    const hyl_str zone = hyl__fb_text(type, 1);
    append_letter("ts", "smun", hyl__fb_int(type, 0, 2, 0), out);
    hyl_buf_append_byte(out, ':');
    hyl_buf_append(out, zone.data, zone.len);
}

/* Appends the format string of a type; nothing where there is no such type. */
static void format_type(int64_t id, const hyl__fb_table *type, hyl_buf *out)
{
    const int64_t second_or_milli = hyl__fb_int(type, 0, 2, 1);
    switch (id) {
    case TYPE_INT:
        format_int(type, out);
        break;
    case TYPE_FLOAT:
        append_letter("", "efg", hyl__fb_int(type, 0, 2, 0), out);
        break;
    case TYPE_DECIMAL:
        hyl_buf_printf(out, "d:%d,%d,%d", (int)hyl__fb_int(type, 0, 4, 0),
                       (int)hyl__fb_int(type, 1, 4, 0), (int)hyl__fb_int(type, 2, 4, 128));
        break;
    case TYPE_DATE:
        append_letter("td", "Dm", second_or_milli, out);
        break;
    case TYPE_TIME:
        append_letter("tt", "smun", second_or_milli, out);
        break;
    case TYPE_TIMESTAMP:
        format_timestamp(type, out);
        break;
    case TYPE_DURATION:
        append_letter("tD", "smun", second_or_milli, out);
        break;
    case TYPE_INTERVAL:
        append_letter("ti", "MDn", hyl__fb_int(type, 0, 2, 0), out);
        break;
    case TYPE_FIXED_SIZE_BINARY:
        hyl_buf_printf(out, "w:%d", (int)hyl__fb_int(type, 0, 4, 0));
        break;
    case TYPE_FIXED_SIZE_LIST:
        hyl_buf_printf(out, "+w:%d", (int)hyl__fb_int(type, 0, 4, 0));
        break;
    default:
        if (id > 0 && (size_t)id < sizeof PLAIN_FORMATS / sizeof *PLAIN_FORMATS &&
            PLAIN_FORMATS[id] != NULL) {
            hyl_buf_append_str(out, PLAIN_FORMATS[id]);
        }
        break;
    }
}

/* UTF-8 without NUL, as a name must be. */
static bool is_text(const char *text, size_t len)
{
    return len == 0 || (memchr(text, 0, len) == NULL && hyl__utf8_valid(text, len));
}

/* Gives the field the format, and frees that. Unions have none here: nothing takes them. */
static hyl_status set_format(const schema_reader *reader, struct ArrowSchema *field,
                             hyl_buf *format)
{
    const bool known = format->len > 0;
    hyl_buf_append_byte(format, 0);
    hyl_status status = HYL_OK;
    if (hyl_buf_status(format) < 0) {
        status = hyl__fail_nomem(reader->err);
    } else if (!known || !is_text((const char *)format->data, format->len - 1)) {
        status = hyl__fail(reader->err, HYL_ERR_UNSUPPORTED,
                           "column \"%s\" is of a type that is not read",
                           field->name != NULL ? field->name : "");
    } else {
        status = check(reader, ArrowSchemaSetFormat(field, (const char *)format->data));
    }
    hyl_buf_reset(format);
    return status;
}

static hyl_status read_type(const schema_reader *reader, const hyl__fb_table *table,
                            struct ArrowSchema *field)
{
    const int64_t id = hyl__fb_int(table, FIELD_TYPE_ID, 1, 0);
    const hyl__fb_table type = hyl__fb_child(table, FIELD_TYPE);
    hyl_buf format = HYL_BUF_INIT;
    format_type(id, &type, &format);
    if (id == TYPE_MAP && hyl__fb_int(&type, 0, 1, 0) != 0) {
        field->flags |= ARROW_FLAG_MAP_KEYS_SORTED;
    }
    return set_format(reader, field, &format);
}

/* ---- Names and metadata -------------------------------------------------------------------- */

static bool spend(schema_reader *reader, size_t bytes)
{
    if (bytes > reader->bytes_left) {
        return false;
    }
    reader->bytes_left -= bytes;
    return true;
}

static hyl_status read_name(schema_reader *reader, const hyl__fb_table *table,
                            struct ArrowSchema *field)
{
    const hyl_str name = hyl__fb_text(table, FIELD_NAME);
    if (!spend(reader, name.len) || !is_text(name.data, name.len)) {
        return fail_bytes(reader);
    }
    char *text = hyl__strndup(name.data != NULL ? name.data : "", name.len);
    if (text == NULL) {
        return hyl__fail_nomem(reader->err);
    }
    int code = ArrowSchemaSetName(field, text);
    hyl__free(text);
    return check(reader, code);
}

static hyl_status append_pairs(schema_reader *reader, const hyl__fb_vector *pairs,
                               struct ArrowBuffer *metadata)
{
    for (size_t i = 0; i < pairs->count; i++) {
        const hyl__fb_table pair = hyl__fb_item_table(pairs, i);
        const hyl_str key = hyl__fb_text(&pair, PAIR_KEY);
        const hyl_str value = hyl__fb_text(&pair, PAIR_VALUE);
        if (!spend(reader, key.len) || !spend(reader, value.len) || !spend(reader, TABLES)) {
            return fail_bytes(reader);
        }
        HYL_TRY(check(reader, ArrowMetadataBuilderAppend(
                                  metadata, (struct ArrowStringView){key.data, (int64_t)key.len},
                                  (struct ArrowStringView){value.data, (int64_t)value.len})));
    }
    return HYL_OK;
}

static hyl_status read_metadata(schema_reader *reader, const hyl__fb_vector *pairs,
                                struct ArrowSchema *field)
{
    struct ArrowBuffer metadata;
    if (pairs->count == 0) {
        return HYL_OK;
    }
    HYL_TRY(check(reader, ArrowMetadataBuilderInit(&metadata, NULL)));
    hyl_status status = append_pairs(reader, pairs, &metadata);
    if (status == HYL_OK) {
        status = check(reader, ArrowSchemaSetMetadata(field, (const char *)metadata.data));
    }
    ArrowBufferReset(&metadata);
    return status;
}

/* ---- Fields -------------------------------------------------------------------------------- */

static hyl_status read_children(schema_reader *reader, const hyl__fb_vector *children,
                                struct ArrowSchema *field);

static hyl_status add_encoding(const schema_reader *reader, const struct ArrowSchema *field,
                               int64_t id)
{
    hyl__ipc_schema *out = reader->out;
    const size_t size = (out->encoding_count + 1) * sizeof *out->encodings;
    hyl__ipc_encoding *encodings = hyl__realloc(out->encodings, size);
    if (encodings == NULL) {
        return hyl__fail_nomem(reader->err);
    }
    out->encodings = encodings;
    encodings[out->encoding_count++] = (hyl__ipc_encoding){field, id};
    return HYL_OK;
}

/*
 * IPC has the values' type at the field and the indices' in its encoding; the C data interface has
 * them the other way round. The field's metadata, its name and whether it is nullable stay with it.
 */
static hyl_status read_encoding(schema_reader *reader, const hyl__fb_table *encoding,
                                struct ArrowSchema *field)
{
    const hyl__fb_table index = hyl__fb_child(encoding, ENCODING_INDEX);
    hyl_buf format = HYL_BUF_INIT;
    HYL_TRY(add_encoding(reader, field, hyl__fb_int(encoding, ENCODING_ID, 8, 0)));
    if (index.at != 0) {
        format_int(&index, &format);
    } else {
        hyl_buf_append_str(&format, "i");
    }
    if (hyl__fb_int(encoding, ENCODING_ORDERED, 1, 0) != 0) {
        field->flags |= ARROW_FLAG_DICTIONARY_ORDERED;
    }
    return set_format(reader, field, &format);
}

static hyl_status read_values(schema_reader *reader, const hyl__fb_table *table,
                              struct ArrowSchema *values)
{
    const hyl__fb_vector children = hyl__fb_items(table, FIELD_CHILDREN, TABLES);
    HYL_TRY(read_type(reader, table, values));
    return read_children(reader, &children, values);
}

static hyl_status read_field(schema_reader *reader, const hyl__fb_table *table,
                             struct ArrowSchema *field)
{
    const hyl__fb_table encoding = hyl__fb_child(table, FIELD_DICTIONARY);
    const hyl__fb_vector metadata = hyl__fb_items(table, FIELD_METADATA, TABLES);
    if (reader->fields_left == 0 || reader->depth > MAX_DEPTH) {
        return fail_bytes(reader);
    }
    reader->fields_left--;
    ArrowSchemaInit(field);
    HYL_TRY(read_name(reader, table, field));
    if (hyl__fb_int(table, FIELD_NULLABLE, 1, 0) == 0) {
        field->flags &= ~(int64_t)ARROW_FLAG_NULLABLE;
    }
    HYL_TRY(read_metadata(reader, &metadata, field));
    if (encoding.at == 0) {
        return read_values(reader, table, field);
    }
    HYL_TRY(read_encoding(reader, &encoding, field));
    HYL_TRY(check(reader, ArrowSchemaAllocateDictionary(field)));
    ArrowSchemaInit(field->dictionary);
    HYL_TRY(check(reader, ArrowSchemaSetName(field->dictionary, "")));
    return read_values(reader, table, field->dictionary);
}

static hyl_status read_children(schema_reader *reader, const hyl__fb_vector *children,
                                struct ArrowSchema *field)
{
    if (children->count == 0) {
        return HYL_OK;
    }
    if (children->count > reader->fields_left) {
        return fail_bytes(reader);
    }
    HYL_TRY(check(reader, ArrowSchemaAllocateChildren(field, (int64_t)children->count)));
    reader->depth++;
    for (size_t i = 0; i < children->count; i++) {
        const hyl__fb_table child = hyl__fb_item_table(children, i);
        HYL_TRY(read_field(reader, &child, field->children[i]));
    }
    reader->depth--;
    return HYL_OK;
}

/* ---- The whole ----------------------------------------------------------------------------- */

static bool is_native(int64_t endianness)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return endianness == 0;
#else
    return endianness == 1;
#endif
}

static hyl_status read_root(schema_reader *reader, const hyl__fb_table *table)
{
    const hyl__fb_vector fields = hyl__fb_items(table, SCHEMA_FIELDS, TABLES);
    const hyl__fb_vector metadata = hyl__fb_items(table, SCHEMA_METADATA, TABLES);
    struct ArrowSchema *root = &reader->out->root;
    if (!is_native(hyl__fb_int(table, SCHEMA_ENDIANNESS, 2, 0))) {
        return hyl__fail(reader->err, HYL_ERR_UNSUPPORTED, "the data are of the other byte order");
    }
    HYL_TRY(check(reader, ArrowSchemaSetFormat(root, "+s")));
    HYL_TRY(check(reader, ArrowSchemaSetName(root, "")));
    HYL_TRY(read_metadata(reader, &metadata, root));
    HYL_TRY(read_children(reader, &fields, root));
    return table->fb->broken ? fail_bytes(reader) : HYL_OK;
}

hyl_status hyl__ipc_schema_read(const hyl__fb_table *table, hyl__ipc_schema *out, hyl_error *err)
{
    memset(out, 0, sizeof *out);
    schema_reader reader = {out, err, table->fb->len / MIN_FIELD, table->fb->len * 4, 0};
    ArrowSchemaInit(&out->root);
    hyl_status status = read_root(&reader, table);
    if (status < 0) {
        hyl__ipc_schema_reset(out);
    }
    return status;
}

void hyl__ipc_schema_reset(hyl__ipc_schema *schema)
{
    if (schema->root.release != NULL) {
        ArrowSchemaRelease(&schema->root);
    }
    hyl__free(schema->encodings);
    memset(schema, 0, sizeof *schema);
}

int64_t hyl__ipc_schema_find(const hyl__ipc_schema *schema, const struct ArrowSchema *field,
                             size_t *hint)
{
    for (size_t k = 0; k < schema->encoding_count; k++) {
        const size_t i = (*hint + k) % schema->encoding_count;
        if (schema->encodings[i].field == field) {
            *hint = i + 1;
            return schema->encodings[i].id;
        }
    }
    return -1;
}
