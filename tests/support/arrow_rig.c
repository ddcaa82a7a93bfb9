#include "support/arrow_rig.h"

#include "data/arrow_types.h"
#include "support/test.h"

static hyl_error err;
static char column_name[] = "x";

static void begin(arrow_rig *r)
{
    assert_int_equal(ArrowArrayInitFromSchema(&r->array, &r->schema, NULL), 0);
    assert_int_equal(ArrowArrayStartAppending(&r->array), 0);
}

void arrow_rig_start(arrow_rig *r, enum ArrowType type)
{
    memset(r, 0, sizeof *r);
    ArrowSchemaInit(&r->schema);
    assert_int_equal(ArrowSchemaSetType(&r->schema, type), 0);
    begin(r);
}

void arrow_rig_start_time(arrow_rig *r, enum ArrowType type, enum ArrowTimeUnit unit)
{
    memset(r, 0, sizeof *r);
    ArrowSchemaInit(&r->schema);
    assert_int_equal(ArrowSchemaSetTypeDateTime(&r->schema, type, unit, NULL), 0);
    begin(r);
}

void arrow_rig_start_decimal(arrow_rig *r, enum ArrowType type, int precision, int scale)
{
    memset(r, 0, sizeof *r);
    ArrowSchemaInit(&r->schema);
    assert_int_equal(ArrowSchemaSetTypeDecimal(&r->schema, type, precision, scale), 0);
    begin(r);
}

void arrow_rig_aim(arrow_rig *r, hyl_type type, bool nullable, unsigned lossy)
{
    assert_int_equal(ArrowArrayFinishBuildingDefault(&r->array, NULL), 0);
    assert_int_equal(ArrowArrayViewInitFromSchema(&r->view, &r->schema, NULL), 0);
    assert_int_equal(ArrowArrayViewSetArray(&r->view, &r->array, NULL), 0);
    r->info = (hyl__table_column){column_name, type, nullable};
    r->table = (hyl__table){NULL, &r->info, 1};
    assert_ok(hyl__stage_init(&r->stage, &r->table, 100000, &err), &err);
    assert_true(hyl__arrow_fits(&r->schema, type, lossy));
    hyl__arrow_source_init(&r->source, &r->schema, &r->view, &r->stage.columns[0], lossy);
}

hyl_status arrow_rig_put(arrow_rig *r, int64_t first, int64_t count, int64_t *done)
{
    hyl_status status = hyl__arrow_source_put(&r->source, first, count, &r->stage,
                                              &r->stage.columns[0], done, &r->err);
    r->stage.rows += status == HYL_OK ? (size_t)count : 0;
    return status;
}

static void put_part(arrow_rig *r, int64_t first, int64_t count)
{
    int64_t done = 0;
    assert_ok(arrow_rig_put(r, first, count, &done), &r->err);
}

void arrow_rig_put_all(arrow_rig *r)
{
    put_part(r, 0, r->array.length);
}

/* The staged rows as HyperBinary; the stage is empty then. */
static hyl_buf staged(arrow_rig *r)
{
    hyl_buf rows = HYL_BUF_INIT;
    assert_int_equal(hyl__stage_hyperbinary(&r->stage, &rows), HYL_OK);
    hyl__stage_clear(&r->stage);
    hyl__arrow_source_rewind(&r->source);
    return rows;
}

void arrow_rig_same_part_singly(arrow_rig *r, int64_t first, int64_t count)
{
    const hyl__arrow_bulk bulk = r->source.bulk;
    assert_non_null(bulk);
    put_part(r, first, count);
    hyl_buf in_blocks = staged(r);
    r->source.bulk = NULL;
    put_part(r, first, count);
    hyl_buf singly = staged(r);
    r->source.bulk = bulk;
    assert_int_equal(in_blocks.len, singly.len);
    if (singly.len > 0) {
        assert_memory_equal(in_blocks.data, singly.data, singly.len);
    }
    hyl_buf_reset(&in_blocks);
    hyl_buf_reset(&singly);
}

void arrow_rig_same_singly(arrow_rig *r)
{
    arrow_rig_same_part_singly(r, 0, r->array.length);
}

void arrow_rig_end(arrow_rig *r)
{
    hyl__stage_reset(&r->stage);
    ArrowArrayViewReset(&r->view);
    ArrowArrayRelease(&r->array);
    ArrowSchemaRelease(&r->schema);
}
