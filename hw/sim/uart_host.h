// The far end of the simulated UART: standard input and output, a pseudo-terminal, or one TCP
// connection.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

class UartHost {
  public:
    enum class Kind { kStdio, kPty, kTcp };

    // watch_stdin: with a pty or TCP, standard input is held open by whoever started us; its end is
    // the end.
    UartHost(Kind kind, bool watch_stdin) : kind_(kind), watch_stdin_(watch_stdin) {}

    // Opens the line and prints where it is. Returns an empty string, or what went wrong.
    std::string open();

    bool has_received() const { return !received_.empty(); }
    uint8_t next_received() const { return received_.front(); }
    void pop_received() { received_.pop_front(); }
    void send(uint8_t byte) { to_send_.push_back(static_cast<char>(byte)); }

    // Moves bytes both ways. wait: sleep until a byte comes, the host goes away or a signal
    // arrives.
    void exchange(bool wait);

    // No byte will ever come again.
    bool gone() const { return gone_; }

  private:
    void accept_connection();
    void read_available();
    void flush();

    Kind kind_;
    bool watch_stdin_;
    bool gone_ = false;
    int input_ = -1;
    int output_ = -1;
    int listener_ = -1;
    std::deque<uint8_t> received_;
    std::string to_send_;
};
