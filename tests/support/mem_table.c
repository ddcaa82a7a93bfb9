#include "support/mem_table.h"

#include "support/test.h"

#include "base/endian.h"

/* A column without a name: the row of NULLs that stands for none. */
static void say_column(hyl_buf *messages, const hyl__table_column *column)
{
    if (column->name == NULL) {
        const hyl_bytes nulls[4] = {{NULL, 0}};
        backend_row(messages, nulls, 4);
        return;
    }
    uint8_t oid[8];
    uint8_t typmod[4];
    const uint8_t not_null = !column->nullable;
    const hyl_bytes cells[] = {{(const uint8_t *)column->name, strlen(column->name)},
                               {oid, sizeof oid},
                               {typmod, sizeof typmod},
                               {&not_null, 1}};
    hyl__store_le64(oid, column->type.oid);
    hyl__store_le32(typmod, (uint32_t)column->type.typmod);
    backend_row(messages, cells, 4);
}

void mem_say_table(mem_conn *mem, const hyl__table_column *columns, size_t count)
{
    const backend_column described[] = {{"attname", hyl_type_of(HYL_TYPE_TEXT)},
                                        {"atttypid", hyl_type_of(HYL_TYPE_BIGINT)},
                                        {"atttypmod", hyl_type_of(HYL_TYPE_INT)},
                                        {"attnotnull", hyl_type_of(HYL_TYPE_BOOL)}};
    char tag[32];
    hyl_buf messages = HYL_BUF_INIT;
    backend_description(&messages, described, 4);
    for (size_t i = 0; i < count; i++) {
        say_column(&messages, &columns[i]);
    }
    snprintf(tag, sizeof tag, "SELECT %zu", count);
    backend_tag(&messages, tag);
    backend_ready(&messages, 'I');
    mem_say(mem, &messages);
}

void mem_say_copy_in(mem_conn *mem)
{
    hyl_buf messages = HYL_BUF_INIT;
    backend_copy_response(&messages, 'G');
    mem_say(mem, &messages);
}
