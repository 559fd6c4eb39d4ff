#include "uart_host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

namespace {
// More than this unread by the host stops simulated time until it reads.
constexpr size_t kSendLimit = 1 << 16;

void set_nonblocking(int descriptor) {
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

bool try_again(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}
} // namespace

std::string UartHost::open() {
    if (kind_ == Kind::kStdio) {
        input_ = STDIN_FILENO;
        output_ = STDOUT_FILENO;
    } else if (kind_ == Kind::kPty) {
        int terminal;
        char name[256];
        termios settings;
        memset(&settings, 0, sizeof settings);
        cfmakeraw(&settings);
        cfsetspeed(&settings, B115200);
        // The terminal side stays open here too, so that a host may close the port and open it
        // again.
        if (openpty(&input_, &terminal, name, &settings, nullptr) != 0)
            return std::string("cannot open a pseudo-terminal: ") + strerror(errno);
        set_nonblocking(input_);
        output_ = input_;
        printf("uart: %s\n", name);
    } else {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr *>(&address), size) != 0 ||
            listen(listener_, 1) != 0 ||
            getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size) != 0)
            return std::string("cannot listen on 127.0.0.1: ") + strerror(errno);
        set_nonblocking(listener_);
        printf("uart: socket://127.0.0.1:%d\n", ntohs(address.sin_port));
    }
    fflush(stdout);
    return "";
}

void UartHost::accept_connection() {
    const int connection = accept(listener_, nullptr, nullptr);
    if (connection < 0)
        return;
    const int on = 1;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    set_nonblocking(connection);
    input_ = output_ = connection;
    close(listener_);
    listener_ = -1;
}

void UartHost::read_available() {
    uint8_t bytes[4096];
    const ssize_t count = read(input_, bytes, sizeof bytes);
    if (count > 0)
        received_.insert(received_.end(), bytes, bytes + count);
    else if (count == 0 || !try_again(errno))
        gone_ = true;
}

void UartHost::flush() {
    if (to_send_.empty() || output_ < 0)
        return;
    const ssize_t count = write(output_, to_send_.data(), to_send_.size());
    if (count > 0)
        to_send_.erase(0, static_cast<size_t>(count));
    else if (count < 0 && !try_again(errno)) {
        gone_ = true;
        to_send_.clear();
    }
}

void UartHost::exchange(bool wait) {
    flush();
    pollfd watched[3];
    int count = 0;
    int input_index = -1, listener_index = -1, stdin_index = -1;
    if (input_ >= 0 && !gone_) {
        const short events = static_cast<short>(POLLIN | (to_send_.empty() ? 0 : POLLOUT));
        watched[input_index = count++] = {input_, events, 0};
        // Standard input and output are two descriptors; a write that did not fit was refused by
        // the other.
        if (kind_ == Kind::kStdio)
            watched[0].events = POLLIN;
    }
    if (listener_ >= 0 && !gone_)
        watched[listener_index = count++] = {listener_, POLLIN, 0};
    if (watch_stdin_ && !gone_)
        watched[stdin_index = count++] = {STDIN_FILENO, POLLIN, 0};

    const bool choked = to_send_.size() > kSendLimit && output_ >= 0;
    const int timeout = gone_ ? 0 : choked ? 10 : wait ? -1 : 0;
    // Signals are blocked but for here: none can slip in just before a wait that has no end.
    sigset_t none;
    sigemptyset(&none);
    const timespec limit = {0, timeout * 1000000L};
    if (ppoll(watched, static_cast<nfds_t>(count), timeout < 0 ? nullptr : &limit, &none) <= 0)
        return;

    if (stdin_index >= 0 && watched[stdin_index].revents) {
        char ignored[256];
        const ssize_t size = read(STDIN_FILENO, ignored, sizeof ignored);
        if (size == 0 || (size < 0 && !try_again(errno)))
            gone_ = true;
    }
    if (listener_index >= 0 && watched[listener_index].revents)
        accept_connection();
    if (input_index >= 0 && (watched[input_index].revents & (POLLIN | POLLHUP | POLLERR)))
        read_available();
    flush();
}
