/* SPDX-License-Identifier: MIT */
/* /dev/tdx_guest, the quote generation service, RTMR extension. */
#include "tdx/platform/tdx_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cursor.h"
#include "base/file.h"
#include "base/memory.h"

struct report_request { /* struct tdx_report_req of linux/tdx-guest.h */
    uint8_t report_data[64];
    uint8_t report[PML_TDREPORT_SIZE];
};
struct extend_request { /* of the out-of-tree driver */
    uint8_t digest[48];
    uint8_t index;
};

#define GET_REPORT0 _IOWR('T', 1, struct report_request)
#define EXTEND_RTMR _IOR('T', 3, struct extend_request)
_Static_assert(GET_REPORT0 == 0xC4405401, "TDX_CMD_GET_REPORT0");
_Static_assert(EXTEND_RTMR == 0x80315403, "TDX_CMD_EXTEND_RTMR");

enum {
    QGS_MAJOR = 1,
    QGS_GET_QUOTE_REQUEST = 0,
    QGS_GET_QUOTE_RESPONSE = 1,
    QGS_REQUEST_SIZE = 16 + 8 + PML_TDREPORT_SIZE,
    QGS_RESPONSE_MAX = 16384,
    QGS_TIMEOUT_SECONDS = 30,
};

static const char kernel_rtmr_dir[] = "/sys/devices/virtual/misc/tdx_guest/measurements";

bool pml_tdx_report(uint8_t report[PML_TDREPORT_SIZE], const uint8_t report_data[64], struct pml_error *err)
{
    struct report_request request = { 0 };
    PML_AUTO(fd) int fd = open(PML_TDX_DEVICE, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return pml_fail_io(err, "open %s", PML_TDX_DEVICE);
    memcpy(request.report_data, report_data, sizeof request.report_data);
    if (ioctl(fd, GET_REPORT0, &request) != 0)
        return pml_fail_io(err, "%s: get report", PML_TDX_DEVICE);
    memcpy(report, request.report, PML_TDREPORT_SIZE);
    return true;
}

static bool read_all(int fd, void *bytes, size_t size, struct pml_error *err)
{
    for (uint8_t *at = bytes; size;) {
        ssize_t got = recv(fd, at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return pml_fail_io(err, "quote service");
        if (got == 0)
            return pml_fail(err, PML_UNKNOWN, "quote", "quote service closed the connection");
        at += got;
        size -= (size_t)got;
    }
    return true;
}

static bool send_request(int fd, const uint8_t report[PML_TDREPORT_SIZE], struct pml_error *err)
{
    PML_AUTO(buf) struct pml_buf out = { 0 };
    const uint8_t frame[4] = { 0, 0, QGS_REQUEST_SIZE >> 8, QGS_REQUEST_SIZE & 0xff }; /* big-endian, unlike the rest */
    pml_put_bytes(&out, frame, sizeof frame);
    pml_put_u16le(&out, QGS_MAJOR);
    pml_put_u16le(&out, 0); /* minor */
    pml_put_u32le(&out, QGS_GET_QUOTE_REQUEST);
    pml_put_u32le(&out, QGS_REQUEST_SIZE);
    pml_put_u32le(&out, 0); /* error code */
    pml_put_u32le(&out, PML_TDREPORT_SIZE);
    pml_put_u32le(&out, 0); /* no list of key ids */
    pml_put_bytes(&out, report, PML_TDREPORT_SIZE);
    if (!pml_buf_check(&out, err))
        return false;
    for (size_t sent = 0; sent < out.size;) {
        ssize_t put = send(fd, out.bytes + sent, out.size - sent, MSG_NOSIGNAL);
        if (put < 0 && errno != EINTR)
            return pml_fail_io(err, "quote service");
        sent += put > 0 ? (size_t)put : 0;
    }
    return true;
}

uint8_t *pml_qgs_parse(const uint8_t *bytes, size_t response_size, size_t *size, struct pml_error *err)
{
    struct pml_cursor in = pml_cursor(bytes, response_size);
    uint16_t major = pml_get_u16le(&in);
    pml_get_skip(&in, 2); /* minor */
    uint32_t type = pml_get_u32le(&in);
    uint32_t total = pml_get_u32le(&in);
    uint32_t error_code = pml_get_u32le(&in);
    if (!pml_cursor_check(&in, "quote", err))
        return pml_wrap(err, "quote service");
    if (major != QGS_MAJOR || type != QGS_GET_QUOTE_RESPONSE || total != response_size)
        return pml_fail(err, PML_UNKNOWN, "quote", "quote service: not an answer to a quote request");
    if (error_code != 0)
        return pml_fail(err, PML_UNKNOWN, "quote", "quote service: error 0x%x", (unsigned)error_code);
    uint32_t id_size = pml_get_u32le(&in);
    uint32_t quote_size = pml_get_u32le(&in);
    pml_get_skip(&in, id_size);
    const uint8_t *quote = pml_get_view(&in, quote_size);
    if (!pml_cursor_end(&in, "quote", err))
        return pml_wrap(err, "quote service");
    uint8_t *copy = malloc((size_t)quote_size + 1);
    if (!copy)
        return pml_fail_memory(err);
    if (quote_size)
        memcpy(copy, quote, quote_size);
    *size = quote_size;
    return copy;
}

uint8_t *pml_qgs_exchange(int fd, const uint8_t report[PML_TDREPORT_SIZE], size_t *size, struct pml_error *err)
{
    uint8_t frame[4];
    if (!send_request(fd, report, err) || !read_all(fd, frame, sizeof frame, err))
        return NULL;
    struct pml_cursor in = pml_cursor(frame, sizeof frame);
    uint32_t response_size = pml_get_u32be(&in);
    if (response_size > QGS_RESPONSE_MAX)
        return pml_fail(err, PML_UNKNOWN, "quote", "quote service: an answer of %u bytes", (unsigned)response_size);
    PML_AUTO(mem) uint8_t *response = malloc((size_t)response_size + 1);
    if (!response)
        return pml_fail_memory(err);
    return read_all(fd, response, response_size, err) ? pml_qgs_parse(response, response_size, size, err) : NULL;
}

bool pml_qgs_port(unsigned *port, const char *conf_path)
{
    struct pml_error ignored;
    char *rest = NULL;
    PML_AUTO(mem) char *text = pml_read_file(conf_path, 65536, NULL, &ignored);
    for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
        char extra;
        if (sscanf(line, " port = %u %c", port, &extra) == 1 && *port > 0)
            return true;
    }
    return false;
}

static int connect_host(unsigned port, struct pml_error *err)
{
    const struct timeval timeout = { .tv_sec = QGS_TIMEOUT_SECONDS };
    const struct sockaddr_vm host = { .svm_family = AF_VSOCK, .svm_port = port, .svm_cid = VMADDR_CID_HOST };
    PML_AUTO(fd) int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0 ||
        connect(fd, (const struct sockaddr *)&host, sizeof host) != 0) {
        pml_fail_io(err, "quote service at vsock port %u", port);
        return -1;
    }
    return pml_fd_take(&fd);
}

