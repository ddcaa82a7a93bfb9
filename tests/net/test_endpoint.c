#include "support/test.h"

#include <hyperline/transport.h>

static void check_reads(const char *text, hyl_endpoint_kind kind, const char *where, uint16_t port,
                        const char *formatted)
{
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    assert_ok(hyl_endpoint_parse(text, &endpoint, &err), &err);
    assert_int_equal(endpoint.kind, kind);
    assert_string_equal(kind == HYL_ENDPOINT_TCP ? endpoint.host : endpoint.path, where);
    assert_int_equal(endpoint.port, port);
    hyl_buf out = HYL_BUF_INIT;
    hyl_endpoint_format(&endpoint, &out);
    assert_int_equal(out.len, strlen(formatted));
    assert_memory_equal(out.data, formatted, out.len);

    /* What is formatted reads back as the same. */
    hyl_endpoint again;
    hyl_buf_append_byte(&out, 0);
    assert_ok(hyl_endpoint_parse((const char *)out.data, &again, &err), &err);
    assert_memory_equal(&again, &endpoint, sizeof again);
    hyl_buf_reset(&out);
}

static void every_form_is_read_and_written(void **state)
{
    (void)state;
    const hyl_endpoint_kind tcp = HYL_ENDPOINT_TCP;
    const hyl_endpoint_kind local = HYL_ENDPOINT_UNIX;
    check_reads("localhost:7483", tcp, "localhost", 7483, "localhost:7483");
    check_reads("127.0.0.1:1", tcp, "127.0.0.1", 1, "127.0.0.1:1");
    check_reads("my-host_1.example.org:65535", tcp, "my-host_1.example.org", 65535,
                "my-host_1.example.org:65535");
    check_reads("h:00080", tcp, "h", 80, "h:80");
    check_reads("[::1]:7483", tcp, "::1", 7483, "[::1]:7483");
    check_reads("[fe80::1%eth0]:7483", tcp, "fe80::1%eth0", 7483, "[fe80::1%eth0]:7483");
    check_reads("tab.tcp://localhost:7483", tcp, "localhost", 7483, "localhost:7483");
    check_reads("tab.tcp://[::1]:43317", tcp, "::1", 43317, "[::1]:43317");
    check_reads("tab.domain:///tmp/x/domain/auto", local, "/tmp/x/auto", 0, "/tmp/x/auto");
    check_reads("tab.domain:///tmp/domain/x/domain/.s.PGSQL.5", local, "/tmp/domain/x/.s.PGSQL.5",
                0, "/tmp/domain/x/.s.PGSQL.5");
    check_reads("tab.domain:///domain/n", local, "/n", 0, "/n");
    check_reads("/tmp/a b:c@d.sock", local, "/tmp/a b:c@d.sock", 0, "/tmp/a b:c@d.sock");
}

