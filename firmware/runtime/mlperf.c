#include "mlperf.h"

#include "board.h"
#include "mlperf_data.h"
#include "print.h"
#include "session.h"

enum {
    LONGEST = 80, /* characters of a command, as MLPerf Tiny's own firmware takes them */
    NUMBER_LIMIT = 100000000,
    DEFAULT_WARMUPS = 10,
    BYTES_PER_LINE = 8,
    TERMINATOR = '%',
    FIRST_TEXT = ' ',
    LAST_TEXT = '~'
};

static const char firmware_version[] = "ULPMark for tinyML Firmware V0.0.1";

static struct {
    char text[LONGEST + 1];
    uint32_t length;
    bool bad; /* too long, or not only text */
} line;

static char *rest; /* of the line, from a word's first character on */

static bool inferred; /* the outputs of an inference lie in the arena */

static void print_message(const char *before, uint64_t value, const char *after) {
    print(before);
    print_number(value, 0);
    print(after);
}

static void print_time(uint64_t microseconds) {
    print_message("m-lap-us-", microseconds, "\n");
}

static void refuse(const char *why) {
    print("e-[");
    print(why);
    print("]\n");
}

static void refuse_arguments(void) {
    refuse("Bad arguments");
}

static void end_reply(void) {
    print("m-ready\n");
    board_flush();
}

void mlperf_greet(void) {
    print("m-timestamp-mode-performance\n");
    print_time(board_microseconds());
    print("m-init-done\n");
    end_reply();
}

void mlperf_forget(void) {
    mlperf_present.expected = mlperf_present.received = 0;
    inferred = false;
}

static void skip_spaces(void) {
    while (*rest == ' ') {
        ++rest;
    }
}

/* Whether the next word is this one; then the rest is what follows it. */
static bool word(const char *name) {
    char *at = rest;
    for (; *name != 0; ++name, ++at) {
        if (*at != *name) {
            return false;
        }
    }
    if (*at != 0 && *at != ' ') {
        return false;
    }
    rest = at;
    skip_spaces();
    return true;
}

/* Whether the rest is this word and nothing else. */
static bool alone(const char *name) {
    char *start = rest;
    if (word(name) && *rest == 0) {
        return true;
    }
    rest = start;
    return false;
}

/* Whether the next word is a number without a sign, which is taken. */
static bool number(uint32_t *value) {
    char *start = rest;
    for (*value = 0; *rest >= '0' && *rest <= '9' && *value < NUMBER_LIMIT; ++rest) {
        *value = 10 * *value + (uint32_t)(*rest - '0');
    }
    bool taken = rest != start && (*rest == 0 || *rest == ' ');
    skip_spaces();
    return taken;
}

/* The same where it may be left out. */
static bool optional_number(uint32_t *value) {
    return *rest == 0 || number(value);
}

static void db_load(void) {
    uint32_t count;
    if (!number(&count) || *rest != 0) {
        refuse_arguments();
    } else if (count != mlperf_input_bytes() || count == 0) {
        print_message("e-[The input is ", mlperf_input_bytes(), " bytes]\n");
    } else {
        mlperf_input_open();
        inferred = false;
        print_message("m-[Expecting ", count, " bytes]\n");
    }
}

static void db_print(void) {
    uint32_t count = mlperf_present.received;
    uint32_t offset = 0;
    if (!optional_number(&count) || !optional_number(&offset) || *rest != 0 ||
        count + offset > mlperf_present.received) {
        refuse_arguments();
        return;
    }
    for (uint32_t i = 0; i < count;) {
        print(i % BYTES_PER_LINE == 0 ? "m-buffer-" : "-");
        print_byte(mlperf_input_byte(offset + i));
        ++i;
        print(i % BYTES_PER_LINE == 0 || i == count ? "\n" : "");
    }
}

/* The value of a hexadecimal digit, or more than 15. */
static uint32_t hex_digit(char digit) {
    uint32_t decimal = (uint32_t)digit - '0';
    return decimal < 10 ? decimal : ((uint32_t)digit | 0x20) - 'a' < 6 ? (digit & 7u) + 9 : 16;
}

/* Decodes in place first, so that nothing is taken of what is wrong in one place. */
static void db_bytes(void) {
    uint8_t *bytes = (uint8_t *)rest;
    uint32_t count = 0;
    for (; rest[2 * count] != 0; ++count) {
        uint32_t high = hex_digit(rest[2 * count]);
        uint32_t low = hex_digit(rest[2 * count + 1]);
        if ((high | low) > 15) {
            refuse_arguments();
            return;
        }
        bytes[count] = (uint8_t)(high << 4 | low);
    }
    if (count == 0) {
        refuse_arguments();
        return;
    }
    if (count > mlperf_present.expected - mlperf_present.received) {
        refuse("More than was announced");
        return;
    }
    mlperf_input_add(bytes, count);
    if (mlperf_present.received == mlperf_present.expected) {
        print("m-load-done\n");
    }
}

static void results(void) {
    if (!inferred) {
        refuse("No results");
        return;
    }
    print("m-results-[");
    mlperf_print_outputs();
    print("]\n");
}

/* The number of inferences must be given, though others have a default: so whatever changes
 * something contains a space, which no line of an SMP frame does. */
static void infer(void) {
    uint32_t count;
    uint32_t warmups = DEFAULT_WARMUPS;
    if (!number(&count) || count == 0 || !optional_number(&warmups) || *rest != 0) {
        refuse_arguments();
        return;
    }
    if (mlperf_present.received != mlperf_present.expected || mlperf_present.expected == 0) {
        refuse("No input");
        return;
    }
    print_message("m-warmup-start-", warmups, "\n");
    mlperf_infer(warmups);
    print("m-warmup-done\n");
    print_message("m-infer-start-", count, "\n");
    board_flush();
    uint64_t start = board_microseconds();
    mlperf_infer(count);
    uint64_t end = board_microseconds();
    print_time(start); /* not before: sending it would count as inference */
    print_time(end);
    print("m-infer-done\n");
    inferred = session_check_guards() == STATUS_OK;
    results();
}

static void carry_out(void) {
    rest = line.text;
    skip_spaces();
    if (word("db")) {
        if (word("load")) {
            db_load();
        } else if (word("print")) {
            db_print();
        } else {
            db_bytes();
        }
    } else if (word("infer")) {
        infer();
    } else if (alone("results")) {
        results();
    } else if (alone("name")) {
        print("m-name-dut-[" BOARD_NAME "]\n");
    } else if (alone("profile")) {
        print("m-profile-[");
        print(firmware_version);
        print("]\nm-model-[");
        print(session.model->name);
        print("]\n");
    } else if (alone("timestamp")) {
        print_time(board_microseconds());
    } else if (alone("help")) {
        print(firmware_version);
        print("\nname profile timestamp results db infer\n");
    } else {
        refuse("Unknown command");
    }
}

void mlperf_drop(void) {
    line.length = 0;
    line.bad = false;
}

void mlperf_take(uint8_t byte) {
    if (byte == TERMINATOR) {
        line.text[line.length] = 0;
        if (line.bad) {
            refuse("No command");
        } else {
            carry_out();
        }
        end_reply();
        byte = '\n';
    }
    if (byte == '\r' || byte == '\n') {
        mlperf_drop(); /* what comes before the end of a line is no command */
    } else if (byte < FIRST_TEXT || byte > LAST_TEXT || line.length == LONGEST) {
        line.bad = true;
    } else {
        line.text[line.length++] = (char)byte;
    }
}