uint8_t *pml_tdx_guest_quote(const uint8_t report_data[64], size_t *size, struct pml_error *err)
{
    static const char conf[] = "/etc/tdx-attest.conf";
    uint8_t report[PML_TDREPORT_SIZE];
    unsigned port;
    if (!pml_qgs_port(&port, conf))
        return pml_fail(err, PML_UNKNOWN, "quote", "neither configfs-tsm nor a port of the quote service in %s", conf);
    if (!pml_tdx_report(report, report_data, err))
        return NULL;
    PML_AUTO(fd) int fd = connect_host(port, err);
    return fd < 0 ? NULL : pml_qgs_exchange(fd, report, size, err);
}

bool pml_tdx_extend_rtmr3(const uint8_t digest[48], struct pml_error *err)
{
    char path[4096];
    const char *dir = getenv("DCAP_TDX_RTMR_SYSFS_PATH");
    PML_AUTO(fd) int sysfs = open(pml_path(path, dir ? dir : kernel_rtmr_dir, "rtmr3:sha384"), O_WRONLY | O_CLOEXEC);
    if (sysfs >= 0) {
        ssize_t put = write(sysfs, digest, 48);
        return put == 48 ? true : (bool)pml_fail_io(err, "extend %s", path);
    }
    int sysfs_errno = errno;
    struct extend_request request = { .index = 3 };
    memcpy(request.digest, digest, sizeof request.digest);
    PML_AUTO(fd) int device = dir ? -1 : open(PML_TDX_DEVICE, O_RDWR | O_CLOEXEC);
    if (device >= 0 && ioctl(device, EXTEND_RTMR, &request) == 0)
        return true;
    return pml_fail(err, PML_UNKNOWN, "cannot_extend", "rtmr3 cannot be extended: %s: %s%s%s", path,
                    strerror(sysfs_errno), dir ? "" : "; " PML_TDX_DEVICE ": ", dir ? "" : strerror(errno));
}