static void every_wrong_form_is_refused_with_its_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *message;
    } cases[] = {
        {NULL, "the endpoint is empty"},
        {"", "the endpoint is empty"},
        {"localhost", "there is no port: write localhost:port"},
        {"localhost:", "the port is no number from 1 to 65535"},
        {"localhost:auto", "the port is no number from 1 to 65535"},
        {"localhost:-1", "the port is no number from 1 to 65535"},
        {"localhost: 1", "the port is no number from 1 to 65535"},
        {"localhost:7483/db", "the port is no number from 1 to 65535"},
        {"localhost:0", "port 0 is not from 1 to 65535"},
        {"localhost:65536", "port 65536 is not from 1 to 65535"},
        {"localhost:000001", "port 000001 is not from 1 to 65535"},
        {"localhost:99999999999999999999", "port 99999999999999999999 is not from 1 to 65535"},
        {":7483", "there is no host before the port"},
        {"lo cal:7483", "a host name cannot have the character at position 3"},
        {"lo/cal:7483", "a host name cannot have the character at position 3"},
        {"\xc3\xa4:7483", "a host name cannot have the character at position 1"},
        {"::1:7483", "there are several colons: write host:port, or [address]:port for IPv6"},
        {"a:b:7483", "there are several colons: write host:port, or [address]:port for IPv6"},
        {"[::1", "the bracket around the address is not closed"},
        {"[::1]", "there is no port: write [::1]:port"},
        {"[::1]7483", "there is no port: write [::1]:port"},
        {"[::1]:", "the port is no number from 1 to 65535"},
        {"[]:7483", "there is no host before the port"},
        {"[localhost]:7483", "what is in brackets is no IPv6 address"},
        {"[127.0.0.1]:7483", "what is in brackets is no IPv6 address"},
        {"[::1%]:7483", "what is in brackets is no IPv6 address"},
        {"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb]:1",
         "what is in brackets is no IPv6 address"},
        {"user:secret@localhost:7483", "an endpoint has no user and no password"},
        {"tab.tcp://", "there is no port: write host:port"},
        {"tab.tcp://h", "there is no port: write h:port"},
        {"tab.tcp:///tmp/x", "a host name cannot have the character at position 1"},
        {"http://localhost:80", "the endpoint's scheme is neither tab.tcp:// nor tab.domain://"},
        {"hyper://user:secret@localhost:7483",
         "the endpoint's scheme is neither tab.tcp:// nor tab.domain://"},
        {"tab.domain://", "write tab.domain://DIR/domain/NAME"},
        {"tab.domain:///tmp/x", "write tab.domain://DIR/domain/NAME"},
        {"tab.domain:///tmp/domain/", "write tab.domain://DIR/domain/NAME"},
        {"tab.domain:///tmp/domain/a/b", "write tab.domain://DIR/domain/NAME"},
        {"tab.domain://tmp/domain/a",
         "the folder in tab.domain://DIR/domain/NAME must be an absolute path"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hyl_error err = HYL_ERROR_INIT;
        hyl_endpoint endpoint;
        memset(&endpoint, 0x5a, sizeof endpoint);
        hyl_endpoint before = endpoint;
        assert_status(hyl_endpoint_parse(cases[i].text, &endpoint, &err), HYL_ERR_ARG, &err);
        assert_string_equal(err.message, cases[i].message);
        assert_memory_equal(&endpoint, &before, sizeof endpoint);
        assert_int_equal(hyl_endpoint_parse(cases[i].text, &endpoint, NULL), HYL_ERR_ARG);
    }
}

static void lengths_are_bounded(void **state)
{
    (void)state;
    hyl_error err = HYL_ERROR_INIT;
    hyl_endpoint endpoint;
    char text[400];

    memset(text, 'a', sizeof text);
    memcpy(text + 255, ":1", 3);
    assert_ok(hyl_endpoint_parse(text, &endpoint, &err), &err);
    assert_int_equal(strlen(endpoint.host), 255);
    text[255] = 'a';
    memcpy(text + 256, ":1", 3);
    assert_status(hyl_endpoint_parse(text, &endpoint, &err), HYL_ERR_ARG, &err);
    assert_string_equal(err.message, "the host name is longer than 255 bytes");

    memset(text, 'a', sizeof text);
    text[0] = '/';
    text[107] = '\0';
    assert_ok(hyl_endpoint_parse(text, &endpoint, &err), &err);
    assert_string_equal(endpoint.path, text);
    text[107] = 'a';
    text[108] = '\0';
    assert_status(hyl_endpoint_parse(text, &endpoint, &err), HYL_ERR_ARG, &err);
    assert_string_equal(err.message, "the socket's path has 108 bytes; the system allows 107: use "
                                     "a folder with a shorter path");
}

static void no_endpoint_formats_as_nothing(void **state)
{
    (void)state;
    hyl_endpoint none;
    memset(&none, 0, sizeof none);
    hyl_buf out = HYL_BUF_INIT;
    hyl_endpoint_format(&none, &out);
    assert_int_equal(out.len, 0);
    hyl_buf_reset(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_is_read_and_written),
        cmocka_unit_test(every_wrong_form_is_refused_with_its_reason),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(no_endpoint_formats_as_nothing),
    };
    return cmocka_run_group_tests_name("net/endpoint", tests, NULL, NULL);
}
