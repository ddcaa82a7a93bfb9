#include "ipc_check.h"

#include "base/endian.h"

/*
 * Fields as Arrow's Message.fbs and Schema.fbs number them; a union counts twice, as its kind and
 * its content.
 */
enum {
    MESSAGE_KIND = 1,
    MESSAGE_CONTENT = 2,
    KIND_SCHEMA = 1,
    KIND_DICTIONARY_BATCH = 2,
    KIND_RECORD_BATCH = 3,
    SCHEMA_FIELDS = 1,
    SCHEMA_METADATA = 2,
    DICTIONARY_DATA = 1, /* a RecordBatch */
    BATCH_LENGTH = 0,
    BATCH_NODES = 1,
    BATCH_BUFFERS = 2,
    TYPE_FIXED_SIZE_BINARY = 15,
    TYPE_FIXED_SIZE_LIST = 16,
    TYPE_SIZE = 0, /* of either */
    FIELD_TYPE_KIND = 2,
    FIELD_TYPE = 3,
    FIELD_DICTIONARY = 4,
    FIELD_CHILDREN = 5,
    FIELD_METADATA = 6,
    DICTIONARY_INDEX_TYPE = 1,
    PAIR_KEY = 0,
    PAIR_VALUE = 1,
    STRUCT_SIZE = 16 /* two 64-bit numbers. A node: length, NULLs. A buffer: begin, length. */
};

/* What is multiplied in 64 bits: values of an array, bits of a value. */
enum { MAX_LENGTH = INT32_MAX, MAX_FIXED_SIZE = 1 << 24 };

/* ---- Flatbuffers: see "Internals" of their documentation ------------------------------------ */

/* A field of a table; NULL where it was left out. */
static const uint8_t *field_of(const uint8_t *table, size_t number)
{
    const uint8_t *fields = table - (int32_t)hyl__load_le32(table);
    size_t at = 4 + 2 * number;
    size_t offset = at + 2 <= hyl__load_le16(fields) ? hyl__load_le16(fields + at) : 0;
    return offset != 0 ? table + offset : NULL;
}

/* What an offset leads to; NULL stays NULL. */
static const uint8_t *follow(const uint8_t *offset)
{
    return offset != NULL ? offset + hyl__load_le32(offset) : NULL;
}

static const uint8_t *content_of(const uint8_t *table, size_t number)
{
    return follow(field_of(table, number));
}

static uint8_t byte_of(const uint8_t *table, size_t number)
{
    const uint8_t *at = field_of(table, number);
    return at != NULL ? *at : 0;
}

/* True where all tables of a list, which may be left out, are as `is_complete` says. */
static bool all_of(const uint8_t *list, bool (*is_complete)(const uint8_t *table))
{
    uint32_t count = list != NULL ? hyl__load_le32(list) : 0;
    for (uint32_t i = 0; i < count; i++) {
        list += 4;
        if (!is_complete(follow(list))) {
            return false;
        }
    }
    return true;
}

/* ---- Arrow ---------------------------------------------------------------------------------- */

static bool is_complete_pair(const uint8_t *pair)
{
    return field_of(pair, PAIR_KEY) != NULL && field_of(pair, PAIR_VALUE) != NULL;
}

static bool is_sound_type(const uint8_t *field)
{
    const uint8_t *type = content_of(field, FIELD_TYPE);
    uint8_t kind = byte_of(field, FIELD_TYPE_KIND);
    if (type == NULL) {
        return kind == 0;
    }
    if (kind != TYPE_FIXED_SIZE_BINARY && kind != TYPE_FIXED_SIZE_LIST) {
        return true;
    }
    const uint8_t *size = field_of(type, TYPE_SIZE);
    return size == NULL || hyl__load_le32(size) <= MAX_FIXED_SIZE;
}

/* Calls itself for children: how deep they lie is bounded by the check before. */
static bool is_sound_field(const uint8_t *field)
{
    const uint8_t *dictionary = content_of(field, FIELD_DICTIONARY);
    if (dictionary != NULL && field_of(dictionary, DICTIONARY_INDEX_TYPE) == NULL) {
        return false;
    }
    return is_sound_type(field) && all_of(content_of(field, FIELD_METADATA), is_complete_pair) &&
           all_of(content_of(field, FIELD_CHILDREN), is_sound_field);
}

static bool is_sound_length(int64_t length)
{
    return length >= 0 && length <= MAX_LENGTH;
}

static int64_t number_at(const uint8_t *at)
{
    return (int64_t)hyl__load_le64(at);
}

static bool is_sound_node(const uint8_t *node)
{
    return is_sound_length(number_at(node));
}

static bool is_sound_buffer(const uint8_t *buffer)
{
    int64_t begin = number_at(buffer);
    int64_t length = number_at(buffer + 8);
    return begin >= 0 && length >= 0 && begin <= INT64_MAX - length;
}

/* The same as all_of for a list of structs. */
static bool all_structs_of(const uint8_t *list, bool (*is_sound)(const uint8_t *at))
{
    uint32_t count = list != NULL ? hyl__load_le32(list) : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_sound(list + 4 + (size_t)i * STRUCT_SIZE)) {
            return false;
        }
    }
    return true;
}

static bool is_sound_batch(const uint8_t *batch)
{
    const uint8_t *length = field_of(batch, BATCH_LENGTH);
    return (length == NULL || is_sound_length(number_at(length))) &&
           all_structs_of(content_of(batch, BATCH_NODES), is_sound_node) &&
           all_structs_of(content_of(batch, BATCH_BUFFERS), is_sound_buffer);
}

bool hyl__ipc_header_is_sound(const uint8_t *message)
{
    const uint8_t *table = follow(message);
    const uint8_t *content = content_of(table, MESSAGE_CONTENT);
    if (content == NULL) {
        return byte_of(table, MESSAGE_KIND) == 0;
    }
    switch (byte_of(table, MESSAGE_KIND)) {
    case KIND_SCHEMA:
        return all_of(content_of(content, SCHEMA_METADATA), is_complete_pair) &&
               all_of(content_of(content, SCHEMA_FIELDS), is_sound_field);
    case KIND_DICTIONARY_BATCH:
        content = content_of(content, DICTIONARY_DATA);
        return content != NULL && is_sound_batch(content);
    case KIND_RECORD_BATCH:
        return is_sound_batch(content);
    default:
        return true;
    }
}
