/* The time of a board that counts its cycles and knows how long one is. */
#include "board.h"

#include "decimal.h"

/* Clocks are whole kilohertz. */
uint64_t board_microseconds(void) {
    uint64_t time = board_cycles() * 1000;
    decimal_divide(&time, board_clock_hz() / 1000);
    return board_has_cycles() && board_clock_hz() != 0 ? time : 0;
}
