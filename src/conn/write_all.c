#include "write_all.h"

hyl_status hyl__write_all(hyl_transport *transport, hyl_bytes bytes, int64_t deadline,
                          hyl_error *err)
{
    while (bytes.len > 0) {
        hyl_iovec iov = {bytes.data, bytes.len};
        size_t put = 0;
        unsigned ready = 0;
        hyl_status status = transport->ops->writev(transport->self, &iov, 1, &put, err);
        if (status == HYL_AGAIN) {
            status = transport->ops->wait(transport->self, HYL_WANT_WRITE, deadline, &ready, err);
        }
        HYL_TRY(status);
        bytes.data += put;
        bytes.len -= put;
    }
    return HYL_OK;
}
